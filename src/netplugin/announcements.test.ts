import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterState, type EndpointIntent } from '../../test/support/cluster.ts'
import { NodeCompiler, portNames } from '../core/compile/compile-node.ts'
import { findLayer, parsePacket } from '../protocols/packet/index.ts'
import { Announcements } from './announcements.ts'

function network(...endpoints: readonly EndpointIntent[]) {
  const state = clusterState({
    tenants: ['red'],
    networks: [
      { key: 'red:lan', encap: { kind: 'vlan', vlan: 7 }, subnet: '10.7.0.0/24' },
      { key: 'red:over', encap: { kind: 'vxlan', vni: 9 }, subnet: '10.8.0.0/24' },
    ],
    endpoints,
    nodes: [{ node: 'n1' }, { node: 'n2' }],
  })
  return new NodeCompiler('n1').compile(state)
}

const web = { id: 'web', network: 'red:lan', node: 'n1', ipv4: '10.7.0.1' }
const ports = (...ids: readonly string[]) =>
  new Map([['np-to-uplink', 3], ...ids.map((id, index) => [portNames(id).portName, 11 + index] as const)])

test('who comes to a VLAN is announced on its VLAN, once more a while later, and again with another address', () => {
  const announcements = new Announcements()
  const [said, ...more] = announcements.next(network(web), ports('web'), 0)
  assert.deepEqual(more, [])
  assert.deepEqual(said?.actions, [
    { type: 'push_vlan' },
    { type: 'set_field', field: 'vlan_vid', value: 0x1007 },
    { type: 'output', port: 3 },
  ])
  const arp = findLayer(parsePacket(said?.packet ?? Buffer.alloc(0)), 'arp')
  assert.deepEqual([arp?.senderIp, arp?.targetIp, arp?.senderMac], ['10.7.0.1', '10.7.0.1', '02:02:0a:07:00:01'])
  const later = [0, 5_000, 5_600, 11_200].map((now) => announcements.next(network(web), ports('web'), now).length)
  assert.deepEqual(later, [0, 0, 1, 0])
  assert.equal(announcements.next(network({ ...web, ipv4: '10.7.0.9' }), ports('web'), 0).length, 1)
})

test('who is elsewhere, in a tunnel or without a port is not', () => {
  const announcements = new Announcements()
  const others = network(
    web,
    { ...web, id: 'far', node: 'n2', ipv4: '10.7.0.2' },
    { ...web, id: 'over', network: 'red:over' },
  )
  assert.deepEqual(announcements.next(others, ports('over', 'far'), 0), [])
  assert.equal(announcements.next(others, ports('over', 'web'), 0).length, 1, 'its port has come')
  assert.deepEqual(
    new Announcements().next(others, new Map([[portNames('web').portName, 11]]), 0),
    [],
    'without uplink',
  )
})
