import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterState, type EndpointIntent } from '../../test/support/cluster.ts'
import { NodeCompiler } from '../core/compile/compile-node.ts'
import type { NodeNetwork } from '../core/compile/node-network.ts'
import type { ConntrackMatch } from '../protocols/openflow/index.ts'
import { FormerAddresses } from './former-addresses.ts'

const web = { id: 'web', network: 'red:one', group: 'web', node: 'n1', ipv4: '10.1.0.1' } as const
const db = { id: 'db', network: 'red:one', group: 'db', node: 'n2', ipv4: '10.1.0.2' } as const
const heir = { ...db, id: 'heir', group: 'web' } as const

function network(endpoints: readonly EndpointIntent[], policies = ['p']): NodeNetwork {
  const state = clusterState({
    tenants: ['red'],
    networks: [
      { key: 'red:one', encap: { kind: 'vxlan', vni: 1 }, subnet: '10.1.0.0/16' },
      { key: 'red:six', encap: { kind: 'vxlan', vni: 2 }, subnet: '10.2.0.0/16', ipv6Subnet: '2001:db8::/64' },
    ],
    groups: [
      { key: 'red:web', network: 'one', policies },
      { key: 'red:db', network: 'one' },
    ],
    rules: [{ policy: 'red:p', id: 'a', direction: 'in', action: 'deny' }],
    endpoints,
    nodes: [
      { node: 'n1', vtep: '192.0.2.1' },
      { node: 'n2', vtep: '192.0.2.2' },
    ],
  })
  return new NodeCompiler('n1').compile(state)
}

async function forgotten(former: FormerAddresses): Promise<ConntrackMatch[]> {
  const seen: ConntrackMatch[] = []
  await former.forget(async (match) => void seen.push(match))
  return seen
}

const both = (address: string) => [
  { zone: 1, original: { source: address } },
  { zone: 1, original: { destination: address } },
]

test('connections of who went are forgotten, here and elsewhere, once', async () => {
  const former = new FormerAddresses()
  former.note(network([web, db]))
  assert.deepEqual(await forgotten(former), [])
  former.note(network([web]))
  assert.equal(former.size, 1)
  assert.deepEqual(await forgotten(former), both('10.1.0.2'))
  assert.deepEqual(await forgotten(former), [])
})

test('an address that somebody has again keeps him out until they are forgotten', async () => {
  const former = new FormerAddresses()
  former.note(network([web, db]))
  const now = network([web, heir])
  former.note(now)
  assert.deepEqual([...former.withoutHeirs(now).remote.keys()], [])
  assert.deepEqual([...former.withoutHeirs(now).local.keys()], ['web'])
  assert.deepEqual(await forgotten(former), both('10.1.0.2'))
  assert.equal(former.withoutHeirs(now), now)
})

test('also when he came later', () => {
  const former = new FormerAddresses()
  former.note(network([web, db]))
  former.note(network([web]))
  const now = network([web, heir])
  former.note(now)
  assert.equal(former.withoutHeirs(now).remote.size, 0)
})

test('an heir that goes again keeps nobody', () => {
  const former = new FormerAddresses()
  former.note(network([web, db]))
  former.note(network([web, heir]))
  const now = network([web])
  former.note(now)
  assert.equal(former.withoutHeirs(now), now)
  assert.equal(former.size, 1)
})

test('an endpoint of another group is another one; the rest of a record does not matter', () => {
  const former = new FormerAddresses()
  former.note(network([web, db]))
  former.note(network([web, { ...db }]))
  assert.equal(former.size, 0)
  former.note(network([web, { ...db, group: 'web' }]))
  assert.equal(former.size, 1)
})

test('all addresses of an endpoint count', async () => {
  const former = new FormerAddresses()
  const six = { id: 'six', network: 'red:six', node: 'n1', ipv4: '10.2.0.1', ipv6: '2001:db8::1' }
  former.note(network([web, six]))
  former.note(network([web]))
  const addresses = ['10.2.0.1', '2001:db8::1', 'fe80::2:aff:fe02:1']
  assert.deepEqual(await forgotten(former), addresses.flatMap(both))
})

test('where nothing was ever tracked there is nothing to forget', () => {
  const former = new FormerAddresses()
  former.note(network([web, db], []))
  former.note(network([web], []))
  assert.equal(former.size, 0)
})

test('what could not be forgotten is tried again', async () => {
  const former = new FormerAddresses()
  former.note(network([web, db]))
  const now = network([web, heir])
  former.note(now)
  await assert.rejects(former.forget(() => Promise.reject(new Error('gone'))))
  assert.equal(former.withoutHeirs(now).remote.size, 0)
  assert.deepEqual(await forgotten(former), both('10.1.0.2'))
})

test('of many that went at once some are forgotten at a time', async () => {
  const former = new FormerAddresses()
  const many = Array.from({ length: 120 }, (_, index) => ({ ...db, id: `db${index}`, ipv4: `10.1.1.${index + 1}` }))
  former.note(network([web, ...many]))
  former.note(network([web]))
  assert.equal((await forgotten(former)).length, 100)
  assert.equal(former.size, 70)
})
