import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { clusterState } from '../../test/support/cluster.ts'
import { NodeCompiler } from '../core/compile/compile-node.ts'
import { NameIndex } from '../core/compile/names.ts'
import { askerAddress } from '../core/pipeline/features/names.ts'
import { FakeClock } from '../lib/fake-clock.ts'
import type { ClusterState } from '../model/state.ts'
import type { Answer, Query, Upstream } from '../protocols/dns/index.ts'
import { localNames, Resolver } from './resolver.ts'
import { background, random, recordingLog, settle, until } from './testing.ts'

const ask = (name: string, type = 'A'): Query => ({
  id: 1,
  recursionDesired: true,
  checkingDisabled: false,
  question: { name, type, class: 1 },
  questionBytes: Buffer.alloc(0),
  edns: undefined,
})

const cluster = clusterState({
  tenants: ['default'],
  networks: [],
  nodes: [],
  endpoints: [
    { id: 'Web', network: 'default:n', node: 'a', ipv4: '10.1.0.1', ipv6: 'fd00::1' },
    { id: 'db', network: 'default:n', node: 'b', ipv4: '10.1.0.2' },
  ],
})
const withAlias = [...cluster.endpoints].map(([id, record]) => [id, { ...record, aliases: ['any'] }] as const)
const names = new NameIndex().names({ ...cluster, endpoints: new Map(withAlias) }, 'default:n')

const local = (query: Query, chance = 0) => localNames(query, names, () => chance)

/** What the answer says: its records as text, or the code of a failure. */
function said(answer: Answer | undefined): unknown {
  if (answer === undefined) return 'not ours'
  if (answer.kind !== 'records') return answer.kind
  if (answer.rcode !== 'NOERROR') return answer.rcode
  return answer.answers.map((record) => ('data' in record ? `${record.type} ${record.data}` : String(record)))
}

test('a name has the addresses of its container, whatever its case and a dot at its end', () => {
  for (const name of ['web', 'WEB', 'web.']) assert.deepEqual(said(local(ask(name))), ['A 10.1.0.1'], name)
  assert.deepEqual(said(local(ask('web', 'AAAA'))), ['AAAA fd00::1'])
  assert.deepEqual(said(local(ask('web', 'ANY'))), ['A 10.1.0.1', 'AAAA fd00::1'])
})

test('an alias of several containers has all their addresses', () => {
  assert.deepEqual(said(local(ask('any'))), ['A 10.1.0.1', 'A 10.1.0.2'])
})

test('each answer starts with another of the addresses', () => {
  assert.deepEqual(said(local(ask('any'), 0.5)), ['A 10.1.0.2', 'A 10.1.0.1'])
  assert.deepEqual(said(local(ask('any'), 0.99)), ['A 10.1.0.2', 'A 10.1.0.1'])
})

test('a name that exists without an address of the kind asked for has an empty answer, not a failure', () => {
  assert.deepEqual(said(local(ask('db', 'AAAA'))), [])
  assert.deepEqual(said(local(ask('db', 'MX'))), [])
})

test('an address has the name of its container, in both families', () => {
  assert.deepEqual(said(local(ask('1.0.1.10.in-addr.arpa', 'PTR'))), ['PTR Web'])
  assert.deepEqual(said(local(ask('1.0.1.10.in-addr.arpa', 'A'))), [])
  const nibbles = `1.${'0.'.repeat(27)}0.0.d.f.ip6.arpa`
  assert.deepEqual(said(local(ask(nibbles, 'PTR'))), ['PTR Web'])
})

test('other names and addresses are not answered here', () => {
  for (const name of ['example.org', 'web.example.org', '9.0.1.10.in-addr.arpa', ''])
    assert.equal(said(local(ask(name))), 'not ours', name)
})

function setup(t: TestContext, nameservers: readonly string[] = []) {
  const world: { state: ClusterState | undefined } = { state: twoTenants() }
  const { log, lines } = recordingLog()
  const forwarded: string[] = []
  const exchange = async (upstream: Upstream) => {
    forwarded.push(upstream.address)
    throw new Error('nobody is there')
  }
  const clock = new FakeClock()
  const resolver = new Resolver({
    state: () => world.state,
    nameservers: () => nameservers,
    clock,
    log,
    random,
    exchange,
  })
  const node = new NodeCompiler('node1').compile(twoTenants())
  const ofPorts = new Map([...node.local.values()].map((endpoint, index) => [endpoint.portName, index + 1]))
  resolver.nodeChanged(node, ofPorts)
  const port = (id: string) => ofPorts.get(node.local.get(id)!.portName)!
  const from = (inPort: number) => ({
    address: askerAddress(node.pvtSubnet, inPort),
    port: 40_000,
    transport: 'udp' as const,
  })
  const resolve = async (name: string, inPort: number) => said(await resolver.resolve(ask(name), from(inPort)))
  return { resolver, world, resolve, port, forwarded, clock, lines, node, t }
}

/** Two tenants with one container each, of the same name and address. */
function twoTenants(): ClusterState {
  const networks = ['red:n', 'blue:n'].map((key, index) => ({
    key,
    encap: { kind: 'vxlan' as const, vni: index + 1 },
    subnet: '10.1.0.0/16',
  }))
  const state = clusterState({
    tenants: ['red', 'blue'],
    networks,
    endpoints: [
      { id: 'r1', network: 'red:n', node: 'node1', ipv4: '10.1.0.1' },
      { id: 'r2', network: 'red:n', node: 'node2', ipv4: '10.1.0.2' },
      { id: 'b1', network: 'blue:n', node: 'node1', ipv4: '10.1.0.1' },
      { id: 'b2', network: 'blue:n', node: 'node2', ipv4: '10.1.0.9' },
    ],
    nodes: [],
  })
  const endpoints = [...state.endpoints].map(
    ([id, record]) => [id, { ...record, containerName: id.endsWith('1') ? 'me' : 'db' }] as const,
  )
  return { ...state, endpoints: new Map(endpoints) }
}

test('who asks gets the names of its own network, although others have the same', async (t) => {
  const { resolve, port } = setup(t)
  assert.deepEqual(await resolve('db', port('r1')), ['A 10.1.0.2'])
  assert.deepEqual(await resolve('db', port('b1')), ['A 10.1.0.9'])
})

test('a port of no endpoint, and an address outside the private subnet, are refused', async (t) => {
  const { resolver, resolve } = setup(t)
  assert.equal(await resolve('db', 77), 'REFUSED')
  const stranger = { address: '10.1.0.1', port: 1, transport: 'udp' as const }
  assert.equal(said(await resolver.resolve(ask('db'), stranger)), 'REFUSED')
})

test('before a state is known everybody is refused', async (t) => {
  const { world, resolve, port } = setup(t)
  world.state = undefined
  assert.equal(await resolve('db', port('r1')), 'REFUSED')
})

test('a port that a new endpoint has got asks for its network', async (t) => {
  const { resolver, resolve, node } = setup(t)
  const blue = node.local.get('b1')!
  resolver.nodeChanged({ ...node, local: new Map([['b1', blue]]) }, new Map([[blue.portName, 1]]))
  assert.deepEqual(await resolve('db', 1), ['A 10.1.0.9'])
  assert.equal(await resolve('db', 2), 'REFUSED')
})

test('without servers of the host an unknown name does not exist', async (t) => {
  const { resolve, port, forwarded } = setup(t)
  assert.equal(await resolve('example.org', port('r1')), 'NXDOMAIN')
  assert.deepEqual(forwarded, [])
})

test('an unknown name is asked of the servers of the host', async (t) => {
  const { resolve, port, forwarded, clock } = setup(t, ['192.0.2.1', '192.0.2.2'])
  let answer: unknown
  void resolve('example.org', port('r1')).then((value) => {
    answer = value
  })
  for (let turn = 0; turn < 100 && answer === undefined; turn++) {
    clock.advance(1_000)
    await settle()
  }
  assert.equal(answer, 'SERVFAIL')
  assert.deepEqual([...new Set(forwarded)].sort(), ['192.0.2.1', '192.0.2.2'])
})

test('it waits for its address to be there, and ends with its signal', async (t) => {
  const { resolver, lines } = setup(t)
  const run = background(t, (signal) => resolver.run(signal))
  // The address of the private subnet is on no machine that runs tests.
  await until('tried', () => lines.some(({ phrase }) => phrase === 'names are not served yet'))
  await run.stop()
})
