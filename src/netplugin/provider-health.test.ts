import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { clusterState, type EndpointIntent } from '../../test/support/cluster.ts'
import { NodeCompiler, portNames } from '../core/compile/compile-node.ts'
import { probeMark } from '../core/pipeline/probes.ts'
import { FakeClock } from '../lib/fake-clock.ts'
import type { ClusterState } from '../model/state.ts'
import { buildPacket, findLayer, parsePacket, tcpFlags } from '../protocols/packet/index.ts'
import { FakeNodeClient, refusal } from './fake-node-client.ts'
import { ProviderHealth } from './provider-health.ts'
import { background, random, recordingLog, settle, until } from './testing.ts'

const provider: EndpointIntent = { id: 'p', network: 'red:one', node: 'a', ipv4: '10.1.0.2', labels: { tier: 'web' } }

function cluster(silentPorts: readonly number[] = []): ClusterState {
  const state = clusterState({
    tenants: ['red'],
    networks: [{ key: 'red:one', encap: { kind: 'vxlan', vni: 1 }, subnet: '10.1.0.0/24' }],
    services: [
      {
        key: 'red:web',
        network: 'one',
        address: '10.1.0.100',
        selectors: ['tier=web'],
        ports: ['80:8080:tcp'],
        probe: 'tcp:1s:1s:1',
      },
    ],
    endpoints: [provider, { ...provider, id: 'elsewhere', node: 'b', ipv4: '10.1.0.3' }],
    nodes: [{ node: 'a' }, { node: 'b' }],
  })
  const endpoints = new Map(state.endpoints)
  for (const [id, record] of endpoints) {
    if (id === 'elsewhere') endpoints.set(id, { ...record, silentPorts: [8080] })
    else if (silentPorts.length > 0) endpoints.set(id, { ...record, silentPorts })
  }
  return { ...state, endpoints }
}

function setup(t: TestContext, first: ClusterState) {
  const client = new FakeNodeClient()
  const clock = new FakeClock()
  const { log } = recordingLog()
  const compiler = new NodeCompiler('a')
  const world = { state: first, answers: false }
  const health: ProviderHealth = new ProviderHealth(
    { node: 'a' },
    {
      client,
      clock,
      log,
      random,
      state: () => world.state,
      send: (ofPort, packet) => {
        const tcp = findLayer(parsePacket(packet), 'tcp')
        if (tcp === undefined || tcp.flags !== tcpFlags.syn) return true
        const flags = tcpFlags.ack | (world.answers ? tcpFlags.syn : tcpFlags.rst)
        const answer = buildPacket([
          { kind: 'ethernet', source: '02:02:0a:01:00:02', destination: '00:00:11:11:11:11' },
          { kind: 'ipv4', source: '10.1.0.2', destination: '10.1.0.100', ttl: 64 },
          {
            kind: 'tcp',
            sourcePort: tcp.destinationPort,
            destinationPort: 1,
            acknowledgement: ((tcp.sequence ?? 0) + 1) >>> 0,
            flags,
          },
        ])
        queueMicrotask(() =>
          health.packetIn({
            packet: answer,
            fields: { in_port: ofPort },
            userdata: probeMark,
            table: 16,
            cookie: 0n,
            reason: 1,
          }),
        )
        return true
      },
    },
  )
  const pass = (state: ClusterState) => {
    world.state = state
    health.passed(compiler.compile(state), new Map([[portNames('p').portName, 11]]))
  }
  background(t, (signal) => health.run(signal))
  const told = () => client.calls.map(({ body }) => body)
  return { client, clock, world, pass, told }
}

const said = (...SilentPorts: readonly number[]) => ({ EndpointID: 'p', SilentPorts })

test('what is found is told once, of endpoints here alone', async (t) => {
  const { clock, world, pass, told } = setup(t, cluster())
  pass(cluster())
  await until('told', () => told().length === 1)
  assert.deepEqual(told(), [said(8080)])
  pass(cluster([8080]))
  await settle()
  world.answers = true
  clock.advance(1_000)
  await until('told again', () => told().length === 2)
  assert.deepEqual(told()[1], said())
  pass(cluster())
  await settle()
  assert.equal(told().length, 2)
})

test('a predecessor is believed until somebody has been asked, and before a pass nothing is told', async (t) => {
  const { world, pass, told } = setup(t, cluster([8080]))
  world.answers = true
  await settle()
  assert.deepEqual(told(), [])
  pass(cluster([8080]))
  await until('told', () => told().length === 1)
  assert.deepEqual(told(), [said()])
})

test('netmaster is told when it is back; what it refuses is not told again', async (t) => {
  const { client, clock, pass, told } = setup(t, cluster())
  client.setAway(true)
  pass(cluster())
  await until('tried', () => told().length === 1)
  client.trouble = () => refusal('not-found')
  clock.advance(2_000)
  await until('tried again', () => told().length === 2)
  clock.advance(10_000)
  await settle()
  assert.equal(told().length, 2)
})
