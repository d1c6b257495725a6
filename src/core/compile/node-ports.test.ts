import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterState, type Intent } from '../../../test/support/cluster.ts'
import { userspaceSettings as settings } from '../../../test/support/node-settings.ts'
import { NodeCompiler, portNames } from './compile-node.ts'
import { desiredBridges, desiredHostPorts, desiredVeths, type NodeSettings, networkMtu } from './node-ports.ts'

const intent: Intent = {
  tenants: ['t'],
  networks: [
    { key: 't:x', encap: { kind: 'vxlan', vni: 1 }, subnet: '10.1.0.0/16' },
    { key: 't:v', encap: { kind: 'vlan', vlan: 7 }, subnet: '10.2.0.0/16' },
  ],
  endpoints: [
    { id: 'x', network: 't:x', node: 'n1', ipv4: '10.1.0.1' },
    { id: 'v', network: 't:v', node: 'n1', ipv4: '10.2.0.1' },
    { id: 'far', network: 't:x', node: 'n2', ipv4: '10.1.0.2' },
  ],
  nodes: [{ node: 'n1', vtep: '192.0.2.1' }, { node: 'n2' }],
}
const compile = (node = 'n1') => new NodeCompiler(node).compile(clusterState(intent))
const portsOf = (more: Partial<NodeSettings> = {}, node = 'n1') =>
  desiredBridges(compile(node), { ...settings, ...more }).map(({ name, ports }) => [name, ...[...ports.keys()].sort()])

test('the integration bridge has the host, the tunnel and the local endpoints', () => {
  assert.deepEqual(portsOf(), [
    ['np-int', 'np-host', 'np-vxlan', portNames('v').portName, portNames('x').portName].sort((a, b) =>
      a === 'np-int' ? -1 : b === 'np-int' ? 1 : a < b ? -1 : 1,
    ),
  ])
})

test('a node without a tunnel end has no tunnel', () => {
  assert.deepEqual(portsOf({}, 'n2'), [['np-int', 'np-host', portNames('far').portName].sort()].map(intFirst))
})

test('an uplink has a bridge of its own, joined by a patch', () => {
  const [integration, uplink] = portsOf({ uplinks: ['eth1'] })
  assert.ok(integration?.includes('np-to-uplink'))
  assert.deepEqual(uplink, ['np-uplink', 'eth1', 'np-to-int'])
})

test('several uplinks form a bond that falls back without a partner', () => {
  const [, uplink] = desiredBridges(compile(), { ...settings, uplinks: ['eth1', 'eth2'] })
  const bond = uplink?.ports.get('uplinkPort')
  assert.deepEqual(
    bond?.interfaces.map(({ name }) => name),
    ['eth1', 'eth2'],
  )
  assert.deepEqual(bond?.bond, { mode: 'balance-tcp', lacp: 'active', fallback: true })
})

test('without flows the integration bridge carries nothing, the uplink bridge does', () => {
  const bridges = desiredBridges(compile(), { ...settings, uplinks: ['eth1'] })
  assert.deepEqual(
    bridges.map(({ failMode }) => failMode),
    ['secure', 'standalone'],
  )
})

test('the tunnel takes its ends from the flows, and another UDP port only when asked', () => {
  const options = (vxlanPort: number) =>
    desiredBridges(compile(), { ...settings, vxlanPort })[0]?.ports.get('np-vxlan')?.interfaces[0]?.options
  assert.deepEqual(options(4789), { remote_ip: 'flow', key: 'flow', tos: 'inherit' })
  assert.deepEqual(options(8472), { remote_ip: 'flow', key: 'flow', tos: 'inherit', dst_port: '8472' })
})

test('an endpoint has a veth with its MAC, the MTU of its network and its name', () => {
  const veths = desiredVeths(compile(), { ...settings, uplinkMtu: 1500 })
  assert.deepEqual(
    veths.find(({ alias }) => alias === 'netplugin:x'),
    {
      kind: 'veth',
      name: portNames('x').portName,
      peer: portNames('x').peerName,
      mac: '02:02:0a:01:00:01',
      mtu: 1550,
      alias: 'netplugin:x',
      txChecksum: false,
    },
  )
  assert.equal(veths.find(({ alias }) => alias === 'netplugin:v')?.mtu, 1500)
  assert.equal(veths.length, 2)
})

test("the kernel's datapath makes checksums", () => {
  const veths = desiredVeths(compile(), { ...settings, datapathType: 'system' })
  assert.ok(veths.every(({ txChecksum }) => txChecksum))
})

test('a tunnel takes 50 bytes off its underlay; where an MTU is not known it fits any', () => {
  assert.equal(networkMtu('vxlan', settings), 1550)
  assert.equal(networkMtu('vxlan', { ...settings, underlayMtu: undefined }), 1450)
  assert.equal(networkMtu('vlan', { ...settings, uplinkMtu: 9000 }), 9000)
  assert.equal(networkMtu('vlan', settings), 1450)
})

test("the host has the resolver's addresses on its port, and an MTU that fits all networks", () => {
  const [port, ...more] = desiredHostPorts(compile(), { ...settings, uplinkMtu: 1400 }, true)
  assert.deepEqual(port?.addresses, ['172.19.255.254/16', 'fd6e:7000:0:ac13::fffe/64'])
  assert.deepEqual(desiredHostPorts(compile(), settings, false)[0]?.addresses, ['172.19.255.254/16'])
  assert.equal(port.mtu, 1400)
  assert.equal(port.name, 'np-host')
  assert.deepEqual(more, [])
})

test('where some network has a way out, a node with a tunnel end has a port for it', () => {
  const networks = intent.networks.map((network) => ({
    ...network,
    gateway: network.subnet.replace('0.0/16', '0.254'),
  }))
  const open = (node: string) => new NodeCompiler(node).compile(clusterState({ ...intent, networks }))
  const [, port] = desiredHostPorts(open('n1'), settings, false)
  assert.deepEqual([port?.name, port?.addresses, port?.mtu], ['np-outside', ['198.18.255.254/16'], 1550])
  const [, out] =
    [...(desiredBridges(open('n1'), settings)[0]?.ports ?? [])].find(([name]) => name === 'np-outside') ?? []
  assert.deepEqual(out?.mark, { 'netplugin-role': 'outside' })
  assert.equal(desiredHostPorts(open('n2'), settings, false).length, 1)
})

function intFirst(names: readonly string[]): readonly string[] {
  return ['np-int', ...names.filter((name) => name !== 'np-int')]
}
