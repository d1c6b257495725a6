// Messages as ovs-ofctl 3.1.0 sends them (`-O OpenFlow14`), taken from its connection to a bridge, each with the same
// thing in our words. They hold the codec to the real wire format.

import type { Flow } from '../../src/protocols/openflow/flow.ts'
import type { Modification } from '../../src/protocols/openflow/modification.ts'

export interface Captured {
  /** Arguments of ovs-ofctl. */
  readonly command: string
  /** The message, hex. */
  readonly bytes: string
  readonly modification: Modification
}

/** The xid in all of them. */
export const capturedXid = 6

function add(flow: Partial<Flow> & Pick<Flow, 'priority' | 'match' | 'actions'>): Modification {
  return { op: 'add-flow', flow: { table: 0, cookie: 0n, ...flow } }
}

export const captured: readonly Captured[] = [
  {
    command: 'add-group group_id=9,type=select,bucket=weight:1,actions=output:1,bucket=weight:5,actions=output:2',
    bytes:
      '050f005000000006000001000000000900200001ffffffffffffffff000000000000001000000001000000000000000000200005ffffffffffffffff0000000000000010000000020000000000000000',
    modification: {
      op: 'add-group',
      group: {
        id: 9,
        type: 'select',
        buckets: [{ actions: [{ type: 'output', port: 1 }] }, { weight: 5, actions: [{ type: 'output', port: 2 }] }],
      },
    },
  },
  {
    command: 'add-flow table=3,priority=100,cookie=0x1234,in_port=5,actions=output:7',
    bytes:
      '050e005800000006000000000000123400000000000000000300000000000064ffffffffffffffffffffffff000000000001000c800000040000000500000000000400180000000000000010000000070000000000000000',
    modification: add({
      table: 3,
      priority: 100,
      cookie: 0x1234n,
      match: { in_port: 5 },
      actions: [{ type: 'output', port: 7 }],
    }),
  },
  {
    command:
      'add-flow priority=1,ip,nw_src=10.1.0.0/16,nw_dst=10.2.3.4,actions=set_field:0x5->reg0,set_field:02:00:00:00:00:01->eth_dst,dec_ttl,goto_table:9',
    bytes:
      '050e008800000006000000000000000000000000000000000000000000000001ffffffffffffffffffffffff000000000001001e80000a020800800017080a010000ffff0000800018040a02030400000004003000000000001900100001000400000005000000000019001080000606020000000001000000180008000000000001000809000000',
    modification: add({
      priority: 1,
      match: { eth_type: 0x0800, ipv4_src: { value: '10.1.0.0', mask: '255.255.0.0' }, ipv4_dst: '10.2.3.4' },
      actions: [
        { type: 'set_field', field: 'reg0', value: 5 },
        { type: 'set_field', field: 'eth_dst', value: '02:00:00:00:00:01' },
        { type: 'dec_ttl' },
      ],
      goto: 9,
    }),
  },
  {
    command:
      'add-flow priority=2,tcp,ct_state=+new+trk,ct_zone=7,tcp_dst=0x50/0xfff0,tcp_flags=+syn-ack,reg1=0x70000/0xffff0000,actions=ct(commit,zone=7,table=4,nat(dst=10.0.0.5:80),exec(set_field:0x5->ct_mark,set_field:0x9->ct_label))',
    bytes:
      '050e00d800000006000000000000000000000000000000000000000000000002ffffffffffffffffffffffff000000000001004180000a020800800014010680001d040050fff0ffff55084f4e4600000200120001030800070000ffff00000001d30800000021000000210001d4020007000000000000000004006000000000ffff00580000232000230001000000000007040000000000ffff00180000232000240000000200110a00000500500000001900100001d6040000000500000000001900180001d81000000000000000000000000000000009',
    modification: add({
      priority: 2,
      match: {
        eth_type: 0x0800,
        ip_proto: 6,
        tcp_dst: { value: 0x50, mask: 0xfff0 },
        tcp_flags: { value: 2, mask: 0x12 },
        reg1: { value: 0x70000, mask: 0xffff0000 },
        ct_state: { value: 0x21, mask: 0x21 },
        ct_zone: 7,
      },
      actions: [
        {
          type: 'ct',
          commit: true,
          zone: 7,
          table: 4,
          nat: { kind: 'dst', min: '10.0.0.5', portMin: 80 },
          exec: [
            { type: 'set_field', field: 'ct_mark', value: 5 },
            { type: 'set_field', field: 'ct_label', value: 9n },
          ],
        },
      ],
    }),
  },
  {
    command: 'add-flow priority=3,ip,actions=ct(zone=NXM_NX_REG1[16..31],table=5,nat)',
    bytes:
      '050e007000000006000000000000000000000000000000000000000000000003ffffffffffffffffffffffff000000000001000a80000a0208000000000000000004003000000000ffff0028000023200023000000010204040f050000000000ffff0010000023200024000000000000',
    modification: add({
      priority: 3,
      match: { eth_type: 0x0800 },
      actions: [{ type: 'ct', zone: { field: 'reg1', offset: 16, bits: 16 }, table: 5, nat: 'restore' }],
    }),
  },
  {
    command:
      'add-flow priority=4,arp,arp_op=1,arp_tpa=10.0.0.1,actions=move:NXM_OF_ETH_SRC[]->NXM_OF_ETH_DST[],set_field:2->arp_op,move:NXM_NX_ARP_SHA[]->NXM_NX_ARP_THA[],in_port',
    bytes:
      '050e00a000000006000000000000000000000000000000000000000000000004ffffffffffffffffffffffff000000000001001880000a02080680002a02000180002e040a0000010004005800000000ffff001800002320000600300000000000000406000002060019001080002a020002000000000000ffff0018000023200006003000000000000122060001240600000010fffffff80000000000000000',
    modification: add({
      priority: 4,
      match: { eth_type: 0x0806, arp_op: 1, arp_tpa: '10.0.0.1' },
      actions: [
        {
          type: 'move',
          from: { field: 'eth_src', offset: 0, bits: 48 },
          to: { field: 'eth_dst', offset: 0, bits: 48 },
        },
        { type: 'set_field', field: 'arp_op', value: 2 },
        {
          type: 'move',
          from: { field: 'arp_sha', offset: 0, bits: 48 },
          to: { field: 'arp_tha', offset: 0, bits: 48 },
        },
        { type: 'output', port: 'in_port' },
      ],
    }),
  },
  {
    command:
      'add-flow priority=5,icmp6,icmp_type=136,nd_target=fe80::1,nd_options_type=2,actions=set_field:1610612736->nd_reserved,set_field:02:00:00:00:00:09->nd_tll',
    bytes:
      '050e008800000006000000000000000000000000000000000000000000000005ffffffffffffffffffffffff000000000001002d80000a0286dd800014013a80003a018880003e10fe800000000000000000000000000001100004010200000000040028000000000019001010000204600000000000000000190010800042060200000000090000',
    modification: add({
      priority: 5,
      match: { eth_type: 0x86dd, ip_proto: 58, icmpv6_type: 136, nd_target: 'fe80::1', nd_options_type: 2 },
      actions: [
        { type: 'set_field', field: 'nd_reserved', value: 0x60000000 },
        { type: 'set_field', field: 'nd_tll', value: '02:00:00:00:00:09' },
      ],
    }),
  },
  {
    command: 'add-flow priority=6,udp6,ipv6_src=fd00::/64,udp_dst=53,actions=conjunction(7,2/3)',
    bytes:
      '050e008800000006000000000000000000000000000000000000000000000006ffffffffffffffffffffffff000000000001003980000a0286dd80003520fd000000000000000000000000000000ffffffffffffffff00000000000000008000140111800020020035000000000000000004001800000000ffff0010000023200022010300000007',
    modification: add({
      priority: 6,
      match: {
        eth_type: 0x86dd,
        ipv6_src: { value: 'fd00::', mask: 'ffff:ffff:ffff:ffff::' },
        ip_proto: 17,
        udp_dst: 53,
      },
      actions: [{ type: 'conjunction', id: 7, clause: 1, of: 3 }],
    }),
  },
  {
    command:
      'add-flow priority=7,tun_id=5,tun_src=1.2.3.4,actions=set_field:77->tun_id,set_field:10.0.0.9->tun_dst,output:NXM_NX_REG3[]',
    bytes:
      '050e008800000006000000000000000000000000000000000000000000000007ffffffffffffffffffffffff000000000001001880004c08000000000000000500013e040102030400040040000000000019001080004c08000000000000004d00190010000140040a00000900000000ffff001800002320000f001f00010604ffff000000000000',
    modification: add({
      priority: 7,
      match: { tun_id: 5n, tun_src: '1.2.3.4' },
      actions: [
        { type: 'set_field', field: 'tun_id', value: 77n },
        { type: 'set_field', field: 'tun_dst', value: '10.0.0.9' },
        { type: 'output_field', from: { field: 'reg3', offset: 0, bits: 32 } },
      ],
    }),
  },
  {
    command:
      'add-flow priority=8,dl_vlan=7,actions=pop_vlan,push_vlan:0x8100,set_field:4101->vlan_vid,output:1,LOCAL,NORMAL,FLOOD',
    bytes:
      '050e00a800000006000000000000000000000000000000000000000000000008ffffffffffffffffffffffff000000000001000a80000c0210070000000000000004006800000000001200080000000000110008810000000019001080000c0210050000000000000000001000000001000000000000000000000010fffffffe000000000000000000000010fffffffa000000000000000000000010fffffffb0000000000000000',
    modification: add({
      priority: 8,
      match: { vlan_vid: 0x1007 },
      actions: [
        { type: 'pop_vlan' },
        { type: 'push_vlan' },
        { type: 'set_field', field: 'vlan_vid', value: 0x1005 },
        { type: 'output', port: 1 },
        { type: 'output', port: 'local' },
        { type: 'output', port: 'normal' },
        { type: 'output', port: 'flood' },
      ],
    }),
  },
  {
    command:
      'add-flow priority=9,conj_id=7,actions=controller(id=5,userdata=01.02.03.04.05),controller(id=6),note:01.02.03,ct_clear,resubmit(,5),group:9',
    bytes:
      '050e00b800000006000000000000000000000000000000000000000000000009ffffffffffffffffffffffff000000000001000c00014a0400000007000000000004007800000000ffff0028000023200025000000000000000100080005000000030009010203040500000000000000ffff0010000023200014ffff00060100ffff0010000023200008010203000000ffff001000002320002b000000000000ffff001000002320000efff8050000000016000800000009',
    modification: add({
      priority: 9,
      match: { conj_id: 7 },
      actions: [
        { type: 'controller', controllerId: 5, userdata: '0102030405' },
        { type: 'controller', controllerId: 6 },
        { type: 'note', bytes: '010203000000' },
        { type: 'ct_clear' },
        { type: 'resubmit', table: 5 },
        { type: 'group', group: 9 },
      ],
    }),
  },
  {
    command:
      'add-flow priority=10,metadata=0x5/0xff,ct_label=0x1/0xffffffffffffffff,idle_timeout=10,hard_timeout=20,actions=drop',
    bytes:
      '050e007000000006000000000000000000000000000000000000000a0014000affffffffffffffffffffffff000000000001003c0001d920000000000000000000000000000000010000000000000000ffffffffffffffff80000510000000000000000500000000000000ff00000000',
    modification: add({
      priority: 10,
      match: { ct_label: { value: 1n, mask: 0xffff_ffff_ffff_ffffn }, metadata: { value: 5n, mask: 0xffn } },
      actions: [],
      idleTimeoutSeconds: 10,
      hardTimeoutSeconds: 20,
    }),
  },
  {
    command: '--strict del-flows priority=1,ip,nw_dst=10.2.3.4',
    bytes:
      '050e00480000000600000000000000000000000000000000ff04000000000001ffffffffffffffffffffffff000000000001001280000a020800800018040a020304000000000000',
    modification: { op: 'delete-flow', table: 0xff, priority: 1, match: { eth_type: 0x0800, ipv4_dst: '10.2.3.4' } },
  },
  {
    command: 'del-flows cookie=0x10/0xff,table=3',
    bytes:
      '050e003800000006000000000000001000000000000000ff0303000000008000ffffffffffffffffffffffff000000000001000400000000',
    modification: { op: 'delete-flows', table: 3, cookie: { value: 0x10n, mask: 0xffn } },
  },
  {
    command: 'del-groups group_id=9',
    bytes: '050f0010000000060002000000000009',
    modification: { op: 'delete-group', id: 9 },
  },
  {
    command: 'add-meter meter=7,kbps,burst,bands=type=drop,rate=10485,burst_size=2621',
    bytes: '051d002000000006000000050000000700010010000028f500000a3d00000000',
    modification: { op: 'add-meter', meter: { id: 7, rate: 10_485, burst: 2_621 } },
  },
  {
    command: 'mod-meter meter=7,kbps,burst,bands=type=drop,rate=1000,burst_size=250',
    bytes: '051d002000000006000100050000000700010010000003e8000000fa00000000',
    modification: { op: 'modify-meter', meter: { id: 7, rate: 1_000, burst: 250 } },
  },
  {
    command: 'del-meter meter=7',
    bytes: '051d0010000000060002000000000007',
    modification: { op: 'delete-meter', id: 7 },
  },
]

/** The same flow as the second above, inside a bundle with number 0. */
export const capturedBundleAdd =
  '05220068000000060000000000000003050e005800000006000000000000123400000000000000000300000000000064ffffffffffffffffffffffff000000000001000c800000040000000500000000000400180000000000000010000000070000000000000000'

/** `packet-out in_port=controller,packet=...,actions=output:5` */
export const capturedPacketOut =
  '050d005b00000006fffffffffffffffd0010000000000000000000100000000500000000000000000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f2021222324252627282930313233343536373839'

/** `ct-flush zone=5 'ct_nw_src=10.0.0.1,ct_nw_proto=6,ct_tp_dst=80'` */
export const capturedFlush =
  '05040048000000020000232000000020060000000000000000000028000000000000001400000000000000000000ffff0a0000010000000000030008005000000002000800050000'

/** `ct-flush-zone 5` */
export const capturedFlushZone = '0504001800000002000023200000001d0000000000000005'
