// The IPAM driver's calls, as Docker makes them.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { FakeClock } from '../lib/fake-clock.ts'
import type { ClusterState } from '../model/state.ts'
import { DockerIpamDriver } from './docker-driver.ts'
import { FakeNodeClient, refusal } from './fake-node-client.ts'
import { Outbox } from './outbox.ts'
import { random, recordingLog, scratch, small } from './testing.ts'

function setup(t: TestContext, state: ClusterState = small()) {
  const client = new FakeNodeClient()
  const { log } = recordingLog()
  const outbox = new Outbox(join(scratch(t), 'outbox.json'), { client, clock: new FakeClock(), log, random })
  return { client, outbox, ipam: new DockerIpamDriver({ client, outbox, state: () => state }) }
}

const bounded = () => AbortSignal.timeout(5_000)
const pool = (pool: string, options: Record<string, string>, v6 = false) => ({
  addressSpace: 'netplugin-local',
  pool,
  subPool: '',
  options,
  v6,
})
const gateway = { RequestAddressType: 'com.docker.network.gateway' }

test('Docker need not make MACs, nor ask again after a restart', async (t) => {
  const { ipam } = setup(t)
  assert.deepEqual(await ipam.getCapabilities(), { requiresMacAddress: false, requiresRequestReplay: false })
  const { localDefault, globalDefault } = await ipam.getDefaultAddressSpaces()
  assert.notEqual(localDefault, globalDefault)
})

test('a pool is that of the network which the options name', async (t) => {
  const { ipam } = setup(t)
  const options = { tenant: 'blue', network: 'net', group: 'g' }
  assert.deepEqual(await ipam.requestPool(pool('', options)), {
    poolId: 'net:g.blue|10.3.0.0/24',
    pool: '10.3.0.0/24',
    data: {},
  })
  assert.equal((await ipam.requestPool(pool('fd00::/64', { network: 'net' }, true))).poolId, 'net.default|fd00::/64')
  assert.equal((await ipam.requestPool(pool('', { network: 'net' }, true))).pool, 'fd00::/64')
  await ipam.releasePool()
})

test("without options the network is the one with this pool; without any it is nobody's", async (t) => {
  const { ipam } = setup(t)
  assert.equal((await ipam.requestPool(pool('10.2.0.0/16', {}))).poolId, 'isle.default|10.2.0.0/16')
  await assert.rejects(ipam.requestPool(pool('', {})), { code: 'NETWORK_NOT_NAMED' })
  await assert.rejects(ipam.requestPool(pool('', { network: 'gone' })), { code: 'NETWORK_NOT_FOUND' })
})

test('an address comes from netmaster, the wished one if there is a wish', async (t) => {
  const { ipam, client } = setup(t)
  const poolId = 'net:web.default|10.1.0.0/16'
  assert.deepEqual(await ipam.requestAddress({ poolId, address: '', options: {} }, bounded()), {
    address: '10.1.0.9/16',
    data: {},
  })
  await ipam.requestAddress({ poolId, address: '10.1.0.7', options: {} }, bounded())
  const named = { TenantName: 'default', NetworkName: 'net', ServiceName: 'web' }
  assert.deepEqual(client.calls, [
    { op: 'allocAddress', body: { ...named, PreferredIPv4Address: '' } },
    { op: 'allocAddress', body: { ...named, PreferredIPv4Address: '10.1.0.7' } },
  ])
})

test('from an IPv6 pool comes an IPv6 address', async (t) => {
  const { ipam, client } = setup(t)
  client.nextAddress = 'fd00::9/64'
  const answer = await ipam.requestAddress({ poolId: 'net.default|fd00::/64', address: '', options: {} }, bounded())
  assert.equal(answer.address, 'fd00::9/64')
  assert.deepEqual(client.calls[0]?.body, {
    TenantName: 'default',
    NetworkName: 'net',
    ServiceName: '',
    IPv6: true,
    PreferredIPv6Address: '',
  })
})

test('the gateway is said without asking netmaster, in both families', async (t) => {
  const { ipam, client } = setup(t)
  const ask = async (poolId: string, address = '') =>
    (await ipam.requestAddress({ poolId, address, options: gateway }, bounded())).address
  assert.equal(await ask('net.default|10.1.0.0/16'), '10.1.255.254/16')
  assert.equal(await ask('net.default|10.1.0.0/16', '10.1.255.254'), '10.1.255.254/16')
  assert.equal(await ask('net.default|fd00::/64'), 'fd00::1/64')
  assert.equal(await ask('isle.default|10.2.0.0/16'), '0.0.0.0/16', 'Docker insists on an address')
  assert.deepEqual(client.calls, [])
})

test('what netmaster says when there is no address left is what Docker hears', async (t) => {
  const { ipam, client } = setup(t)
  client.trouble = () => refusal()
  const request = { poolId: 'net.default|10.1.0.0/16', address: '', options: {} }
  await assert.rejects(ipam.requestAddress(request, bounded()), { message: 'netmaster says no' })
  await assert.rejects(ipam.requestAddress({ ...request, poolId: 'gone.default|10.9.0.0/16' }, bounded()), {
    code: 'POOL_UNKNOWN',
  })
})

test('an address is given back, later if netmaster is away', async (t) => {
  const { ipam, client } = setup(t)
  const named = { TenantName: 'default', NetworkName: 'net', ServiceName: '' }
  await ipam.releaseAddress({ poolId: 'net.default|10.1.0.0/16', address: '10.1.0.9' }, bounded())
  await ipam.releaseAddress({ poolId: 'net.default|fd00::/64', address: 'fd00::9' }, bounded())
  assert.deepEqual(client.calls, [
    { op: 'releaseAddress', body: { ...named, IPv4Address: '10.1.0.9' } },
    { op: 'releaseAddress', body: { ...named, IPv6Address: 'fd00::9' } },
  ])
  client.setAway(true)
  await ipam.releaseAddress({ poolId: 'net.default|10.1.0.0/16', address: '10.1.0.8' }, bounded())
})

test('an address of a network that is gone is given back without a word', async (t) => {
  const { ipam, client } = setup(t)
  await ipam.releaseAddress({ poolId: 'gone.default|10.9.0.0/16', address: '10.9.0.1' }, bounded())
  assert.deepEqual(client.calls, [])
})
