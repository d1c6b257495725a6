// A packet as data: a list of layers, outermost first. Addresses are canonical text, all other fields numbers.
//
//   [ethernet, ipv4, udp, vxlan, ethernet, arp]        [ethernet, vlan, ipv6, neighbor-solicitation]
//
// What parsing returns can be built again as it is. For building, everything that follows from the other layers
// (lengths, checksums, what comes next) and the usual values may be left out.

export interface Ethernet {
  readonly kind: 'ethernet'
  readonly destination: string
  readonly source: string
  readonly etherType?: number
}

/** IEEE 802.1Q. */
export interface Vlan {
  readonly kind: 'vlan'
  readonly vlan: number
  readonly priority?: number
  readonly dropEligible?: boolean
  readonly etherType?: number
}

/** RFC 826, for Ethernet and IPv4. */
export interface Arp {
  readonly kind: 'arp'
  readonly operation: number
  readonly senderMac: string
  readonly senderIp: string
  readonly targetMac: string
  readonly targetIp: string
}

/** RFC 791. */
export interface Ipv4 {
  readonly kind: 'ipv4'
  readonly source: string
  readonly destination: string
  readonly protocol?: number
  readonly ttl?: number
  readonly dscp?: number
  readonly ecn?: number
  readonly identification?: number
  readonly dontFragment?: boolean
  readonly moreFragments?: boolean
  /** In units of eight bytes. */
  readonly fragmentOffset?: number
  /** A multiple of four bytes. */
  readonly options?: Uint8Array
  /** Only when it is not the right one. */
  readonly checksum?: number
}

/** RFC 8200. */
export interface Ipv6 {
  readonly kind: 'ipv6'
  readonly source: string
  readonly destination: string
  readonly nextHeader?: number
  readonly hopLimit?: number
  readonly dscp?: number
  readonly ecn?: number
  readonly flowLabel?: number
}

/** Hop-by-hop options (0), routing (43), fragment (44) and destination options (60). */
export interface Ipv6Extension {
  readonly kind: 'ipv6-extension'
  /** Its own number. */
  readonly header: number
  readonly nextHeader?: number
  /** Everything after the number of the next header. */
  readonly body: Uint8Array
}

/** RFC 792, echo and echo reply. */
export interface IcmpEcho {
  readonly kind: 'icmp-echo'
  readonly request: boolean
  readonly identifier: number
  readonly sequence: number
  readonly checksum?: number
}

export interface Icmp {
  readonly kind: 'icmp'
  readonly type: number
  readonly code: number
  /** The four bytes after the checksum. */
  readonly rest?: number
  readonly checksum?: number
}

/** RFC 4443, echo and echo reply. */
export interface Icmpv6Echo {
  readonly kind: 'icmpv6-echo'
  readonly request: boolean
  readonly identifier: number
  readonly sequence: number
  readonly checksum?: number
}

export interface Icmpv6 {
  readonly kind: 'icmpv6'
  readonly type: number
  readonly code: number
  readonly rest?: number
  readonly checksum?: number
}

/** Options of neighbor discovery (RFC 4861 section 4.6). */
export type NdOption =
  | { readonly kind: 'source-link-address'; readonly mac: string }
  | { readonly kind: 'target-link-address'; readonly mac: string }
  | {
      readonly kind: 'prefix'
      readonly prefix: string
      readonly length: number
      readonly onLink: boolean
      readonly autonomous: boolean
      readonly validSeconds: number
      readonly preferredSeconds: number
    }
  | { readonly kind: 'mtu'; readonly mtu: number }
  | { readonly kind: 'other'; readonly type: number; readonly body: Uint8Array }

export interface NeighborSolicitation {
  readonly kind: 'neighbor-solicitation'
  readonly target: string
  readonly options: readonly NdOption[]
  readonly checksum?: number
}

export interface NeighborAdvertisement {
  readonly kind: 'neighbor-advertisement'
  readonly target: string
  readonly router?: boolean
  readonly solicited?: boolean
  readonly override?: boolean
  readonly options: readonly NdOption[]
  readonly checksum?: number
}

export interface RouterSolicitation {
  readonly kind: 'router-solicitation'
  readonly options: readonly NdOption[]
  readonly checksum?: number
}

export interface RouterAdvertisement {
  readonly kind: 'router-advertisement'
  readonly hopLimit: number
  /** The byte of flags: managed 0x80, other 0x40. */
  readonly flags: number
  readonly lifetimeSeconds: number
  readonly reachableMs: number
  readonly retransmitMs: number
  readonly options: readonly NdOption[]
  readonly checksum?: number
}

/** RFC 768. */
export interface Udp {
  readonly kind: 'udp'
  readonly sourcePort: number
  readonly destinationPort: number
  /** Only when it is not what follows: in the first fragment of a longer datagram. */
  readonly length?: number
  /** Only when it is not the right one; 0 is "none". */
  readonly checksum?: number
}

/** RFC 9293. */
export interface Tcp {
  readonly kind: 'tcp'
  readonly sourcePort: number
  readonly destinationPort: number
  readonly sequence?: number
  readonly acknowledgement?: number
  /** Bits of `tcpFlags`. */
  readonly flags: number
  readonly window?: number
  readonly urgent?: number
  /** A multiple of four bytes. */
  readonly options?: Uint8Array
  readonly checksum?: number
}

/** RFC 7348, and the group policy extension of draft-smith-vxlan-group-policy. */
export interface Vxlan {
  readonly kind: 'vxlan'
  readonly vni: number
  readonly groupPolicy?: number
}

/** Bytes that are not looked into. */
export interface Payload {
  readonly kind: 'payload'
  readonly bytes: Uint8Array
}

export type Layer =
  | Ethernet
  | Vlan
  | Arp
  | Ipv4
  | Ipv6
  | Ipv6Extension
  | IcmpEcho
  | Icmp
  | Icmpv6Echo
  | Icmpv6
  | NeighborSolicitation
  | NeighborAdvertisement
  | RouterSolicitation
  | RouterAdvertisement
  | Udp
  | Tcp
  | Vxlan
  | Payload

export type LayerKind = Layer['kind']

/** `checksum`: one is wrong (its layer carries it). `truncated`: the packet says it is longer than it is. */
export type PacketProblem = 'checksum' | 'truncated'

export interface Packet {
  readonly layers: readonly Layer[]
  readonly problems: readonly PacketProblem[]
}

export const etherTypes = { ipv4: 0x0800, arp: 0x0806, vlan: 0x8100, ipv6: 0x86dd } as const
export const ipProtocols = { icmp: 1, igmp: 2, tcp: 6, udp: 17, icmpv6: 58, none: 59 } as const
export const arpOperations = { request: 1, reply: 2 } as const
export const tcpFlags = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32, ece: 64, cwr: 128 } as const
export const vxlanPort = 4789

/** The outermost layer of a kind. */
export function findLayer<K extends LayerKind>(packet: Packet, kind: K): Extract<Layer, { kind: K }> | undefined {
  for (const layer of packet.layers) if (isOfKind(layer, kind)) return layer
  return undefined
}

function isOfKind<K extends LayerKind>(layer: Layer, kind: K): layer is Extract<Layer, { kind: K }> {
  return layer.kind === kind
}
