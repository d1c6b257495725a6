import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterState, type Intent } from '../../../test/support/cluster.ts'
import { NodeCompiler, portNames } from './compile-node.ts'

const vxlan = (vni: number) => ({ kind: 'vxlan', vni }) as const

const intent: Intent = {
  tenants: ['red', 'blue'],
  networks: [
    { key: 'red:a', encap: vxlan(1), subnet: '10.1.0.0/16', gateway: '10.1.0.254' },
    { key: 'red:b', encap: vxlan(2), subnet: '10.2.0.5-10.2.0.9/16' },
    { key: 'red:v', encap: { kind: 'vlan', vlan: 7 }, subnet: '10.3.0.0/16' },
    { key: 'blue:a', encap: vxlan(3), subnet: '10.1.0.0/16' },
  ],
  endpoints: [
    { id: 'here', network: 'red:a', node: 'n1', ipv4: '10.1.0.1' },
    { id: 'same', network: 'red:a', node: 'n2', ipv4: '10.1.0.2' },
    { id: 'routed', network: 'red:b', node: 'n2', ipv4: '10.2.0.5' },
    { id: 'vlan', network: 'red:v', node: 'n2', ipv4: '10.3.0.1' },
    { id: 'stranger', network: 'blue:a', node: 'n2', ipv4: '10.1.0.1' },
  ],
  nodes: [
    { node: 'n1', vtep: '192.0.2.1' },
    { node: 'n3', vtep: '192.0.2.3' },
    { node: 'n2', vtep: '192.0.2.2' },
    { node: 'n4' },
  ],
}

const compile = (state = clusterState(intent), node = 'n1') => new NodeCompiler(node).compile(state)

test('a node knows its own endpoints and those that they can meet, by route too, and no others', () => {
  const node = compile()
  assert.deepEqual([...node.local.keys()], ['here'])
  assert.deepEqual([...node.remote.keys()].sort(), ['routed', 'same'])
  assert.deepEqual([...node.networks.keys()].sort(), ['red:a', 'red:b'])
})

test('bridged, a node knows the networks of its own endpoints alone', () => {
  const node = compile(clusterState({ ...intent, global: { fwdMode: 'bridge' } }))
  assert.deepEqual([...node.remote.keys()], ['same'])
  assert.equal(node.networks.get('red:a')?.routed, false)
})

test('a node without endpoints knows nothing but its peers', () => {
  const node = compile(undefined, 'n4')
  assert.deepEqual([node.local.size, node.remote.size, node.networks.size], [0, 0, 0])
  assert.equal(node.vtep, '')
  assert.deepEqual(node.peers, ['192.0.2.1', '192.0.2.2', '192.0.2.3'])
})

test('peers are the other tunnel ends, sorted, each once', () => {
  assert.deepEqual(compile().peers, ['192.0.2.2', '192.0.2.3'])
})

test('a VLAN network is neither routed by the switch nor has a gateway in it', () => {
  const state = clusterState({ ...intent, endpoints: [{ id: 'v', network: 'red:v', node: 'n1', ipv4: '10.3.0.1' }] })
  const view = compile(state).networks.get('red:v')
  assert.deepEqual([view?.routed, view?.ownsGateway], [false, false])
})

test('a subnet that is a range becomes the prefix around it', () => {
  assert.equal(compile().networks.get('red:b')?.subnet, '10.2.0.0/16')
})

test('an endpoint of a network or tenant that is not there is left out', () => {
  const state = clusterState(intent)
  const networks = new Map(state.networks)
  networks.delete('red:a')
  assert.equal(compile({ ...state, networks }).local.size, 0)
  assert.equal(compile({ ...state, tenants: new Map() }).local.size, 0)
})

test('what did not change is the same object; what depends on a change is not', () => {
  const compiler = new NodeCompiler('n1')
  const state = clusterState(intent)
  const first = compiler.compile(state)
  const nodes = new Map(state.nodes).set('n2', { ...state.nodes.get('n2')!, vtep: '192.0.2.22' })
  const second = compiler.compile({ ...state, revision: 2, nodes })
  assert.equal(second.local.get('here'), first.local.get('here'))
  assert.equal(second.networks.get('red:a'), first.networks.get('red:a'))
  assert.notEqual(second.remote.get('same'), first.remote.get('same'))
  assert.deepEqual(second, compile({ ...state, revision: 2, nodes }))
})

test('an endpoint that moves here becomes a local one', () => {
  const compiler = new NodeCompiler('n1')
  const state = clusterState(intent)
  compiler.compile(state)
  const endpoints = new Map(state.endpoints).set('same', { ...state.endpoints.get('same')!, node: 'n1' })
  assert.deepEqual([...compiler.compile({ ...state, endpoints }).local.keys()].sort(), ['here', 'same'])
})

test('the names of a veth pair fit an interface, differ by endpoint, and never change', () => {
  assert.deepEqual(portNames('here'), portNames('here'))
  const names = new Set<string>()
  for (let count = 0; count < 2_000; count++) {
    const { portName, peerName } = portNames(count.toString(16).padStart(64, '0'))
    for (const name of [portName, peerName]) {
      assert.match(name, /^[a-z0-9]{3,15}$/)
      names.add(name)
    }
  }
  assert.equal(names.size, 4_000)
  // A running host has links by these names: an agent that is upgraded must find them again.
  assert.deepEqual(portNames('example'), { portName: 'vp27h9q10me8i', peerName: 'np27h9q10me8i' })
})

test('an endpoint of an intent is nobody until a container has it', () => {
  const state = clusterState(intent)
  const waiting = { ...state.endpoints.get('here')!, origin: 'intent', containerId: '' } as const
  const endpoints = new Map(state.endpoints).set('here', waiting)
  const { local, remote } = new NodeCompiler('n1').compile({ ...state, endpoints })
  assert.deepEqual([local.has('here'), remote.has('here')], [false, false])
  endpoints.set('here', { ...waiting, containerId: 'c1' })
  assert.ok(new NodeCompiler('n1').compile({ ...state, endpoints }).local.has('here'))
})
