// The table that the kernel is given, byte for byte, and what it is made from.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterState } from '../../../test/support/cluster.ts'
import type { LinkInfo } from '../../protocols/netlink/index.ts'
import { NodeCompiler, portNames } from '../compile/compile-node.ts'
import { type Firewall, firewallText } from './firewall.ts'
import { firewallFor } from './wish.ts'

const empty: Firewall = {
  subnet: '198.18.0.0/16',
  privateLinks: [],
  privatePrefixes: [],
  hosts: [],
  netmasters: [],
  elsewhere: [],
  published: [],
}

const full: Firewall = {
  subnet: '198.18.0.0/16',
  privateLinks: ['np-host', 'docker0'],
  privatePrefixes: ['127.0.0.0/8', '172.19.0.0/16'],
  hosts: ['10.0.0.2', '10.0.0.1', '10.0.0.1'],
  netmasters: [{ address: '10.0.0.9', port: 9999 }],
  elsewhere: [{ address: '10.0.0.2', protocol: 'tcp', port: 8080 }],
  published: [
    { address: '', protocol: 'udp', port: 5353, to: '198.18.0.12', toPort: 53 },
    { address: '', protocol: 'tcp', port: 8080, to: '198.18.0.11', toPort: 80 },
    { address: '10.0.0.1', protocol: 'sctp', port: 90, to: '198.18.0.11', toPort: 91 },
  ],
}

test('a whole table', () => {
  assert.equal(
    firewallText(full),
    `table ip netplugin {
	map published {
		type inet_proto . inet_service : ipv4_addr . inet_service
		elements = { tcp . 8080 : 198.18.0.11 . 80, udp . 5353 : 198.18.0.12 . 53 }
	}
	map published-at {
		type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service
		elements = { 10.0.0.1 . sctp . 90 : 198.18.0.11 . 91 }
	}
	set hosts {
		type ipv4_addr
		elements = { 10.0.0.1, 10.0.0.2 }
	}
	set published-elsewhere {
		type ipv4_addr . inet_proto . inet_service
		elements = { 10.0.0.2 . tcp . 8080 }
	}
	chain guard {
		type filter hook prerouting priority raw; policy accept;
		iifname "np-outside" ip daddr 127.0.0.0/8 drop
	}
	chain prerouting {
		type nat hook prerouting priority dstnat; policy accept;
		fib daddr type local jump enter
	}
	chain output {
		type nat hook output priority -100; policy accept;
		fib daddr type local jump enter
	}
	chain enter {
		meta l4proto { tcp, udp, sctp } dnat ip to ip daddr . meta l4proto . th dport map @published-at
		meta l4proto { tcp, udp, sctp } dnat ip to meta l4proto . th dport map @published
	}
	chain postrouting {
		type nat hook postrouting priority srcnat; policy accept;
		oifname "np-outside" ip saddr { 127.0.0.0/8, 198.18.0.0/16 } snat to 198.18.255.254
		oifname != "np-outside" ip saddr 198.18.0.0/16 masquerade
	}
	chain forward {
		type filter hook forward priority filter; policy accept;
		iifname "np-outside" jump leaving
		oifname "np-outside" jump entering
	}
	chain leaving {
		ct state established,related accept
		ct status dnat accept
		oifname { "docker0", "np-host", "np-outside" } drop
		ip daddr { 127.0.0.0/8, 172.19.0.0/16, 198.18.0.0/16 } drop
		meta l4proto { tcp, udp, sctp } ip daddr . meta l4proto . th dport @published-elsewhere accept
		ip daddr @hosts drop
		ip daddr 10.0.0.9 tcp dport 9999 drop
		accept
	}
	chain entering {
		ct state established,related accept
		ct status dnat accept
		drop
	}
	chain input {
		type filter hook input priority filter; policy accept;
		iifname "np-outside" ct state established,related accept
		iifname "np-outside" drop
	}
}
`,
  )
})

test('an empty set has no elements, and order changes nothing', () => {
  assert.doesNotMatch(firewallText(empty), /elements/)
  const turned = { ...full, hosts: full.hosts.toReversed(), published: full.published.toReversed() }
  assert.equal(firewallText(turned), firewallText(full))
})

const state = clusterState({
  tenants: ['red'],
  networks: [
    { key: 'red:one', encap: { kind: 'vxlan', vni: 1 }, subnet: '10.1.0.0/16', gateway: '10.1.255.254' },
    { key: 'red:shut', encap: { kind: 'vxlan', vni: 2 }, subnet: '10.2.0.0/16', gateway: '10.2.255.254', nat: 'off' },
    { key: 'red:store', encap: { kind: 'vxlan', vni: 3 }, subnet: '10.3.0.0/16', nwType: 'infra' },
  ],
  endpoints: [
    {
      id: 'web',
      network: 'red:one',
      node: 'node1',
      ipv4: '10.1.0.1',
      published: [{ protocol: 'tcp', hostAddress: '', hostPort: 8080, port: 80 }],
    },
    {
      id: 'closed',
      network: 'red:shut',
      node: 'node1',
      ipv4: '10.2.0.1',
      published: [{ protocol: 'tcp', hostAddress: '', hostPort: 8081, port: 80 }],
    },
    {
      id: 'far',
      network: 'red:one',
      node: 'node2',
      ipv4: '10.1.0.2',
      published: [{ protocol: 'udp', hostAddress: '', hostPort: 53, port: 53 }],
    },
    { id: 'host', network: 'red:store', node: 'node1', ipv4: '10.3.0.1', origin: 'host' },
  ],
  nodes: [
    { node: 'node1', vtep: '192.0.2.1' },
    { node: 'node2', vtep: '192.0.2.2' },
  ],
})

const link = (name: string, kind: string): [string, LinkInfo] => [
  name,
  { index: 1, name, kind, mac: '', mtu: 1500, up: true, carrier: true, alias: '', group: 0, masterIndex: 0 },
]

function wish(more: { readonly outside?: number; readonly links?: ReadonlyMap<string, LinkInfo> } = {}) {
  const network = new NodeCompiler('node1').compile(state)
  const ofPorts = new Map([
    [portNames('web').portName, 11],
    [portNames('closed').portName, 12],
    ['np-outside', more.outside ?? 3],
  ])
  const { links = new Map() } = more
  return firewallFor(network, { state, ofPorts, links, subnet: '198.18.0.0/16', netmasters: [] })
}

test('a node publishes what its endpoints say, where their network has a way in', () => {
  const made = wish()
  assert.deepEqual(made?.published, [{ address: '', protocol: 'tcp', port: 8080, to: '198.18.0.11', toPort: 80 }])
  assert.deepEqual(made?.elsewhere, [
    { address: '192.0.2.2', protocol: 'udp', port: 53 },
    { address: '192.0.2.2', protocol: 'udp', port: 53 },
  ])
  assert.deepEqual([...new Set(made?.hosts)], ['192.0.2.1', '192.0.2.2'])
})

test("its own interfaces and Docker's bridges are no way out, other bridges are", () => {
  const links = new Map([
    link('docker0', 'bridge'),
    link('br-0123456789ab', 'bridge'),
    link('br-phys', 'tun'),
    link('br-lan', 'bridge'),
    link('eth0', ''),
  ])
  assert.deepEqual(wish({ links })?.privateLinks, ['np-host', 'store', 'docker0', 'br-0123456789ab'])
})
