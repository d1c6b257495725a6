// The match fields of OpenFlow 1.4 and of Open vSwitch's extensions, as data (OpenFlow 1.4.1 section 7.2.2, NXM,
// ovs-fields(7)). The order of the rows is the order on the wire: it is the switch's own, and puts every field behind
// the fields it depends on (eth_type before ipv4_src, ip_proto before tcp_dst). One codec (field.ts) walks this table.

/** OXM class, field number, and the experimenter for class 0xffff. */
export type OxmId = readonly [oxmClass: number, number: number, experimenter?: number]

export interface OxmSpec {
  /** How the value is written by people: a number, a 64 or 128 bit bigint, or an address. */
  readonly kind: 'number' | 'wide' | 'mac' | 'ipv4' | 'ipv6'
  /** Length on the wire. */
  readonly bytes: number
  /** Significant low bits, when fewer than the bytes hold. */
  readonly bits?: number
  readonly maskable: boolean
  /** What OpenFlow 1.4 calls the field: used in matches and in set-field. */
  readonly id: OxmId
  /** What the Nicira extensions call it: used inside Nicira actions. */
  readonly nxm?: OxmId
  /** A later number for the same field, understood when read. */
  readonly also?: OxmId
}

export const oxmFields = {
  dp_hash: { kind: 'number', bytes: 4, maskable: true, id: [0xffff, 0, 0x00002320], nxm: [0x0001, 35] },
  recirc_id: { kind: 'number', bytes: 4, maskable: false, id: [0x0001, 36] },
  conj_id: { kind: 'number', bytes: 4, maskable: false, id: [0x0001, 37] },
  in_port: { kind: 'number', bytes: 4, maskable: false, id: [0x8000, 0] },
  actset_output: { kind: 'number', bytes: 4, maskable: false, id: [0xffff, 43, 0x4f4e4600], also: [0x8000, 43] },
  eth_src: { kind: 'mac', bytes: 6, maskable: true, id: [0x8000, 4], nxm: [0x0000, 2] },
  eth_dst: { kind: 'mac', bytes: 6, maskable: true, id: [0x8000, 3], nxm: [0x0000, 1] },
  eth_type: { kind: 'number', bytes: 2, maskable: false, id: [0x8000, 5], nxm: [0x0000, 3] },
  vlan_tci: { kind: 'number', bytes: 2, maskable: true, id: [0x0000, 4] },
  vlan_vid: { kind: 'number', bytes: 2, bits: 13, maskable: true, id: [0x8000, 6] },
  vlan_pcp: { kind: 'number', bytes: 1, bits: 3, maskable: false, id: [0x8000, 7] },
  mpls_tc: { kind: 'number', bytes: 1, bits: 3, maskable: false, id: [0x8000, 35] },
  mpls_bos: { kind: 'number', bytes: 1, bits: 1, maskable: false, id: [0x8000, 36] },
  mpls_ttl: { kind: 'number', bytes: 1, maskable: false, id: [0x0001, 30] },
  mpls_label: { kind: 'number', bytes: 4, bits: 20, maskable: false, id: [0x8000, 34] },
  ipv4_src: { kind: 'ipv4', bytes: 4, maskable: true, id: [0x8000, 11], nxm: [0x0000, 7] },
  ipv4_dst: { kind: 'ipv4', bytes: 4, maskable: true, id: [0x8000, 12], nxm: [0x0000, 8] },
  ipv6_src: { kind: 'ipv6', bytes: 16, maskable: true, id: [0x8000, 26], nxm: [0x0001, 19] },
  ipv6_dst: { kind: 'ipv6', bytes: 16, maskable: true, id: [0x8000, 27], nxm: [0x0001, 20] },
  ip_frag: { kind: 'number', bytes: 1, bits: 2, maskable: true, id: [0x0001, 26] },
  ip_dscp: { kind: 'number', bytes: 1, bits: 6, maskable: false, id: [0x8000, 8] },
  ip_ecn: { kind: 'number', bytes: 1, bits: 2, maskable: false, id: [0x8000, 9], nxm: [0x0001, 28] },
  nw_ttl: { kind: 'number', bytes: 1, maskable: false, id: [0x0001, 29] },
  ipv6_label: { kind: 'number', bytes: 4, bits: 20, maskable: true, id: [0x8000, 28], nxm: [0x0001, 27] },
  ip_proto: { kind: 'number', bytes: 1, maskable: false, id: [0x8000, 10], nxm: [0x0000, 6] },
  tcp_src: { kind: 'number', bytes: 2, maskable: true, id: [0x8000, 13], nxm: [0x0000, 9] },
  tcp_dst: { kind: 'number', bytes: 2, maskable: true, id: [0x8000, 14], nxm: [0x0000, 10] },
  tcp_flags: {
    kind: 'number',
    bytes: 2,
    bits: 12,
    maskable: true,
    id: [0xffff, 42, 0x4f4e4600],
    nxm: [0x0001, 34],
    also: [0x8000, 42],
  },
  udp_src: { kind: 'number', bytes: 2, maskable: true, id: [0x8000, 15], nxm: [0x0000, 11] },
  udp_dst: { kind: 'number', bytes: 2, maskable: true, id: [0x8000, 16], nxm: [0x0000, 12] },
  sctp_src: { kind: 'number', bytes: 2, maskable: true, id: [0x8000, 17] },
  sctp_dst: { kind: 'number', bytes: 2, maskable: true, id: [0x8000, 18] },
  icmpv4_type: { kind: 'number', bytes: 1, maskable: false, id: [0x8000, 19], nxm: [0x0000, 13] },
  icmpv4_code: { kind: 'number', bytes: 1, maskable: false, id: [0x8000, 20], nxm: [0x0000, 14] },
  icmpv6_type: { kind: 'number', bytes: 1, maskable: false, id: [0x8000, 29], nxm: [0x0001, 21] },
  icmpv6_code: { kind: 'number', bytes: 1, maskable: false, id: [0x8000, 30], nxm: [0x0001, 22] },
  nd_reserved: { kind: 'number', bytes: 4, maskable: false, id: [0x1000, 1] },
  nd_target: { kind: 'ipv6', bytes: 16, maskable: true, id: [0x8000, 31], nxm: [0x0001, 23] },
  nd_options_type: { kind: 'number', bytes: 1, maskable: false, id: [0x1000, 2] },
  nd_sll: { kind: 'mac', bytes: 6, maskable: true, id: [0x8000, 32], nxm: [0x0001, 24] },
  nd_tll: { kind: 'mac', bytes: 6, maskable: true, id: [0x8000, 33], nxm: [0x0001, 25] },
  arp_op: { kind: 'number', bytes: 2, maskable: false, id: [0x8000, 21], nxm: [0x0000, 15] },
  arp_spa: { kind: 'ipv4', bytes: 4, maskable: true, id: [0x8000, 22], nxm: [0x0000, 16] },
  arp_tpa: { kind: 'ipv4', bytes: 4, maskable: true, id: [0x8000, 23], nxm: [0x0000, 17] },
  arp_sha: { kind: 'mac', bytes: 6, maskable: true, id: [0x8000, 24], nxm: [0x0001, 17] },
  arp_tha: { kind: 'mac', bytes: 6, maskable: true, id: [0x8000, 25], nxm: [0x0001, 18] },
  tun_id: { kind: 'wide', bytes: 8, maskable: true, id: [0x8000, 38], nxm: [0x0001, 16] },
  tun_flags: { kind: 'number', bytes: 2, bits: 1, maskable: true, id: [0x0001, 104] },
  tun_src: { kind: 'ipv4', bytes: 4, maskable: true, id: [0x0001, 31] },
  tun_dst: { kind: 'ipv4', bytes: 4, maskable: true, id: [0x0001, 32] },
  tun_ipv6_src: { kind: 'ipv6', bytes: 16, maskable: true, id: [0x0001, 109] },
  tun_ipv6_dst: { kind: 'ipv6', bytes: 16, maskable: true, id: [0x0001, 110] },
  tun_gbp_id: { kind: 'number', bytes: 2, maskable: true, id: [0x0001, 38] },
  tun_gbp_flags: { kind: 'number', bytes: 1, maskable: true, id: [0x0001, 39] },
  tun_erspan_idx: { kind: 'number', bytes: 4, bits: 20, maskable: true, id: [0xffff, 11, 0x00002320] },
  tun_erspan_ver: { kind: 'number', bytes: 1, bits: 4, maskable: true, id: [0xffff, 12, 0x00002320] },
  tun_erspan_dir: { kind: 'number', bytes: 1, bits: 1, maskable: true, id: [0xffff, 13, 0x00002320] },
  tun_erspan_hwid: { kind: 'number', bytes: 1, bits: 6, maskable: true, id: [0xffff, 14, 0x00002320] },
  tun_gtpu_flags: { kind: 'number', bytes: 1, maskable: true, id: [0xffff, 15, 0x00002320] },
  tun_gtpu_msgtype: { kind: 'number', bytes: 1, maskable: true, id: [0xffff, 16, 0x00002320] },
  reg0: { kind: 'number', bytes: 4, maskable: true, id: [0x0001, 0] },
  reg1: { kind: 'number', bytes: 4, maskable: true, id: [0x0001, 1] },
  reg2: { kind: 'number', bytes: 4, maskable: true, id: [0x0001, 2] },
  reg3: { kind: 'number', bytes: 4, maskable: true, id: [0x0001, 3] },
  reg4: { kind: 'number', bytes: 4, maskable: true, id: [0x0001, 4] },
  reg5: { kind: 'number', bytes: 4, maskable: true, id: [0x0001, 5] },
  reg6: { kind: 'number', bytes: 4, maskable: true, id: [0x0001, 6] },
  reg7: { kind: 'number', bytes: 4, maskable: true, id: [0x0001, 7] },
  reg8: { kind: 'number', bytes: 4, maskable: true, id: [0x0001, 8] },
  reg9: { kind: 'number', bytes: 4, maskable: true, id: [0x0001, 9] },
  reg10: { kind: 'number', bytes: 4, maskable: true, id: [0x0001, 10] },
  reg11: { kind: 'number', bytes: 4, maskable: true, id: [0x0001, 11] },
  reg12: { kind: 'number', bytes: 4, maskable: true, id: [0x0001, 12] },
  reg13: { kind: 'number', bytes: 4, maskable: true, id: [0x0001, 13] },
  reg14: { kind: 'number', bytes: 4, maskable: true, id: [0x0001, 14] },
  reg15: { kind: 'number', bytes: 4, maskable: true, id: [0x0001, 15] },
  xreg0: { kind: 'wide', bytes: 8, maskable: true, id: [0x8001, 0] },
  xreg1: { kind: 'wide', bytes: 8, maskable: true, id: [0x8001, 1] },
  xreg2: { kind: 'wide', bytes: 8, maskable: true, id: [0x8001, 2] },
  xreg3: { kind: 'wide', bytes: 8, maskable: true, id: [0x8001, 3] },
  xreg4: { kind: 'wide', bytes: 8, maskable: true, id: [0x8001, 4] },
  xreg5: { kind: 'wide', bytes: 8, maskable: true, id: [0x8001, 5] },
  xreg6: { kind: 'wide', bytes: 8, maskable: true, id: [0x8001, 6] },
  xreg7: { kind: 'wide', bytes: 8, maskable: true, id: [0x8001, 7] },
  xxreg0: { kind: 'wide', bytes: 16, maskable: true, id: [0x0001, 111] },
  xxreg1: { kind: 'wide', bytes: 16, maskable: true, id: [0x0001, 112] },
  xxreg2: { kind: 'wide', bytes: 16, maskable: true, id: [0x0001, 113] },
  xxreg3: { kind: 'wide', bytes: 16, maskable: true, id: [0x0001, 114] },
  pkt_mark: { kind: 'number', bytes: 4, maskable: true, id: [0x0001, 33] },
  ct_state: { kind: 'number', bytes: 4, maskable: true, id: [0x0001, 105] },
  ct_zone: { kind: 'number', bytes: 2, maskable: false, id: [0x0001, 106] },
  ct_mark: { kind: 'number', bytes: 4, maskable: true, id: [0x0001, 107] },
  ct_label: { kind: 'wide', bytes: 16, maskable: true, id: [0x0001, 108] },
  ct_nw_src: { kind: 'ipv4', bytes: 4, maskable: true, id: [0x0001, 120] },
  ct_ipv6_src: { kind: 'ipv6', bytes: 16, maskable: true, id: [0x0001, 122] },
  ct_nw_dst: { kind: 'ipv4', bytes: 4, maskable: true, id: [0x0001, 121] },
  ct_ipv6_dst: { kind: 'ipv6', bytes: 16, maskable: true, id: [0x0001, 123] },
  ct_nw_proto: { kind: 'number', bytes: 1, maskable: false, id: [0x0001, 119] },
  ct_tp_src: { kind: 'number', bytes: 2, maskable: true, id: [0x0001, 124] },
  ct_tp_dst: { kind: 'number', bytes: 2, maskable: true, id: [0x0001, 125] },
  metadata: { kind: 'wide', bytes: 8, maskable: true, id: [0x8000, 2] },
} as const satisfies Record<string, OxmSpec>

export type FieldName = keyof typeof oxmFields

/** `vlan_vid` carries this bit when a tag is present: tagged with 5 is 0x1005, untagged is 0. */
export const vlanPresent = 0x1000

/** Bits of `ct_state`. */
export const ctState = { new: 1, est: 2, rel: 4, rpl: 8, inv: 16, trk: 32, snat: 64, dnat: 128 } as const
