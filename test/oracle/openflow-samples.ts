// One sample of every field that a flow can match and of every action it can take, each as this system would write it.

import type { Action, Match } from '../../src/protocols/openflow/index.ts'

const ipv4 = { eth_type: 0x0800 }
const ipv6 = { eth_type: 0x86dd }
const arp = { eth_type: 0x0806 }
const tcp = { ...ipv4, ip_proto: 6 }
const solicitation = { ...ipv6, ip_proto: 58, icmpv6_type: 135 }
const advertisement = { ...ipv6, ip_proto: 58, icmpv6_type: 136 }
const established = { value: 0x22, mask: 0x22 }

export const everyMatch: readonly (readonly [what: string, match: Match])[] = [
  ['nothing', {}],
  ['a port', { in_port: 5 }],
  ['the local port', { in_port: 0xfffffffe }],
  [
    'MAC addresses',
    { eth_src: '02:00:00:00:00:01', eth_dst: { value: '01:00:00:00:00:00', mask: '01:00:00:00:00:00' } },
  ],
  ['a VLAN', { vlan_vid: 0x1007, vlan_pcp: 3 }],
  ['no VLAN', { vlan_vid: 0 }],
  ['any VLAN', { vlan_vid: { value: 0x1000, mask: 0x1000 } }],
  ['MPLS', { eth_type: 0x8847, mpls_label: 5, mpls_tc: 1, mpls_bos: 1, mpls_ttl: 3 }],
  ['IPv4 addresses', { ...ipv4, ipv4_src: { value: '10.1.0.0', mask: '255.255.0.0' }, ipv4_dst: '10.2.3.4' }],
  ['IPv4 header bits', { ...ipv4, ip_dscp: 3, ip_ecn: 1, nw_ttl: 5, ip_frag: 1 }],
  ['later fragments', { ...ipv4, ip_frag: { value: 2, mask: 2 } }],
  [
    'IPv6 addresses',
    { ...ipv6, ipv6_src: { value: 'fd00::', mask: 'ffff:ffff::' }, ipv6_dst: 'fd00::1', ipv6_label: 7 },
  ],
  [
    'TCP ports and flags',
    { ...tcp, tcp_src: 9, tcp_dst: { value: 80, mask: 0xfff0 }, tcp_flags: { value: 2, mask: 0x12 } },
  ],
  ['all TCP flags', { ...tcp, tcp_flags: 2 }],
  ['UDP ports', { ...ipv4, ip_proto: 17, udp_src: 4, udp_dst: { value: 0x1000, mask: 0xf000 } }],
  ['SCTP ports', { ...ipv4, ip_proto: 132, sctp_src: 1, sctp_dst: 2 }],
  ['ICMP', { ...ipv4, ip_proto: 1, icmpv4_type: 8, icmpv4_code: 0 }],
  ['ICMPv6', { ...ipv6, ip_proto: 58, icmpv6_type: 128, icmpv6_code: 0 }],
  [
    'ARP',
    {
      ...arp,
      arp_op: 1,
      arp_spa: '10.0.0.2',
      arp_tpa: '10.0.0.1',
      arp_sha: '02:00:00:00:00:01',
      arp_tha: '00:00:00:00:00:00',
    },
  ],
  ['a neighbour solicitation', { ...solicitation, nd_target: 'fe80::1', nd_sll: '02:00:00:00:00:02' }],
  ['a neighbour advertisement', { ...advertisement, nd_target: 'fe80::1', nd_tll: '02:00:00:00:00:02' }],
  ['neighbour discovery options', { ...advertisement, nd_reserved: 0x60000000, nd_options_type: 2 }],
  [
    'a tunnel over IPv4',
    { tun_id: 5n, tun_src: '1.2.3.4', tun_dst: '1.2.3.5', tun_flags: 1, tun_gbp_id: 3, tun_gbp_flags: 8 },
  ],
  ['a tunnel over IPv6', { tun_id: { value: 5n, mask: 0xffn }, tun_ipv6_src: 'fd00::1', tun_ipv6_dst: 'fd00::2' }],
  ['registers', { reg0: 1, reg7: { value: 0x10000, mask: 0xffff0000 }, reg15: 0xffffffff }],
  ['wide registers', { xreg0: 0x1_0000_0002n, xxreg2: { value: 5n, mask: 0xffn } }],
  ['metadata', { metadata: { value: 1n << 63n, mask: 1n << 63n } }],
  ['all of metadata', { metadata: 0x0123_4567_89ab_cdefn }],
  ['packet mark and output', { pkt_mark: { value: 5, mask: 0xff }, actset_output: 7 }],
  ['a conjunction', { conj_id: 7 }],
  ['connection state', { ...ipv4, ct_state: established, ct_zone: 4, ct_mark: { value: 1, mask: 1 }, ct_label: 9n }],
  ['bits of the connection label', { ...ipv4, ct_label: { value: 1n << 127n, mask: 1n << 127n } }],
  [
    'the original IPv4 tuple of a connection',
    {
      ...ipv4,
      ct_state: established,
      ct_nw_proto: 6,
      ct_nw_src: '1.2.3.4',
      ct_nw_dst: { value: '1.2.0.0', mask: '255.255.0.0' },
      ct_tp_src: 4,
      ct_tp_dst: { value: 80, mask: 0xfff0 },
    },
  ],
  [
    'the original IPv6 tuple of a connection',
    { ...ipv6, ct_state: established, ct_nw_proto: 17, ct_ipv6_src: 'fd00::1', ct_ipv6_dst: 'fd00::2', ct_tp_dst: 53 },
  ],
]

function set(field: Extract<Action, { type: 'set_field' }>['field'], value: number | bigint | string): Action {
  return { type: 'set_field', field, value }
}

type Sample = readonly [what: string, actions: readonly Action[], match?: Match]

export const everyAction: readonly Sample[] = [
  ['output', [{ type: 'output', port: 5 }]],
  [
    'output to reserved ports',
    (['in_port', 'local', 'normal', 'flood', 'all', 'controller'] as const).map((port) => ({ type: 'output', port })),
  ],
  ['output to the port in a register', [{ type: 'output_field', from: { field: 'reg3', offset: 0, bits: 16 } }]],
  ['drop', [{ type: 'drop' }]],
  ['set Ethernet fields', [set('eth_src', '02:00:00:00:00:01'), set('eth_dst', '02:00:00:00:00:02')]],
  [
    'set IPv4 fields',
    [set('ipv4_src', '1.2.3.4'), set('ipv4_dst', '1.2.3.5'), set('ip_dscp', 5), set('ip_ecn', 1), set('nw_ttl', 9)],
    ipv4,
  ],
  ['set IPv6 fields', [set('ipv6_src', 'fd00::1'), set('ipv6_dst', 'fd00::2')], ipv6],
  ['set ports', [set('tcp_src', 1), set('tcp_dst', 2)], tcp],
  ['set ARP fields', [set('arp_op', 2), set('arp_spa', '10.0.0.1'), set('arp_sha', '02:00:00:00:00:01')], arp],
  ['set ICMP fields', [set('icmpv4_type', 0), set('icmpv4_code', 1)], { ...ipv4, ip_proto: 1 }],
  ['set ICMPv6 fields', [set('icmpv6_type', 129), set('icmpv6_code', 0)], { ...ipv6, ip_proto: 58 }],
  [
    'set neighbour discovery fields',
    [
      set('nd_target', 'fe80::9'),
      set('nd_reserved', 0x60000000),
      set('nd_options_type', 2),
      set('nd_tll', '02:00:00:00:00:09'),
    ],
    advertisement,
  ],
  ['set tunnel fields', [set('tun_id', 77n), set('tun_dst', '1.2.3.4'), set('tun_src', '1.2.3.5')]],
  ['set registers', [set('reg0', 5), set('xreg1', 1n << 40n), set('xxreg1', 1n << 100n), set('metadata', 5n)]],
  ['set marks', [set('pkt_mark', 5)]],
  [
    'set some bits',
    [
      { type: 'set_field', field: 'reg1', value: 0x50000, mask: 0xffff0000 },
      { type: 'set_field', field: 'metadata', value: 0xf0n, mask: 0xf0n },
      { type: 'set_field', field: 'eth_dst', value: '00:00:00:00:00:01', mask: '00:00:00:00:00:ff' },
    ],
  ],
  [
    'move',
    [
      { type: 'move', from: { field: 'eth_src', offset: 0, bits: 48 }, to: { field: 'eth_dst', offset: 0, bits: 48 } },
      { type: 'move', from: { field: 'reg0', offset: 3, bits: 5 }, to: { field: 'reg1', offset: 7, bits: 5 } },
      { type: 'move', from: { field: 'in_port', offset: 0, bits: 16 }, to: { field: 'reg9', offset: 0, bits: 16 } },
    ],
  ],
  [
    'move of addresses',
    [
      {
        type: 'move',
        from: { field: 'nd_target', offset: 0, bits: 128 },
        to: { field: 'ipv6_src', offset: 0, bits: 128 },
      },
    ],
    solicitation,
  ],
  ['push VLAN', [{ type: 'push_vlan' }, set('vlan_vid', 0x1005), set('vlan_pcp', 3), { type: 'output', port: 1 }]],
  ['pop VLAN', [{ type: 'pop_vlan' }], { vlan_vid: 0x1007 }],
  ['decrement TTL', [{ type: 'dec_ttl' }], ipv4],
  [
    'resubmit',
    [
      { type: 'resubmit', table: 5 },
      { type: 'resubmit', table: 6, inPort: 0xfffffffe },
    ],
  ],
  ['group', [{ type: 'group', group: 7 }]],
  ['track', [{ type: 'ct', zone: 5 }, { type: 'ct_clear' }], ipv4],
  [
    'track in the zone of a register',
    [{ type: 'ct', zone: { field: 'reg1', offset: 16, bits: 16 }, table: 9, nat: 'restore' }],
    ipv4,
  ],
  [
    'commit with destination NAT, mark and label',
    [
      {
        type: 'ct',
        commit: true,
        force: true,
        zone: 3,
        table: 9,
        nat: { kind: 'dst', min: '10.0.0.5', portMin: 80 },
        exec: [
          set('ct_mark', 3),
          { type: 'set_field', field: 'ct_label', value: 5n, mask: 0xffn },
          {
            type: 'move',
            from: { field: 'reg0', offset: 0, bits: 32 },
            to: { field: 'ct_label', offset: 32, bits: 32 },
          },
        ],
      },
    ],
    ipv4,
  ],
  [
    'commit with source NAT to a range',
    [
      {
        type: 'ct',
        commit: true,
        zone: 3,
        nat: {
          kind: 'src',
          min: '10.0.0.5',
          max: '10.0.0.9',
          portMin: 80,
          portMax: 90,
          choose: 'random',
          persistent: true,
        },
      },
    ],
    ipv4,
  ],
  [
    'commit with IPv6 NAT',
    [{ type: 'ct', commit: true, zone: 3, nat: { kind: 'src', min: 'fd00::5', max: 'fd00::9', choose: 'hash' } }],
    ipv6,
  ],
  ['commit with a helper', [{ type: 'ct', commit: true, zone: 3, alg: 21 }], tcp],
  [
    'controller',
    [
      { type: 'controller', controllerId: 5 },
      { type: 'controller', controllerId: 5, reason: 0, maxLen: 100 },
      { type: 'controller', controllerId: 6, userdata: '0102030405' },
      { type: 'controller', controllerId: 0, reason: 2, maxLen: 64, userdata: '01' },
    ],
  ],
  ['note', [{ type: 'note', bytes: '0102030405060708' }]],
]
