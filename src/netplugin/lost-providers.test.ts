import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterState, type EndpointIntent, type Intent, type ServiceIntent } from '../../test/support/cluster.ts'
import { NodeCompiler, portNames } from '../core/compile/compile-node.ts'
import type { ClusterState } from '../model/state.ts'
import type { ConntrackMatch } from '../protocols/openflow/index.ts'
import { findLayer, parsePacket } from '../protocols/packet/index.ts'
import { type ListedConnection, parseConnections } from '../protocols/unixctl/index.ts'
import { LostProviders } from './lost-providers.ts'

const web: ServiceIntent = {
  key: 'red:web',
  network: 'one',
  address: '10.1.0.100',
  selectors: ['tier=web'],
  ports: ['80:8080:tcp'],
}
const provider = (id: string, ipv4: string): EndpointIntent => ({
  id,
  network: 'red:one',
  node: 'b',
  ipv4,
  labels: { tier: 'web' },
})

function cluster(services: readonly ServiceIntent[], ...providers: readonly EndpointIntent[]): ClusterState {
  const intent: Intent = {
    tenants: ['red'],
    networks: [{ key: 'red:one', encap: { kind: 'vxlan', vni: 1 }, subnet: '10.1.0.0/24' }],
    services,
    endpoints: [{ id: 'client', network: 'red:one', node: 'a', ipv4: '10.1.0.1' }, ...providers],
    nodes: [{ node: 'a' }, { node: 'b' }],
  }
  return clusterState(intent)
}

const [p2, p3] = [provider('p2', '10.1.0.2'), provider('p3', '10.1.0.3')]
const ofPorts = new Map([[portNames('client').portName, 11]])
const line = (port: number, to: string, state = 'ESTABLISHED', vip = '10.1.0.100') =>
  `tcp,orig=(src=10.1.0.1,dst=${vip},sport=${port},dport=80),reply=(src=${to},dst=10.1.0.1,sport=8080,dport=${port}),zone=1,protoinfo=(state=${state})`

function start(connections: string) {
  const compiler = new NodeCompiler('a')
  const lost = new LostProviders()
  const forgotten: ConntrackMatch[] = []
  const sent: (readonly [port: number, clientPort: number | undefined])[] = []
  let listed = 0
  const pass = async (state: ClusterState, now = 0) => {
    const network = lost.note(compiler.compile(state), now)
    await lost.cut(network, ofPorts, {
      list: (): Promise<readonly ListedConnection[]> => {
        listed++
        return Promise.resolve(parseConnections(connections))
      },
      forget: (match) => Promise.resolve(void forgotten.push(match)),
      send: (port, packet) =>
        Promise.resolve(void sent.push([port, findLayer(parsePacket(packet), 'tcp')?.destinationPort])),
    })
    return [...network.services.values()]
  }
  const lists = () => listed
  return { pass, forgotten, sent, lists }
}

const way = (provider: string) => ({
  zone: 1,
  protocol: 6,
  original: { destination: '10.1.0.100', destinationPort: 80 },
  reply: { source: provider, sourcePort: 8080 },
})

test('what is open to a provider that goes is forgotten, and its clients are made to speak', async () => {
  const list = [line(1, '10.1.0.2'), line(2, '10.1.0.3'), line(3, '10.1.0.2', 'SYN_SENT')].join('\n')
  const { pass, forgotten, sent, lists } = start(list)
  await pass(cluster([web], p2, p3))
  assert.deepEqual([forgotten, sent], [[], []], 'both serve')
  const looked = lists()
  await pass(cluster([web], p3))
  assert.deepEqual(forgotten, [way('10.1.0.2')])
  assert.deepEqual(sent, [[11, 1]], 'who has not opened yet tries again by itself')
  await pass(cluster([web], p3))
  assert.equal(lists(), looked + 1, 'connections are listed only after a change')
})

test('what a predecessor left is found at the start', async () => {
  const { pass, forgotten, sent } = start(
    [line(1, '10.1.0.2'), line(2, '10.1.0.9', 'ESTABLISHED', '10.1.0.50')].join('\n'),
  )
  await pass(cluster([web], p3))
  assert.deepEqual(forgotten, [way('10.1.0.2')])
  assert.deepEqual(sent, [[11, 1]])
})

test('a service that went refuses for a while, unless somebody has its address', async () => {
  const { pass, forgotten } = start(line(1, '10.1.0.2'))
  await pass(cluster([web], p2), 0)
  const [retired] = await pass(cluster([], p2), 1_000)
  assert.deepEqual([retired?.address, retired?.ports, retired?.providers], ['10.1.0.100', [], []])
  assert.deepEqual(forgotten, [way('10.1.0.2')])
  const heir: EndpointIntent = { id: 'heir', network: 'red:one', node: 'b', ipv4: '10.1.0.100' }
  assert.deepEqual(await pass(cluster([], p2, heir), 1_100), [])
  assert.deepEqual(await pass(cluster([], p2), 10_000), [])
})

test('a provider that is back before anything was cut is not lost', async () => {
  const { pass, forgotten } = start('')
  await pass(cluster([web], p2))
  await pass(cluster([web], p2, p3))
  assert.deepEqual(forgotten, [])
})
