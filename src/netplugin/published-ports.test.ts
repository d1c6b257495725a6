// Ports of the host: chosen, refused, told to netmaster, withdrawn.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Place } from '../drivers/host/listening.ts'
import type { PublishedPort } from '../model/published-port.ts'
import type { ClusterState, NetworkRecord } from '../model/state.ts'
import type { PortBinding } from '../protocols/libnetwork/index.ts'
import { FakeNodeClient, refusal, unreachable } from './fake-node-client.ts'
import { PublishedPorts } from './published-ports.ts'
import { recordingLog, small } from './testing.ts'

const binding = (more: Partial<PortBinding>): PortBinding => ({
  protocol: 6,
  ip: '',
  port: 80,
  hostIp: '',
  hostPort: 8080,
  hostPortEnd: 8080,
  ...more,
})

const taken: PublishedPort = { protocol: 'tcp', hostAddress: '', hostPort: 8080, port: 80 }

/** `web` has a port of node1, `db` the same of node2. */
function published(): ClusterState {
  const state = small()
  const endpoints = new Map([...state.endpoints].map(([id, record]) => [id, { ...record, published: [taken] }]))
  return { ...state, endpoints }
}

function setup(listening: (place: Place) => string | undefined = () => undefined) {
  const client = new FakeNodeClient()
  const { log, said } = recordingLog()
  const waited: number[] = []
  const state = published()
  const ports = new PublishedPorts(
    { node: 'node1' },
    {
      client,
      state: () => state,
      whyTaken: async (place) => listening(place),
      whenInForce: async (revision) => void waited.push(revision),
      log,
    },
  )
  const network = (key: string): NetworkRecord => {
    const record = state.networks.get(key)
    assert.ok(record)
    return record
  }
  const publish = (bindings: readonly PortBinding[], key = 'default:net') =>
    ports.publish('new', bindings, { network: network(key) }, AbortSignal.timeout(5_000))
  return { client, ports, publish, waited, said }
}

test('what is asked for is told to netmaster, and waited for', async () => {
  const { client, publish, waited } = setup()
  await publish([binding({ hostPort: 90, hostPortEnd: 90 }), binding({ protocol: 17, port: 53, hostIp: '10.0.0.1' })])
  assert.deepEqual(client.calls, [
    {
      op: 'updateEndpoint',
      body: {
        EndpointID: 'new',
        Published: [
          { protocol: 'tcp', hostAddress: '', port: 80, hostPort: 90 },
          { protocol: 'udp', hostAddress: '10.0.0.1', port: 53, hostPort: 8080 },
        ],
      },
    },
  ])
  assert.deepEqual(waited, [4])
})

test('of a range the first that is free, of none the first of those that systems choose', async () => {
  const { client, publish } = setup(({ hostPort }) => (hostPort === 8081 ? 'EADDRINUSE' : undefined))
  await publish([
    binding({ hostPortEnd: 8090 }),
    binding({ hostPortEnd: 8090 }),
    binding({ hostPort: 0, hostPortEnd: 0 }),
  ])
  const { Published } = (client.calls[0]?.body ?? {}) as { Published: PublishedPort[] }
  assert.deepEqual(
    Published.map(({ hostPort }) => hostPort),
    [8082, 8083, 32_768],
  )
})

for (const [what, bindings, message] of [
  ['one that a program has', [binding({ hostPort: 22, hostPortEnd: 22 })], /a program of the host listens there/],
  ['an address of nobody', [binding({ hostIp: '192.0.2.9', hostPort: 1, hostPortEnd: 9 })], /no address 192\.0\.2\.9/],
  ['an IPv6 address', [binding({ hostIp: '::1', hostPort: 9, hostPortEnd: 9 })], /only IPv4 addresses/],
  ['another protocol', [binding({ protocol: 1 })], /protocol 1 cannot be published/],
] as const) {
  test(`${what} is refused, and netmaster not asked`, async () => {
    const { client, publish } = setup(({ hostPort, hostAddress }) =>
      hostAddress === '192.0.2.9' ? 'EADDRNOTAVAIL' : hostPort === 22 ? 'EADDRINUSE' : undefined,
    )
    await assert.rejects(publish(bindings), { message })
    assert.deepEqual(client.calls, [])
  })
}

test('what seems to lead elsewhere netmaster decides, where there is no other', async () => {
  const { client, publish } = setup()
  await publish([binding({})])
  const { Published } = (client.calls[0]?.body ?? {}) as { Published: PublishedPort[] }
  assert.deepEqual(Published, [taken])
})

test('a network that nothing leads into is refused, with what to do', async () => {
  const { publish } = setup()
  await assert.rejects(publish([binding({ hostPort: 90 })], 'default:isle'), { code: 'NAT_OFF', message: /no gateway/ })
  await assert.rejects(publish([binding({ hostPort: 90 })], 'blue:net'), { code: 'NAT_OFF', message: /it is a VLAN/ })
})

test('ports are withdrawn; whether netmaster can hear of it is no trouble of Docker', async () => {
  const { client, ports, said } = setup()
  await ports.withdraw('new', AbortSignal.timeout(5_000))
  assert.deepEqual(client.calls, [], 'it has none')
  await ports.withdraw('web', AbortSignal.timeout(5_000))
  assert.deepEqual([...client.calls], [{ op: 'updateEndpoint', body: { EndpointID: 'web', Published: [] } }])
  client.trouble = () => unreachable()
  await ports.withdraw('web', AbortSignal.timeout(5_000))
  assert.ok(said(/ports not withdrawn/))
  client.trouble = () => refusal('not-found')
  await ports.withdraw('web', AbortSignal.timeout(5_000))
})
