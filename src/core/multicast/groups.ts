// Which multicast groups there are to know about, and where they live in Ethernet.

import { formatMac, parseIpv4, parseIpv6 } from '../../lib/address.ts'

/** Groups of the link itself: everybody gets them, member or not (RFC 4541 sections 2.1.2 and 3). As matches take them. */
export const linkLocalGroups = {
  ipv4: { value: '224.0.0.0', mask: '255.255.255.0' },
  ipv6: { value: 'ff02::', mask: 'ff0f::' },
} as const

/** All groups. */
export const allGroups = {
  ipv4: { value: '224.0.0.0', mask: '240.0.0.0' },
  ipv6: { value: 'ff00::', mask: 'ff00::' },
} as const

/** Whether members of the group are to be known: it is one, and reaches further than the link. */
export function isKept(group: string): boolean {
  const ipv4 = parseIpv4(group)
  if (ipv4 !== undefined) return ipv4 >>> 28 === 0xe && ipv4 >>> 8 !== 0xe00000
  const ipv6 = parseIpv6(group) ?? 0n
  // The scope is in the fourth hex digit (RFC 4291 section 2.7); 0 is reserved, 1 stays in the host, 2 on the link.
  return ipv6 >> 120n === 0xffn && ((ipv6 >> 112n) & 0xfn) > 2n
}

/** RFC 1112 section 6.4, RFC 2464 section 7. */
export function macOfGroup(group: string): string {
  const ipv4 = parseIpv4(group)
  if (ipv4 !== undefined) return formatMac(0x01005e000000 + (ipv4 & 0x7fffff))
  return formatMac(0x333300000000 + Number((parseIpv6(group) ?? 0n) & 0xffff_ffffn))
}
