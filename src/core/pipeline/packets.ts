// Matches that select a kind of packet, by protocol name instead of number.

import { formatIpv6, ipv6Mask, parseIpv6Prefix } from '../../lib/address.ts'

export const is = {
  arp: { eth_type: 0x0806 },
  arpRequest: { eth_type: 0x0806, arp_op: 1 },
  ipv4: { eth_type: 0x0800 },
  ipv6: { eth_type: 0x86dd },
  echo: { eth_type: 0x0800, ip_proto: 1, icmpv4_type: 8 },
  echo6: { eth_type: 0x86dd, ip_proto: 58, icmpv6_type: 128 },
  routerAdvertisement: { eth_type: 0x86dd, ip_proto: 58, icmpv6_type: 134 },
  igmp: { eth_type: 0x0800, ip_proto: 2 },
  mldQuery: { eth_type: 0x86dd, ip_proto: 58, icmpv6_type: 130 },
  mldReport: { eth_type: 0x86dd, ip_proto: 58, icmpv6_type: 131 },
  mldDone: { eth_type: 0x86dd, ip_proto: 58, icmpv6_type: 132 },
  mldReport2: { eth_type: 0x86dd, ip_proto: 58, icmpv6_type: 143 },
  neighbourSolicitation: { eth_type: 0x86dd, ip_proto: 58, icmpv6_type: 135 },
  neighbourAdvertisement: { eth_type: 0x86dd, ip_proto: 58, icmpv6_type: 136 },
  redirect: { eth_type: 0x86dd, ip_proto: 58, icmpv6_type: 137 },
  dhcpServer: { eth_type: 0x0800, ip_proto: 17, udp_src: 67 },
  dhcp6Server: { eth_type: 0x86dd, ip_proto: 17, udp_src: 547 },
  tcp: { eth_type: 0x0800, ip_proto: 6 },
  udp: { eth_type: 0x0800, ip_proto: 17 },
  unreachable: { eth_type: 0x0800, ip_proto: 1, icmpv4_type: 3 },
  tcp6: { eth_type: 0x86dd, ip_proto: 6 },
  dnsUdp: { eth_type: 0x0800, ip_proto: 17, udp_dst: 53 },
  dnsTcp: { eth_type: 0x0800, ip_proto: 6, tcp_dst: 53 },
  dnsUdp6: { eth_type: 0x86dd, ip_proto: 17, udp_dst: 53 },
  dnsTcp6: { eth_type: 0x86dd, ip_proto: 6, tcp_dst: 53 },
} as const

/** A frame without VLAN tag. */
export const untagged = 0
/** How OpenFlow writes "tagged with this VLAN id" (OFPVID_PRESENT). */
export function tagged(vlan: number): number {
  return 0x1000 | vlan
}

/** A prefix, `address/length`, as a match takes it. */
export function prefix6(text: string): { value: string; mask: string } {
  const prefix = parseIpv6Prefix(text)
  return { value: formatIpv6(prefix?.base ?? 0n), mask: formatIpv6(ipv6Mask(prefix?.length ?? 128)) }
}
