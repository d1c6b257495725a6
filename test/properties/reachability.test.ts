// Random clusters in the simulator: who reaches whom is what tenants and networks say, and tenants hear nothing of each
// other whatever their containers send.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NodeCompiler } from '../../src/core/compile/compile-node.ts'
import { routerMac } from '../../src/core/pipeline/facts.ts'
import type { SimPacket } from '../../src/core/pipeline/simulate/packet.ts'
import { World } from '../../src/core/pipeline/simulate/world.ts'
import type { ClusterState, EndpointRecord } from '../../src/model/state.ts'
import { disagreements } from '../scenarios/golden.ts'
import { cluster, numberedHosts } from './arbitrary-cluster.ts'

test('who reaches whom is what tenants and networks say', () => {
  fc.assert(
    fc.property(cluster, (state) => {
      assert.deepEqual(disagreements(new World({ state, hosts: numberedHosts(state) })), [])
    }),
    { numRuns: 60 },
  )
})

test('a node knows its own containers, those they can meet, and no others', () => {
  fc.assert(
    fc.property(cluster, (state) => {
      const endpoints = [...state.endpoints.values()]
      const isRouted = (one: EndpointRecord) =>
        state.global.fwdMode === 'routing' &&
        state.networks.get(`${one.tenantName}:${one.networkName}`)?.encap.kind === 'vxlan'
      const meets = (one: EndpointRecord, other: EndpointRecord) =>
        one.tenantName === other.tenantName &&
        (one.networkName === other.networkName || (isRouted(one) && isRouted(other)))
      for (const node of state.nodes.keys()) {
        const here = endpoints.filter((one) => one.node === node)
        const met = endpoints.filter((one) => one.node !== node && here.some((own) => meets(own, one)))
        const { local, remote } = new NodeCompiler(node).compile(state)
        assert.deepEqual([...local.keys()].sort(), here.map(({ endpointId }) => endpointId).sort())
        assert.deepEqual([...remote.keys()].sort(), met.map(({ endpointId }) => endpointId).sort())
      }
    }),
    { numRuns: 150 },
  )
})

/** Fields of packets a container might make up: values that mean something somewhere in the cluster. */
const macs = [
  'ff:ff:ff:ff:ff:ff',
  '01:00:5e:00:00:01',
  '33:33:00:00:00:01',
  routerMac,
  '02:02:0a:01:00:01',
  '02:02:0a:01:00:02',
  '02:02:0a:02:00:01',
]
const addresses = ['10.1.0.1', '10.1.0.2', '10.2.0.1', '10.1.0.254', '255.255.255.255', '172.19.255.254', '172.19.0.11']
const addresses6 = ['2001:db8:1::1', '2001:db8:1::2', '2001:db8:2::1', '2001:db8:1::fe', 'ff02::1', '::']

const hostile: fc.Arbitrary<SimPacket> = fc.record(
  {
    eth_src: fc.constantFrom(...macs),
    eth_dst: fc.constantFrom(...macs),
    eth_type: fc.constantFrom(0x0800, 0x0806, 0x86dd, 0x88cc),
    vlan_vid: fc.constantFrom(0x1000, 0x1000 + 100, 0x1000 + 101),
    ipv4_src: fc.constantFrom(...addresses),
    ipv4_dst: fc.constantFrom(...addresses),
    ipv6_src: fc.constantFrom(...addresses6),
    ipv6_dst: fc.constantFrom(...addresses6),
    arp_op: fc.constantFrom(1, 2),
    arp_spa: fc.constantFrom(...addresses),
    arp_tpa: fc.constantFrom(...addresses),
    arp_sha: fc.constantFrom(...macs),
    ip_proto: fc.constantFrom(1, 6, 17, 58),
    nw_ttl: fc.constantFrom(1, 64, 255),
    udp_src: fc.constantFrom(53, 67, 547, 30000),
    udp_dst: fc.constantFrom(53, 68, 4789),
    tcp_dst: fc.constantFrom(53, 80),
    icmpv4_type: fc.constantFrom(0, 8),
    icmpv6_type: fc.constantFrom(128, 129, 134, 135, 136, 137),
    nd_target: fc.constantFrom(...addresses6),
    nd_sll: fc.constantFrom(...macs),
    nd_tll: fc.constantFrom(...macs),
    tun_id: fc.constantFrom(1000n, 1001n, 1002n),
    tun_src: fc.constantFrom('192.0.2.1', '192.0.2.2'),
  },
  { requiredKeys: ['eth_src', 'eth_dst', 'eth_type'] },
)

/** The truth about the sender for some of the fields, so that packets get past the first table. */
function partlyTrue(state: ClusterState, from: string, packet: SimPacket, isHonest: boolean): SimPacket {
  const record = state.endpoints.get(from)
  if (record === undefined || !isHonest) return packet
  const { vlan_vid: _tag, ...plain } = packet
  const own = { eth_src: record.mac, ipv4_src: record.ipv4, arp_spa: record.ipv4, arp_sha: record.mac }
  return { ...plain, ...own, ...(record.ipv6 === '' ? {} : { ipv6_src: record.ipv6, nd_sll: record.mac }) }
}

function sentText(packet: SimPacket): string {
  return Object.entries(packet)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ')
}

test('whatever a container sends, other tenants do not hear it, and its lies nobody', () => {
  fc.assert(
    fc.property(
      cluster,
      fc.array(fc.tuple(hostile, fc.boolean()), { minLength: 5, maxLength: 30 }),
      (state, packets) => {
        const world = new World({ state, hosts: numberedHosts(state) })
        for (const [id, { tenantName, mac }] of state.endpoints) {
          for (const [packet, isHonest] of packets) {
            const sent = partlyTrue(state, id, packet, isHonest)
            const { deliveries, trace } = world.send(id, sent)
            for (const { to, packet: heard } of deliveries) {
              const why = () => `${sentText(sent)}\n${trace.join('\n')}`
              assert.ok(!to.startsWith('nowhere'), why())
              // Outside nobody hears the addresses of containers.
              if (to.startsWith('outside ')) assert.match(String(heard.ipv4_src), /^198\.18\./, why())
              else if (!to.startsWith('host ')) assert.equal(state.endpoints.get(to)?.tenantName, tenantName, why())
              assert.equal(sent.eth_src, mac, why())
            }
          }
        }
      },
    ),
    { numRuns: 100 },
  )
})
