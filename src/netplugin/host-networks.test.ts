import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { clusterState } from '../../test/support/cluster.ts'
import { FakeClock } from '../lib/fake-clock.ts'
import type { ClusterState } from '../model/state.ts'
import { FakeNodeClient, refusal, unreachable } from './fake-node-client.ts'
import { HostNetworks } from './host-networks.ts'
import { background, random, recordingLog, settle, smallCluster, until, untilTime } from './testing.ts'

const store = {
  key: 'default:store',
  encap: { kind: 'vxlan', vni: 9 },
  subnet: '10.9.0.0/24',
  nwType: 'infra',
} as const
const withStore = (...endpoints: Parameters<typeof clusterState>[0]['endpoints']) =>
  clusterState({ ...smallCluster, networks: [...smallCluster.networks, store], endpoints })
const own = {
  id: 'store.default@node1',
  network: 'default:store',
  node: 'node1',
  ipv4: '10.9.0.1',
  origin: 'host',
} as const

function setup(t: TestContext, state: ClusterState) {
  const client = new FakeNodeClient()
  const clock = new FakeClock()
  const { log, lines, said } = recordingLog()
  const world = { state, inSync: true }
  const networks = new HostNetworks(
    { node: 'node1' },
    { client, clock, log, random, state: () => world.state, inSync: () => world.inSync },
  )
  const enter = (next: ClusterState) => {
    world.state = next
    networks.stateChanged()
  }
  background(t, (signal) => networks.run(signal))
  const claims = () => client.calls.filter(({ op }) => op === 'createEndpoint')
  return { client, clock, lines, said, world, networks, enter, claims }
}

test('an infra network is given an endpoint of this host, once', async (t) => {
  const { claims, enter } = setup(t, clusterState(smallCluster))
  await settle()
  assert.deepEqual(claims(), [], 'other networks are not for hosts')
  enter(withStore())
  await until('claimed', () => claims().length === 1)
  assert.deepEqual(claims()[0]?.body, {
    TenantName: 'default',
    NetworkName: 'store',
    EndpointID: 'store.default@node1',
    ConfigEP: { Container: 'node1', Host: 'node1' },
  })
  // Something else changes before the record is there.
  enter({ ...withStore() })
  await settle()
  assert.equal(claims().length, 1)
})

test('an endpoint that is there is not claimed again, and one that was taken away is', async (t) => {
  const { claims, enter } = setup(t, withStore(own))
  await settle()
  assert.deepEqual(claims(), [])
  enter({ ...withStore(), revision: 5 })
  await until('claimed', () => claims().length === 1)
})

test('nothing is claimed from a state that may be old', async (t) => {
  const { world, enter, claims } = setup(t, clusterState(smallCluster))
  world.inSync = false
  enter(withStore())
  await settle()
  assert.deepEqual(claims(), [])
  world.inSync = true
  enter(withStore())
  await until('claimed', () => claims().length === 1)
})

test('while netmaster is away it is tried again', async (t) => {
  const { client, claims, clock, enter, networks } = setup(t, clusterState(smallCluster))
  client.trouble = () => unreachable()
  enter(withStore())
  await untilTime('three tries', clock, 100, () => claims().length > 2)
  assert.deepEqual(networks.problems(), [], 'that netmaster is away is said elsewhere')
})

test('a refusal is said once, told as a problem, and tried again later; the network goes and so does the problem', async (t) => {
  const { client, clock, claims, enter, lines, networks } = setup(t, clusterState(smallCluster))
  client.trouble = ({ op }) => (op === 'createEndpoint' ? refusal() : undefined)
  enter(withStore())
  await until('refused', () => networks.problems().length === 1)
  assert.deepEqual(networks.problems(), ['network default:store: netmaster says no'])
  enter({ ...withStore(), networks: clusterState(smallCluster).networks })
  await until('forgotten', () => networks.problems().length === 0)
  const state = withStore()
  enter(state)
  await until('refused', () => claims().length === 2)
  await untilTime('tried again', clock, 5_000, () => claims().length === 3)
  await settle()
  assert.equal(lines.filter(({ phrase }) => phrase === 'host gets no address').length, 2)
})

test('what a pass found in the way is said once, and when it is gone', (t) => {
  const { networks, lines } = setup(t, clusterState(smallCluster))
  networks.passed(new Map([['interface store', 'it is taken']]))
  networks.passed(new Map([['interface store', 'it is taken']]))
  assert.deepEqual(networks.problems(), ['interface store: it is taken'])
  networks.passed(new Map())
  assert.deepEqual(networks.problems(), [])
  assert.deepEqual(
    lines.map(({ level, fields }) => [level, fields.what]),
    [
      ['warn', 'interface store'],
      ['info', 'interface store'],
    ],
  )
})
