// The network driver's calls, as Docker makes them.

import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Place } from '../drivers/host/listening.ts'
import { FakeRuntime } from '../drivers/runtime/fake.ts'
import { FakeClock } from '../lib/fake-clock.ts'
import type { ClusterState } from '../model/state.ts'
import { noEndpointOptions, noNetworkOptions } from '../protocols/libnetwork/options.ts'
import { Attachments } from './attachments.ts'
import { DockerNetworkDriver } from './docker-driver.ts'
import { DockerNetworkIds } from './docker-network-ids.ts'
import { FakeNodeClient, refusal, unreachable } from './fake-node-client.ts'
import { Outbox } from './outbox.ts'
import { PublishedPorts } from './published-ports.ts'
import { random, recordingLog, scratch, small, until } from './testing.ts'

function setup(
  t: TestContext,
  state: ClusterState = small(),
  whyTaken: (place: Place) => Promise<string | undefined> = async () => undefined,
) {
  const client = new FakeNodeClient()
  const attachments = new Attachments()
  const { log } = recordingLog()
  const dir = scratch(t)
  const outbox = new Outbox(join(dir, 'outbox.json'), { client, clock: new FakeClock(), log, random })
  const networkIds = new DockerNetworkIds(
    { path: join(dir, 'ids.json'), driver: 'netplugin' },
    { runtime: new FakeRuntime(), clock: new FakeClock() },
  )
  const looks = { count: 0 }
  const driver = new DockerNetworkDriver({
    client,
    attachments,
    outbox,
    networkIds,
    published: new PublishedPorts(
      { node: 'node1' },
      { client, state: () => state, whyTaken, whenInForce: async () => {}, log },
    ),
    state: () => state,
    nameservers: () => ['192.0.2.53', '192.0.2.54'],
    lookAgain: () => void looks.count++,
    clock: new FakeClock(),
    log,
  })
  const know = (network: string, tenant = 'default', group = '') =>
    networkIds.learn('docker-net', { tenant, network, group })
  return { client, attachments, outbox, networkIds, driver, looks, know }
}

const ids = { networkId: 'docker-net', endpointId: 'new' }
const bounded = () => AbortSignal.timeout(5_000)
const endpoint = (given: Partial<{ address: string; addressIpv6: string; macAddress: string }> = {}) => ({
  ...ids,
  interface: { address: '10.1.0.9/16', addressIpv6: '', macAddress: '', ...given },
  options: noEndpointOptions,
})
const network = (generic: Record<string, string>, pool = '') => ({
  networkId: 'docker-net',
  options: { ...noNetworkOptions, generic },
  ipv4Data: [{ addressSpace: '', pool, gateway: '', auxAddresses: {} }],
  ipv6Data: [],
})
const join_ = { ...ids, sandboxKey: '', options: noEndpointOptions }

test('networks are of this host, what they reach is the cluster', async (t) => {
  const { driver } = setup(t)
  assert.deepEqual(await driver.getCapabilities(), { scope: 'local', connectivityScope: 'global' })
})

test('a Docker network is known by its options, else by its pool', async (t) => {
  const { driver, networkIds } = setup(t)
  await driver.createNetwork(network({ tenant: 'blue', network: 'net', group: 'g' }))
  assert.deepEqual(await networkIds.resolve('docker-net', bounded()), { tenant: 'blue', network: 'net', group: 'g' })
  await driver.createNetwork(network({}, '10.2.0.0/16'))
  assert.deepEqual(await networkIds.resolve('docker-net', bounded()), { tenant: 'default', network: 'isle', group: '' })
})

test('a Docker network for a network that does not exist is refused, and not learnt', async (t) => {
  const { driver, networkIds } = setup(t)
  await assert.rejects(driver.createNetwork(network({ network: 'none' })), { code: 'NETWORK_NOT_FOUND' })
  await assert.rejects(driver.createNetwork(network({}, '10.9.0.0/16')), { code: 'NETWORK_NOT_NAMED' })
  await assert.rejects(driver.createNetwork(network({})), { code: 'NETWORK_NOT_NAMED' })
  assert.equal(networkIds.has('docker-net'), false)
})

test('a deleted Docker network is forgotten, twice if need be', async (t) => {
  const { driver, networkIds, know } = setup(t)
  await know('net')
  await driver.deleteNetwork({ networkId: 'docker-net' })
  await driver.deleteNetwork({ networkId: 'docker-net' })
  assert.equal(networkIds.has('docker-net'), false)
})

test('an endpoint is written through netmaster; the answer waits for the flows and gives the MAC', async (t) => {
  const { driver, client, attachments, know } = setup(t)
  await know('net', 'default', 'web')
  let answered = false
  const answer = driver.createEndpoint(endpoint({ addressIpv6: 'fd00::9/64' }), bounded()).finally(() => {
    answered = true
  })
  await until('asked netmaster', () => client.calls.length === 1)
  assert.deepEqual(client.calls[0]?.body, {
    TenantName: 'default',
    NetworkName: 'net',
    ServiceName: 'web',
    EndpointID: 'new',
    ConfigEP: { IPAddress: '10.1.0.9', IPv6Address: 'fd00::9' },
    MacAddress: '',
  })
  attachments.passed(new Map([['other', 'np-other']]), new Map(), 1)
  assert.equal(answered, false)
  attachments.passed(new Map([['new', 'np-new']]), new Map(), 1)
  assert.deepEqual(await answer, { interface: { macAddress: '02:02:0a:01:00:09' } })
})

test('a MAC that Docker gave is passed on, and not said back', async (t) => {
  const { driver, client, attachments, know } = setup(t)
  await know('net')
  attachments.passed(new Map([['new', 'np-new']]), new Map(), 1)
  const answer = await driver.createEndpoint(endpoint({ macAddress: '02:00:00:00:00:07' }), bounded())
  assert.deepEqual(answer, { interface: {} })
  assert.match(JSON.stringify(client.calls[0]?.body), /"MacAddress":"02:00:00:00:00:07"/)
})

test('an endpoint that netmaster refuses leaves nothing to undo', async (t) => {
  const { driver, client, know } = setup(t)
  await know('net')
  client.trouble = () => refusal()
  await assert.rejects(driver.createEndpoint(endpoint(), bounded()), { code: 'NO' })
  assert.deepEqual(client.ops(), ['createEndpoint'])
})

test('an endpoint whose port fails is taken back', async (t) => {
  const { driver, client, attachments, looks, know } = setup(t)
  await know('net')
  const answer = driver.createEndpoint(endpoint(), bounded())
  await until('asked netmaster', () => client.calls.length === 1)
  // The call is over, and somebody waits.
  await new Promise((resolve) => setImmediate(resolve))
  attachments.passed(new Map(), new Map([['new', 'no such device']]), 1)
  await assert.rejects(answer, { code: 'PORT_REFUSED' })
  assert.deepEqual(client.calls[1], { op: 'deleteEndpoint', body: { EndpointID: 'new' } })
  assert.equal(looks.count, 1)
})

test('an endpoint that is not in force in time is taken back', async (t) => {
  const { driver, client, know } = setup(t)
  await know('net')
  await assert.rejects(driver.createEndpoint(endpoint(), AbortSignal.timeout(5)), { code: 'ATTACH_TIMEOUT' })
  assert.deepEqual(client.ops(), ['createEndpoint', 'deleteEndpoint'])
})

test('an endpoint is taken back when the answer was lost: netmaster may have it', async (t) => {
  const { driver, client, outbox, know } = setup(t)
  await know('net')
  client.trouble = ({ op }) => (op === 'createEndpoint' ? 'no answer' : unreachable())
  await assert.rejects(driver.createEndpoint(endpoint(), AbortSignal.timeout(5)))
  assert.deepEqual(client.ops(), ['createEndpoint', 'deleteEndpoint'])
  assert.deepEqual([...outbox.detached], ['new'], 'kept until netmaster is back')
})

test('an endpoint of a Docker network that is not ours says what to do', async (t) => {
  const { driver, client } = setup(t)
  await assert.rejects(driver.createEndpoint(endpoint(), bounded()), {
    code: 'DOCKER_NETWORK_UNKNOWN',
    message: /docker network rm/,
  })
  assert.deepEqual(client.calls, [])
})

test('a deleted endpoint is told to netmaster, or kept for it', async (t) => {
  const { driver, client, outbox, looks } = setup(t)
  await driver.deleteEndpoint(ids, bounded())
  assert.deepEqual(client.calls, [{ op: 'deleteEndpoint', body: { EndpointID: 'new' } }])
  client.setAway(true)
  await driver.deleteEndpoint({ ...ids, endpointId: 'second' }, bounded())
  assert.deepEqual([...outbox.detached], ['second'])
  assert.equal(looks.count, 2)
})

test('a container that joins gets its link and its gateways, and no way around them', async (t) => {
  const { driver, know, attachments } = setup(t)
  attachments.passed(new Map([['new', 'np-new']]), new Map(), 1)
  await know('net')
  const answer = await driver.join(join_, bounded())
  assert.deepEqual(answer, {
    interfaceName: { srcName: 'np-new', dstPrefix: 'eth' },
    gateway: '10.1.255.254',
    gatewayIpv6: 'fd00::1',
    staticRoutes: [],
    disableGatewayService: true,
  })
})

test('without a gateway the DNS servers are on the link', async (t) => {
  const { driver, know, attachments } = setup(t)
  attachments.passed(new Map([['new', 'np-new']]), new Map(), 1)
  await know('isle')
  const answer = await driver.join(join_, bounded())
  assert.equal('gateway' in answer || 'gatewayIpv6' in answer, false)
  assert.deepEqual(answer.staticRoutes, [
    { destination: '192.0.2.53/32', routeType: 1 },
    { destination: '192.0.2.54/32', routeType: 1 },
  ])
})

test('on a VLAN the gateway is a router on the wire, and the DNS servers are on the link', async (t) => {
  const { driver, know, attachments } = setup(t)
  attachments.passed(new Map([['new', 'np-new']]), new Map(), 1)
  await know('net', 'blue')
  const answer = await driver.join(join_, bounded())
  assert.equal(answer.gateway, '10.3.0.1')
  assert.equal(answer.staticRoutes.length, 2)
})

test('what needs nothing done is answered, swarm mode is refused', async (t) => {
  const { driver } = setup(t)
  assert.deepEqual(await driver.endpointOperInfo(), { value: {} })
  for (const call of [
    driver.leave(),
    driver.programExternalConnectivity({ ...ids, options: noEndpointOptions }, bounded()),
    driver.revokeExternalConnectivity(ids, bounded()),
    driver.discoverNew(),
    driver.discoverDelete(),
    driver.freeNetwork(),
  ])
    assert.equal(await call, undefined)
  await assert.rejects(driver.allocateNetwork(), { code: 'SWARM_MODE' })
})
