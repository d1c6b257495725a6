import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterState } from '../../../../test/support/cluster.ts'
import { NodeCompiler, portNames } from '../../compile/compile-node.ts'
import type { SwitchFacts } from '../facts.ts'
import { Renderer } from '../render.ts'
import { udp } from '../simulate/packet.ts'
import { World } from '../simulate/world.ts'
import { desiredMeters, meterNumbersEnd } from './profile.ts'

const lastPort = 0xfeff

/** Meters of one endpoint, on port 5 unless told otherwise. */
function meters(
  profile: { bandwidth?: string; burst?: number; dscp?: number },
  facts: Partial<SwitchFacts> = {},
  { id, labels = {} }: { id: string; labels?: Readonly<Record<string, string>> } = { id: 'web' },
) {
  const network = new NodeCompiler('n1').compile(
    clusterState({
      tenants: ['red'],
      networks: [{ key: 'red:net', encap: { kind: 'vxlan', vni: 1 }, subnet: '10.1.0.0/24' }],
      netprofiles: [{ key: 'red:p', ...profile }],
      groups: [{ key: 'red:g', network: 'net', netProfile: 'p' }],
      endpoints: [{ id, network: 'red:net', group: 'g', node: 'n1', ipv4: '10.1.0.1', labels }],
      nodes: [{ node: 'n1' }],
    }),
  )
  const all = { ofPorts: new Map([[portNames(id).portName, 5]]), nameservers: [], ...facts }
  const used = [...new Renderer().render(network, all).values()].flat().flatMap(({ meter }) => meter ?? [])
  return { desired: [...desiredMeters(network, all).values()], used: used.sort((a, b) => a - b) }
}

test('an endpoint with a bandwidth has a meter for each direction, and flows use both', () => {
  const { desired, used } = meters({ bandwidth: '10 Mbps' })
  assert.deepEqual(desired, [
    { id: 10, rate: 10_485, burst: 2_622 },
    { id: 11, rate: 10_485, burst: 2_622 },
  ])
  assert.deepEqual(used, [10, 11])
})

test('limits of its own are for each direction, and the lower of them and of the profile counts', () => {
  const limited = (text: string, profile: Parameters<typeof meters>[0] = {}) =>
    meters(profile, {}, { id: 'cni:web:eth0', labels: { 'io.netplugin.cni.bandwidth': text } })
  const none = { rate: 0xffff_ffff, burst: 0xffff_ffff }
  assert.deepEqual(limited('2000/500 8000/0').desired, [
    { id: 10, rate: 2_000, burst: 500 },
    { id: 11, rate: 8_000, burst: 2_000 },
  ])
  assert.deepEqual(limited('0/0 8000/0'), {
    desired: [
      { id: 10, ...none },
      { id: 11, rate: 8_000, burst: 2_000 },
    ],
    used: [10, 11],
  })
  assert.deepEqual(
    limited('20000/0 8000/0', { bandwidth: '10 Mbps' }).desired.map(({ rate }) => rate),
    [10_485, 8_000],
  )
  assert.deepEqual(limited('nonsense').desired, [])
})

test('a mark alone needs no meter', () => assert.deepEqual(meters({ dscp: 46 }), { desired: [], used: [] }))

test('a port that the switch has not numbered yet has no meters', () => {
  assert.deepEqual(meters({ bandwidth: '10 Mbps' }, { ofPorts: new Map() }), { desired: [], used: [] })
})

const burst = (profile: Parameters<typeof meters>[0], facts?: Partial<SwitchFacts>) =>
  meters(profile, facts).desired[0]?.burst

test('a burst that was asked for is kept, in kilobytes', () => {
  assert.equal(burst({ bandwidth: '10 Mbps', burst: 80 }), 640)
  assert.equal(burst({ bandwidth: '1 Gbps', burst: 10_486 }), 83_888)
})

test('the largest packet fits the burst', () => {
  assert.equal(burst({ bandwidth: '10 Mbps', burst: 2 }), 74)
  assert.equal(burst({ bandwidth: '100 Kbps' }), 74)
  assert.equal(burst({ bandwidth: '10 Mbps', burst: 2 }, { segmentsTogether: true }), 525)
  assert.equal(burst({ bandwidth: '1 Mbps' }, { segmentsTogether: true }), 525)
})

test('the largest bandwidth that can be stored fits a meter', () => {
  const { desired } = meters({ bandwidth: '3999 Gbps' })
  assert.deepEqual(desired[0], { id: 10, rate: 4_293_893_554, burst: 1_073_473_389 })
})

test('where the datapath has no meters, or too few, endpoints are not limited and work', () => {
  for (const maxMeter of [0, 10]) assert.deepEqual(meters({ bandwidth: '1 Mbps' }, { maxMeter }).used, [])
  assert.deepEqual(meters({ bandwidth: '1 Mbps' }, { maxMeter: 11 }).used, [10, 11])
})

test('the last port has its meters among ours', () => {
  const ofPorts = new Map([[portNames('web').portName, lastPort]])
  for (const { id } of meters({ bandwidth: '1 Mbps' }, { ofPorts }).desired) assert.ok(id < meterNumbersEnd)
})

test('a copy of a broadcast passes no meter, with policies and without; a packet to one endpoint does', () => {
  for (const policies of [[], ['p']]) {
    const state = clusterState({
      tenants: ['red'],
      networks: [{ key: 'red:lan', encap: { kind: 'vlan', vlan: 7 }, subnet: '10.1.0.0/24' }],
      netprofiles: [{ key: 'red:slow', bandwidth: '1 Mbps' }],
      groups: [{ key: 'red:g', network: 'lan', netProfile: 'slow', policies }],
      endpoints: [
        { id: 'a', network: 'red:lan', node: 'n1', ipv4: '10.1.0.1' },
        { id: 'b', network: 'red:lan', group: 'g', node: 'n1', ipv4: '10.1.0.2' },
        { id: 'c', network: 'red:lan', group: 'g', node: 'n1', ipv4: '10.1.0.3' },
      ],
      nodes: [{ node: 'n1' }],
    })
    const world = new World({ state, hosts: [{ node: 'n1', ports: { a: 5, b: 6, c: 7 }, nameservers: [] }] })
    const end = (id: string) => {
      const { mac, ipv4 } = state.endpoints.get(id) ?? { mac: '', ipv4: '' }
      return { mac, ip: ipv4 }
    }
    const ports = { source: 9, destination: 9 }
    const everybody = { mac: 'ff:ff:ff:ff:ff:ff', ip: '10.1.0.255' }
    const passed = (trace: readonly string[]) => trace.flatMap((line) => /meter \d+/.exec(line) ?? [])
    const broadcast = world.send('a', udp(end('a'), everybody, ports))
    assert.deepEqual(broadcast.deliveries.map(({ to }) => to).sort(), ['b', 'c'])
    assert.deepEqual(passed(broadcast.trace), [])
    assert.deepEqual(passed(world.send('a', udp(end('a'), end('b'), ports)).trace), ['meter 13'])
    assert.deepEqual(passed(world.send('b', udp(end('b'), end('c'), ports)).trace), ['meter 12', 'meter 15'])
  }
})
