import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterState, type EndpointIntent, type ServiceIntent } from '../../test/support/cluster.ts'
import { NodeCompiler, portNames } from '../core/compile/compile-node.ts'
import { buildPacket, findLayer, parsePacket, tcpFlags } from '../protocols/packet/index.ts'
import { ProviderProbes } from './provider-probes.ts'

const web: ServiceIntent = {
  key: 'red:web',
  network: 'one',
  address: '10.1.0.100',
  selectors: ['tier=web'],
  ports: ['80:8080:tcp', '81:8081:tcp', '53:53:udp'],
  probe: 'tcp:2s:1s:3',
}
const provider: EndpointIntent = { id: 'p', network: 'red:one', node: 'a', ipv4: '10.1.0.2', labels: { tier: 'web' } }
const ofPorts = new Map([[portNames('p').portName, 11]])

function networkWith(...services: readonly ServiceIntent[]) {
  const elsewhere: EndpointIntent = { ...provider, id: 'q', node: 'b', ipv4: '10.1.0.3' }
  return new NodeCompiler('a').compile(
    clusterState({
      tenants: ['red'],
      networks: [{ key: 'red:one', encap: { kind: 'vxlan', vni: 1 }, subnet: '10.1.0.0/24' }],
      services,
      endpoints: [provider, elsewhere],
      nodes: [{ node: 'a' }, { node: 'b' }],
    }),
  )
}

function start(options: { readonly silent?: readonly number[] } = {}) {
  const sent: (readonly [port: number, flags: number, sequence: number])[] = []
  const world = { away: false }
  let next = 0
  const probes = new ProviderProbes({
    send: (ofPort, packet) => {
      if (world.away) return false
      const tcp = findLayer(parsePacket(packet), 'tcp')
      assert.ok(tcp && ofPort === 11 && tcp.sourcePort === 1)
      sent.push([tcp.destinationPort, tcp.flags, tcp.sequence ?? 0])
      return true
    },
    random: () => ++next / 2 ** 32,
  })
  const note = (now: number, ...services: readonly ServiceIntent[]) =>
    probes.note(networkWith(...services), ofPorts, () => options.silent ?? [], now)
  const hear = (port: number, flags: number, sequence: number, ofPort = 11) =>
    probes.hear(
      buildPacket([
        { kind: 'ethernet', source: '02:02:0a:01:00:02', destination: '00:00:11:11:11:11' },
        { kind: 'ipv4', source: '10.1.0.2', destination: '10.1.0.100', ttl: 64 },
        { kind: 'tcp', sourcePort: port, destinationPort: 1, acknowledgement: sequence + 1, flags },
      ]),
      ofPort,
    )
  const silent = () => probes.silentPorts().get('p')
  const take = () => sent.splice(0)
  return { probes, note, hear, silent, take, world }
}

const { syn, ack, rst } = tcpFlags

test('every TCP port of a provider here is asked at each interval, and told that this was all', () => {
  const { probes, note, hear, silent, take } = start()
  note(0, web)
  assert.equal(probes.tick(0), false)
  assert.deepEqual(take(), [
    [8080, syn, 1],
    [8081, syn, 2],
  ])
  hear(8080, syn | ack, 1)
  hear(8081, syn | ack, 2)
  assert.deepEqual(take(), [
    [8080, rst, 2],
    [8081, rst, 3],
  ])
  assert.equal(probes.pauseMs(500), 1_500)
  probes.tick(1_999)
  assert.deepEqual(take(), [])
  probes.tick(2_000)
  assert.equal(take().length, 2)
  assert.deepEqual(silent(), [])
})

test('three failures in a row are silence, one answer ends it', () => {
  const { probes, note, hear, silent, take } = start()
  note(0, { ...web, ports: ['80:8080:tcp'] })
  probes.tick(0)
  assert.equal(hear(8080, rst | ack, 1), false, 'refused')
  probes.tick(2_000)
  assert.equal(probes.tick(3_000), false, 'no answer in time')
  probes.tick(4_000)
  hear(8080, syn | ack, 3)
  for (const at of [6_000, 8_000, 10_000]) probes.tick(at)
  assert.deepEqual(silent(), [])
  assert.equal(probes.tick(11_000), true, 'the third')
  assert.deepEqual(silent(), [8080])
  probes.tick(12_000)
  take()
  assert.equal(hear(8080, syn | ack, 6), false, 'an answer to an opening of before')
  assert.equal(hear(8080, ack, 40), false)
  assert.deepEqual(take(), [
    [8080, rst, 7],
    [8080, rst, 41],
  ])
  assert.equal(hear(8080, syn | ack, 7, 12), false, 'of somebody else')
  assert.deepEqual(silent(), [8080])
  assert.equal(hear(8080, syn | ack, 7), true)
  assert.deepEqual(silent(), [])
})

test('what was known before counts until it was asked', () => {
  const { probes, note, hear, silent } = start({ silent: [8081] })
  note(0, web)
  assert.deepEqual(silent(), [8081])
  probes.tick(0)
  assert.equal(hear(8081, syn | ack, 2), true)
  assert.deepEqual(silent(), [])
})

test('while the switch is away nobody fails', () => {
  const { probes, note, silent, take, world } = start()
  note(0, web)
  world.away = true
  for (let now = 0; now < 60_000; now += 500) assert.equal(probes.tick(now), false)
  assert.deepEqual([silent(), take()], [[], []])
})

test('of several services the most eager counts, and without one nobody is asked', () => {
  const { probes, note, take } = start()
  note(0, web, { ...web, key: 'red:quick', address: '10.1.0.101', ports: ['80:8080:tcp'], probe: 'tcp:500ms:500ms:2' })
  probes.tick(0)
  assert.equal(take().length, 2)
  probes.tick(500)
  assert.deepEqual(take(), [[8080, syn, 3]])
  const { probe: _, ...unprobed } = web
  note(600, unprobed)
  assert.equal(probes.pauseMs(600), Number.POSITIVE_INFINITY)
  assert.equal(probes.silentPorts().size, 0)
})
