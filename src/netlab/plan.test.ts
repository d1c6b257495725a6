import assert from 'node:assert/strict'
import { test } from 'node:test'
import { linkCommands } from './links.ts'
import { parseLabOptions, type RawLabOptions } from './options.ts'
import { partitionRules } from './partition.ts'
import { type Datapath, hostsFile, linkMac, planLab, resolveHostName, underlayPort, uplinkOwner } from './plan.ts'
import { programCommand } from './program.ts'

const plan = (raw: RawLabOptions = {}, datapath: Datapath = 'netdev') => planLab(parseLabOptions(raw), datapath)
const place = {
  repository: '/repo',
  hostDirectory: '/labs/x/netplugin-node1',
  certificates: '/labs/x/tls',
  cgroupParent: '/netlab-x/netplugin-node1',
}

test('netmaster runs on the first hosts only', () => {
  const { hosts } = plan({ hosts: '3', masters: '2', store: 'etcd' })
  assert.deepEqual(
    hosts.map((host) => host.programs.includes('netmaster')),
    [true, true, false],
  )
  assert.deepEqual(hosts[2], {
    index: 3,
    name: 'netplugin-node3',
    controlAddress: '10.77.0.3',
    dataAddress: '10.78.0.3',
    uplinks: ['eth1'],
    programs: ['ovsdb-server', 'ovs-vswitchd', 'etcd', 'netplugin', 'dockerd', 'containerd'],
  })
})

test('etcd runs on the first host, and on three for several netmasters', () => {
  const members = (options: RawLabOptions) =>
    plan({ store: 'etcd', ...options }).hosts.map(({ programs }) => programs.includes('etcd'))
  assert.deepEqual(members({ hosts: '3' }), [true, false, false])
  assert.deepEqual(members({ hosts: '2', masters: '2' }), [true, false])
  assert.deepEqual(members({ hosts: '4', masters: '2' }), [true, true, true, false])
  const lab = plan({ store: 'etcd', hosts: '3', masters: '3' })
  const command = programCommand('etcd', lab.hosts[1]!, lab, place).join(' ')
  assert.match(command, / --name netplugin-node2 .* --advertise-client-urls https:\/\/10\.77\.0\.2:2379 /)
  assert.match(command, / --initial-cluster (netplugin-node\d=https:\/\/10\.77\.0\.\d:2380,?){3} /)
  assert.match(command, / --client-cert-auth .* --peer-client-cert-auth/)
})

test('what a lab is brought up without is in no host', () => {
  const { hosts } = plan({ hosts: '1', without: 'ovs,netplugin', docker: false })
  assert.deepEqual(hosts[0]?.programs, ['netmaster'])
})

test('only a userspace switch takes the uplinks from the kernel', () => {
  assert.equal(uplinkOwner(plan({}, 'netdev')), 'switch')
  assert.equal(uplinkOwner(plan({}, 'system')), 'kernel')
  assert.equal(uplinkOwner(plan({ without: 'ovs' }, 'netdev')), 'kernel')
})

test('every host knows every host, and netmaster by name', () => {
  assert.equal(
    hostsFile(plan({ hosts: '2' })),
    `127.0.0.1 localhost
::1 localhost ip6-localhost
10.77.0.254 underlay
10.77.0.1 netplugin-node1 node1 netmaster
10.77.0.2 netplugin-node2 node2`,
  )
})

test('a host answers to its name, its short name and its number', () => {
  const lab = plan({ hosts: '12' })
  for (const text of ['netplugin-node12', 'node12', '12']) assert.equal(resolveHostName(lab, text), 'netplugin-node12')
  assert.equal(resolveHostName(lab, 'underlay'), 'underlay')
  for (const text of ['', '0', '13', 'node', 'node01', 'netplugin-node1 ']) {
    assert.throws(() => resolveHostName(lab, text), { code: 'HOST_UNKNOWN', message: /it has netplugin-node1, / })
  }
})

test('links have hardware addresses and names of their own', () => {
  const macs = new Set<string>()
  const ports = new Set<string>()
  for (let host = 1; host <= 100; host++) {
    for (let link = 0; link <= 4; link++) {
      macs.add(linkMac(host, link))
      ports.add(underlayPort(host, link))
    }
  }
  assert.equal(macs.size, 500)
  assert.equal(ports.size, 500)
  assert.ok(
    [...ports].every((name) => name.length <= 15),
    'the kernel takes no longer names',
  )
  assert.equal(linkMac(3, 1), '02:77:00:01:00:03')
})

test('a host is wired to both networks from inside the underlay', () => {
  const lab = plan({ hosts: '2', uplinks: '2' })
  assert.deepEqual(linkCommands(lab.hosts[1]!, lab, 4711), [
    'link add n2eth0 mtu 1500 type veth peer name eth0 mtu 1500 address 02:77:00:00:00:02 netns 4711',
    'link set n2eth0 master control up',
    'link add n2eth1 mtu 1600 type veth peer name eth1 mtu 1600 address 02:77:00:01:00:02 netns 4711',
    'link set n2eth1 master data up',
    'link add n2eth2 mtu 1600 type veth peer name eth2 mtu 1600 address 02:77:00:02:00:02 netns 4711',
    'link set n2eth2 master data up',
  ])
})

test('the wire of VLANs learns no addresses: one may be in several VLANs', () => {
  const lab = plan({ netMode: 'vlan' })
  assert.deepEqual(linkCommands(lab.hosts[0]!, lab, 4711).slice(2), [
    'link add n1eth1 mtu 1600 type veth peer name eth1 mtu 1600 address 02:77:00:01:00:01 netns 4711',
    'link set n1eth1 master data up',
    'link set n1eth1 type bridge_slave learning off',
  ])
})

test('with tunnels and VLANs only the wires of VLANs learn nothing', () => {
  const lab = plan({ netMode: 'both' })
  const plain = linkCommands(lab.hosts[0]!, lab, 4711).filter((line) => line.endsWith('learning off'))
  assert.deepEqual(plain, ['link set n1eth2 type bridge_slave learning off'])
})

test('netplugin is told its tunnel end, or its uplinks', () => {
  const common = ['/repo/bin/netplugin', '--host-label', 'netplugin-node1', '--ctrl-ip', '10.77.0.1']
  const end = ['--log-level', 'info']
  const vxlan = plan()
  assert.deepEqual(programCommand('netplugin', vxlan.hosts[0]!, vxlan, place), [
    ...common,
    ...['--vtep-ip', '10.78.0.1', '--netmaster', 'http://netmaster:9999', ...end],
  ])
  const vlan = plan({ netMode: 'vlan', uplinks: '2' })
  assert.deepEqual(programCommand('netplugin', vlan.hosts[0]!, vlan, place), [
    ...common,
    ...['--netmaster', 'http://netmaster:9999', '--vlan-uplinks', 'eth1,eth2', ...end],
  ])
  const both = plan({ netMode: 'both' })
  assert.deepEqual(programCommand('netplugin', both.hosts[0]!, both, place), [
    ...common,
    ...['--vtep-ip', '10.78.0.1', '--netmaster', 'http://netmaster:9999', '--vlan-uplinks', 'eth2', ...end],
  ])
})

test('netmaster is told modes and store', () => {
  const lab = plan({ netMode: 'vlan', store: 'etcd', logLevel: 'debug' })
  const command = programCommand('netmaster', lab.hosts[0]!, lab, place).join(' ')
  assert.equal(
    command,
    '/repo/bin/netmaster --listen-url 10.77.0.1:9999 --state-dir /var/lib/netplugin/netmaster --net-mode vlan ' +
      '--fwd-mode bridge --state-store etcd --etcd-endpoints https://10.77.0.1:2379 --store-ca /labs/x/tls/ca.pem ' +
      '--store-cert /labs/x/tls/client.pem --store-key /labs/x/tls/client.key --log-level debug',
  )
})

test('Consul runs on the same hosts as etcd would, and netmaster is told all of them', () => {
  const lab = plan({ store: 'consul', hosts: '3', masters: '3' })
  assert.deepEqual(
    lab.hosts.map(({ programs }) => programs.includes('consul')),
    [true, true, true],
  )
  const command = programCommand('consul', lab.hosts[0]!, lab, { ...place, consul: '/c/consul' }).join(' ')
  assert.match(
    command,
    /^\/c\/consul agent -server -bootstrap-expect=3 .* -retry-join=10\.77\.0\.2 -retry-join=10\.77\.0\.3 /,
  )
  const master = programCommand('netmaster', lab.hosts[0]!, lab, place).join(' ')
  assert.match(master, / --consul-endpoints http:\/\/10\.77\.0\.1:8500,http:\/\/10\.77\.0\.2:8500,/)
})

test('dockerd keeps its data in the folder of the lab and its cgroups under that of the lab', () => {
  const lab = plan()
  const command = programCommand('dockerd', lab.hosts[0]!, lab, place).join(' ')
  assert.match(command, /--data-root \/labs\/x\/netplugin-node1\/docker /)
  assert.match(command, /--cgroup-parent \/netlab-x\/netplugin-node1$/)
})

test('a partition drops frames between the ports of two hosts, both ways', () => {
  const rules = partitionRules(plan({ hosts: '2', uplinks: '2' }), [
    { a: 'netplugin-node1', b: 'netplugin-node2', links: 'both' },
  ])
  assert.match(rules, /iifname { "n1eth0", "n1eth1", "n1eth2" } oifname { "n2eth0", "n2eth1", "n2eth2" } drop/)
  assert.match(rules, /iifname { "n2eth0", "n2eth1", "n2eth2" } oifname { "n1eth0", "n1eth1", "n1eth2" } drop/)
})

test('a partition may be of one network, or from the underlay itself', () => {
  const lab = plan({ hosts: '2' })
  const data = partitionRules(lab, [{ a: 'netplugin-node1', b: 'netplugin-node2', links: 'data' }])
  assert.doesNotMatch(data, /eth0/)
  const underlay = partitionRules(lab, [{ a: 'underlay', b: 'netplugin-node2', links: 'control' }])
  assert.match(underlay, /hook input priority 0;\niifname { "n2eth0" } drop/)
  assert.match(underlay, /hook output priority 0;\noifname { "n2eth0" } drop/)
})

test('no partition leaves no rule', () => {
  assert.doesNotMatch(partitionRules(plan(), []), /drop/)
})

test('a host cannot be parted from itself', () => {
  const itself = { a: 'netplugin-node1', b: 'netplugin-node1', links: 'both' } as const
  assert.throws(() => partitionRules(plan(), [itself]), { code: 'PARTITION_SELF' })
})
