// Packets of the simulator: fields by the names OpenFlow gives them, no bytes. Builders make the packets that the main
// protocols send; whatever a test wants to differ it overrides: `{ ...echo(web, db), eth_src: stolen }`.

import {
  type FieldName,
  type FieldValue,
  fieldNamed,
  valueBits,
  valueOfBits,
} from '../../../protocols/openflow/index.ts'
import { tagged } from '../packets.ts'

/** What a packet is and carries beside it: header fields, and `tun_id`, `tun_src`, `tun_dst` of a tunnelled one. */
export type SimPacket = { readonly [F in FieldName]?: FieldValue }

/** A packet while it is worked on: bits by field; a field that is not there is zero. */
export type Fields = Map<FieldName, bigint>

export function fieldsOf(packet: SimPacket): Fields {
  const fields: Fields = new Map()
  for (const [name, value] of Object.entries(packet)) {
    const field = fieldNamed(name)
    if (value !== undefined) fields.set(field.name, valueBits(field, value))
  }
  return fields
}

/** What lives only inside a switch and does not leave with a packet. */
const internal = /^(reg\d|xreg|xxreg|metadata$|ct_|conj_id$|recirc_id$|in_port$|pkt_mark$|actset_output$|dp_hash$)/

/** The packet as it leaves: without the switch's metadata, fields sorted by name. */
export function packetOf(fields: Fields): SimPacket {
  const packet: { -readonly [F in FieldName]?: FieldValue } = {}
  for (const name of [...fields.keys()].sort()) {
    if (internal.test(name) || isNothing(name, fields)) continue
    packet[name] = valueOfBits(fieldNamed(name), fields.get(name) ?? 0n)
  }
  return packet
}

/** An untagged frame has no VLAN fields; an advertisement has no option of a solicitation once its type was changed. */
function isNothing(name: FieldName, fields: Fields): boolean {
  if (name === 'vlan_vid' || name === 'vlan_pcp') return (fields.get('vlan_vid') ?? 0n) === 0n
  if (name === 'nd_sll') return fields.get('nd_options_type') === 2n
  return name === 'nd_options_type'
}

/** One end of a conversation. */
export interface End {
  readonly mac: string
  /** IPv4 or IPv6. */
  readonly ip: string
}

const everybody = 'ff:ff:ff:ff:ff:ff'

export function arpRequest(from: End, target: string): SimPacket {
  return arp(1, from, { mac: '00:00:00:00:00:00', ip: target }, everybody)
}

export function arpReply(from: End, to: End): SimPacket {
  return arp(2, from, to, to.mac)
}

function arp(operation: number, from: End, to: End, destination: string): SimPacket {
  return {
    eth_src: from.mac,
    eth_dst: destination,
    eth_type: 0x0806,
    arp_op: operation,
    arp_sha: from.mac,
    arp_spa: from.ip,
    arp_tha: to.mac,
    arp_tpa: to.ip,
  }
}

/** An IPv4 or IPv6 packet, by the form of the addresses. */
export function ip(from: End, to: End, protocol: number): SimPacket {
  const ethernet = { eth_src: from.mac, eth_dst: to.mac, ip_proto: protocol, nw_ttl: 64 }
  if (from.ip.includes(':')) return { ...ethernet, eth_type: 0x86dd, ipv6_src: from.ip, ipv6_dst: to.ip }
  return { ...ethernet, eth_type: 0x0800, ipv4_src: from.ip, ipv4_dst: to.ip }
}

export function udp(from: End, to: End, ports: { readonly source: number; readonly destination: number }): SimPacket {
  return { ...ip(from, to, 17), udp_src: ports.source, udp_dst: ports.destination }
}

export function sctp(from: End, to: End, ports: { readonly source: number; readonly destination: number }): SimPacket {
  return { ...ip(from, to, 132), sctp_src: ports.source, sctp_dst: ports.destination }
}

/** The first packet of a connection unless `flags` say otherwise (2 = SYN, 0x12 = SYN and ACK, 0x10 = ACK). */
export function tcp(
  from: End,
  to: End,
  ports: { readonly source: number; readonly destination: number; readonly flags?: number },
): SimPacket {
  const { source, destination, flags = 2 } = ports
  return { ...ip(from, to, 6), tcp_src: source, tcp_dst: destination, tcp_flags: flags }
}

export function echoRequest(from: End, to: End): SimPacket {
  return from.ip.includes(':') ? icmp6(from, to, 128) : { ...ip(from, to, 1), icmpv4_type: 8, icmpv4_code: 0 }
}

export function echoReply(from: End, to: End): SimPacket {
  return from.ip.includes(':') ? icmp6(from, to, 129) : { ...ip(from, to, 1), icmpv4_type: 0, icmpv4_code: 0 }
}

function icmp6(from: End, to: End, type: number): SimPacket {
  return { ...ip(from, to, 58), icmpv6_type: type, icmpv6_code: 0 }
}

/** RFC 4861: sent to the solicited-node group of the target. */
export function neighbourSolicitation(from: End, target: string): SimPacket {
  const low = valueBits(fieldNamed('ipv6_dst'), target) & 0xffffffn
  const group = valueOfBits(fieldNamed('ipv6_dst'), (0xff02n << 112n) | 0x1_ff00_0000n | low)
  const mac = valueOfBits(fieldNamed('eth_dst'), 0x3333_ff00_0000n | low)
  const to = { mac: String(mac), ip: String(group) }
  return { ...icmp6(from, to, 135), nw_ttl: 255, nd_target: target, nd_sll: from.mac }
}

export function neighbourAdvertisement(from: End, to: End): SimPacket {
  const solicitedOverride = 0x60000000
  return { ...icmp6(from, to, 136), nw_ttl: 255, nd_reserved: solicitedOverride, nd_target: from.ip, nd_tll: from.mac }
}

export function routerAdvertisement(from: End): SimPacket {
  return { ...icmp6(from, { mac: '33:33:00:00:00:01', ip: 'ff02::1' }, 134), nw_ttl: 255 }
}

/** ICMPv6 redirect: "reach that address by me". */
export function redirect(from: End, to: End): SimPacket {
  return { ...icmp6(from, to, 137), nw_ttl: 255 }
}

/** Adds a VLAN tag. */
export function withVlan(packet: SimPacket, vlan: number): SimPacket {
  return { ...packet, vlan_vid: tagged(vlan) }
}

export function withoutVlan(packet: SimPacket): SimPacket {
  const { vlan_vid: _vid, vlan_pcp: _pcp, ...rest } = packet
  return rest
}
