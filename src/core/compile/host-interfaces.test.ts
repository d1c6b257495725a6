import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterState, type Intent } from '../../../test/support/cluster.ts'
import type { ClusterState } from '../../model/state.ts'
import type { HostFacts } from '../plan/host.ts'
import { NodeCompiler } from './compile-node.ts'
import { hostInterfaces, hostProblems } from './host-interfaces.ts'
import { desiredBridges, desiredVeths, type NodeSettings } from './node-ports.ts'

const settings: NodeSettings = {
  datapathType: 'netdev',
  uplinks: [],
  vxlanPort: 4789,
  underlayMtu: 1600,
  uplinkMtu: 1500,
  outsideSubnet: '198.18.0.0/16',
}
const vxlan = (vni: number) => ({ kind: 'vxlan', vni }) as const
const host = (network: string, ipv4: string, ipv6 = '') =>
  ({ id: `${network}.t@n1`, network: `t:${network}`, node: 'n1', ipv4, ipv6, origin: 'host' }) as const
const v6 = { ipv6Subnet: 'fd00:1::/64', ipv6Gateway: 'fd00:1::fe' }
const intent: Intent = {
  tenants: ['t', 'u'],
  networks: [
    { key: 't:contivh1', encap: vxlan(1), subnet: '10.1.0.0/16', gateway: '10.1.255.254', ...v6, nwType: 'infra' },
    { key: 't:store', encap: { kind: 'vlan', vlan: 7 }, subnet: '10.2.0.5-10.2.0.9/24', nwType: 'infra' },
    { key: 't:web', encap: vxlan(2), subnet: '10.3.0.0/24', ipv6Subnet: 'fd00:3::/64' },
    { key: 't:more', encap: vxlan(4), subnet: '10.6.0.0/24', nwType: 'infra' },
    { key: 't:wire', encap: { kind: 'vlan', vlan: 8 }, subnet: '10.4.0.0/24' },
    { key: 'u:web', encap: vxlan(3), subnet: '10.5.0.0/24' },
  ],
  endpoints: [host('contivh1', '10.1.0.1', 'fd00:1::1'), host('store', '10.2.0.5')],
  nodes: [
    { node: 'n1', vtep: '192.0.2.1' },
    { node: 'n2', vtep: '192.0.2.2' },
  ],
}
const state = clusterState(intent)
const nothing: HostFacts = { links: new Map(), addresses: [], routes: [], hasKernelOpenVswitch: false }
const made = new Map([
  ['contivh1', 5],
  ['store', 6],
])

const network = (of: ClusterState = state) => new NodeCompiler('n1').compile(of)
function interfaces(of: ClusterState = state, facts: Partial<HostFacts> = {}, ofPorts = made) {
  return hostInterfaces(network(of), { state: of, settings, ofPorts, facts: { ...nothing, ...facts } })
}
const byName = (of?: ClusterState) => new Map(interfaces(of).ports.map((port) => [port.name, port]))

/** A host with one interface, and perhaps an address on it. */
function withLink(name: string, kind: string, cidr?: string): HostFacts {
  const plain = { mac: '', mtu: 1500, up: true, carrier: true, alias: '', group: 0, masterIndex: 0 }
  const flags = { tentative: false, duplicate: false, noPrefixRoute: false }
  const [address = '', length] = (cidr ?? '').split('/')
  const held = { index: 7, family: 4, address, prefixLength: Number(length), scope: 'global', ...flags } as const
  return {
    ...nothing,
    links: new Map([[name, { ...plain, index: 7, name, kind }]]),
    addresses: cidr === undefined ? [] : [{ ...held, cidr }],
  }
}

test('the interface has the name of the network, and address, MAC and MTU of the endpoint', () => {
  const { routes, ...rest } = byName().get('contivh1')!
  assert.deepEqual(rest, {
    kind: 'internal',
    name: 'contivh1',
    mac: '02:02:0a:01:00:01',
    addresses: ['10.1.0.1/16', 'fd00:1::1/64'],
    mtu: 1550,
  })
  const { addresses, mtu } = byName().get('store')!
  assert.deepEqual([addresses, mtu], [['10.2.0.5/24'], 1500])
})

test('it is a port of the switch itself, marked as that of the endpoint, and no veth', () => {
  const ports = desiredBridges(network(), settings)[0]?.ports
  assert.deepEqual(ports?.get('contivh1'), {
    name: 'contivh1',
    mark: { 'netplugin-endpoint': 'contivh1.t@n1' },
    interfaces: [{ name: 'contivh1', type: 'internal', options: {}, mac: '02:02:0a:01:00:01', mtuRequest: 1550 }],
  })
  assert.deepEqual(desiredVeths(network(), settings), [])
})

test('contivh1 alone leads to the other routed networks of its tenant', () => {
  assert.deepEqual(byName().get('contivh1')?.routes, [
    { destination: '10.3.0.0/24', via: '10.1.255.254' },
    { destination: 'fd00:3::/64', via: 'fd00:1::fe' },
  ])
  assert.deepEqual(byName().get('store')?.routes, [])
  const bridged = clusterState({ ...intent, global: { fwdMode: 'bridge' } })
  assert.deepEqual(byName(bridged).get('contivh1')?.routes, [])
})

test('without a gateway there is no way, and that is said', () => {
  const networks = intent.networks.map(({ gateway: _, ...rest }) => rest)
  const { ports, unreached } = interfaces(clusterState({ ...intent, networks }))
  assert.deepEqual(ports[0]?.routes, [{ destination: 'fd00:3::/64', via: 'fd00:1::fe' }])
  assert.match(unreached.get('10.3.0.0/24') ?? '', /network t:contivh1 has no gateway/)
})

test('a name that another interface has is left to it', () => {
  const { refused, ports } = interfaces(state, withLink('store', 'veth'), new Map([['contivh1', 5]]))
  assert.deepEqual([...refused.keys()], ['store'])
  assert.match(refused.get('store') ?? '', /another interface called store/)
  assert.deepEqual(
    ports.map(({ name }) => name),
    ['contivh1'],
  )
})

test("addresses that the host has itself, of whatever length, keep it out; the interface's own do not", () => {
  for (const cidr of ['10.2.0.200/24', '10.2.0.7/32', '10.0.0.1/8']) {
    const { refused } = interfaces(state, withLink('eth7', '', cidr))
    assert.match(refused.get('store') ?? '', new RegExp(`overlaps ${cidr} of interface eth7`))
  }
  assert.deepEqual(interfaces(state, withLink('eth7', '', '10.2.1.1/24')).refused, new Map())
  assert.deepEqual(interfaces(state, withLink('store', 'tun', '10.2.0.5/24')).refused, new Map())
})

test('a route of the host into the subnet keeps it out, one around it does not', () => {
  const facts = withLink('eth7', '')
  const index = facts.links.get('eth7')?.index ?? 0
  const route = (destination: string) => {
    const plain = { family: 4, destination, deviceIndex: index, protocol: 4, scope: 'global', type: 'unicast' } as const
    return { ...facts, foreignRoutes: () => [{ ...plain, table: 254, metric: 0, onLink: false }] }
  }
  assert.match(interfaces(state, route('10.2.0.128/25')).refused.get('store') ?? '', /route to 10\.2\.0\.128\/25/)
  assert.deepEqual(interfaces(state, route('10.0.0.0/8')).refused, new Map())
  assert.deepEqual(interfaces(state, route('0.0.0.0/0')).refused, new Map())
})

test('no route takes away the addresses of hosts or what the host has itself', () => {
  const networks = [...intent.networks, { key: 't:clash', encap: vxlan(9), subnet: '192.0.2.0/24' }]
  const found = interfaces(clusterState({ ...intent, networks }))
  assert.match(
    found.unreached.get('192.0.2.0/24') ?? '',
    /t:clash cannot be reached.*192\.0\.2\.1, the address of host n1/,
  )
  const far = { node: 'n3', controlAddress: 'fd00:3:0:1::7', vtep: '', bootId: '', version: '' }
  const near = { ...far, controlAddress: 'fd00:3::7' }
  const reaching = (node: typeof far) => interfaces({ ...state, nodes: new Map(state.nodes).set('n3', node) }).unreached
  assert.deepEqual(reaching(far), new Map())
  assert.match(reaching(near).get('fd00:3::/64') ?? '', /fd00:3::7, the address of host n3/)
  const taken = interfaces(state, withLink('eth7', '', '10.3.0.1/24'))
  assert.deepEqual(taken.refused, new Map())
  assert.deepEqual([...taken.unreached.keys()], ['10.3.0.0/24'])
})

test('problems name the interface or the destination, also those of the switch', () => {
  const { ports } = interfaces()
  const refused = new Map([['x', 'taken']])
  const unreached = new Map([['10.3.0.0/24', 'no way']])
  assert.deepEqual(
    hostProblems(
      { ports, refused, unreached },
      new Map([
        ['store', 'busy'],
        ['vp1', 'no'],
      ]),
    ),
    new Map([
      ['interface x', 'taken'],
      ['interface store', 'busy'],
      ['route to 10.3.0.0/24', 'no way'],
    ]),
  )
})
