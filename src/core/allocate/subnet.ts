// Subnets of networks as users write them: `a.b.c.d/len`, `a.b.c.d-e.f.g.h/len`, `a.b.c.5-15/len`, and IPv6 prefixes.

import { formatIpv4, formatIpv6, ipv4Mask, ipv4Size, ipv6Mask, parseIpv4, parseIpv6 } from '../../lib/address.ts'
import type { Problem } from '../../lib/errors.ts'
import type { Interval } from './number-set.ts'

export interface Ipv4Subnet {
  /** Network address: host bits are zero. */
  readonly base: number
  readonly length: number
  /** Addresses endpoints may get: within the range the user gave, without network and broadcast address. */
  readonly hosts: Interval
  /** From the first to the last address the network claims: for overlap checks. */
  readonly claimed: Interval
}

export interface Ipv6Subnet {
  readonly base: bigint
  readonly length: number
}

const invalid = (code: string, message: string): Problem => ({ kind: 'invalid', code, message })

/** Lengths 1..31; in a /31 no address is usable. */
export function parseIpv4Subnet(text: string): Ipv4Subnet | Problem {
  const match = /^(\d[\d.]*)(?:-(\d[\d.]*))?\/(\d{1,2})$/.exec(text)
  const bad = (why: string) =>
    invalid('INVALID_SUBNET', `subnet ${JSON.stringify(text)} ${why}; write it as 10.1.1.0/24 or 10.1.1.5-10.1.1.15/24`)
  if (match === null) return bad('is not address/length')
  const length = Number(match[3])
  if (length < 1 || length > 31) return bad('must have a length from 1 to 31')
  const start = parseIpv4(match[1] ?? '')
  if (start === undefined) return bad('does not start with an IPv4 address')
  const base = (start & ipv4Mask(length)) >>> 0
  const top = base + ipv4Size(length) - 1
  const usable = { first: base + 1, last: top - 1 }
  const endText = match[2]
  if (endText === undefined) return { base, length, hosts: usable, claimed: { first: base, last: top } }
  const end = parseRangeEnd(start, endText)
  if (end === undefined) return bad('has a range that does not end with an IPv4 address')
  if (end < start) return bad('has a range that ends before it starts')
  if (end > top) return bad(`has a range that goes beyond the subnet, whose last address is ${formatIpv4(top)}`)
  const hosts = { first: Math.max(start, usable.first), last: Math.min(end, usable.last) }
  return { base, length, hosts, claimed: { first: start, last: end } }
}

/** A full address, or only the last octet. */
function parseRangeEnd(start: number, text: string): number | undefined {
  if (!/^\d{1,3}$/.test(text)) return parseIpv4(text)
  return Number(text) > 255 ? undefined : ((start & 0xffffff00) >>> 0) + Number(text)
}

/** A pool of a group: one address or a range, `a.b.c.d` or `a.b.c.d-e.f.g.h`. */
export function parseIpv4Pool(text: string): Interval | Problem {
  const [from = '', to = from, more] = text.split('-')
  const bad = (why: string) =>
    invalid('INVALID_IP_POOL', `ip-pool ${JSON.stringify(text)} ${why}; write it as 10.1.1.10-10.1.1.20`)
  if (text.includes(':')) return bad('holds IPv6 addresses: pools of groups are IPv4 only')
  const first = parseIpv4(from)
  if (first === undefined || more !== undefined) return bad('is not an address or a range of addresses')
  const last = parseRangeEnd(first, to)
  if (last === undefined) return bad('is not an address or a range of addresses')
  if (last < first) return bad('ends before it starts')
  return { first, last }
}

/** Lengths 16..127 (specification 2.3). */
export function parseIpv6Subnet(text: string): Ipv6Subnet | Problem {
  const match = /^([0-9a-fA-F:.]+)\/(\d{1,3})$/.exec(text)
  const address = parseIpv6(match?.[1] ?? '')
  const bad = (why: string) =>
    invalid('INVALID_IPV6_SUBNET', `ipv6Subnet ${JSON.stringify(text)} ${why}; write it as 2001:db8:1::/64`)
  if (match === null || address === undefined) return bad('is not address/length')
  const length = Number(match[2])
  if (length < 16 || length > 127) return bad('must have a length from 16 to 127')
  if (address >> 120n === 0xffn) return bad('is a multicast prefix')
  return { base: address & ipv6Mask(length), length }
}

export function formatIpv6Subnet(subnet: Ipv6Subnet): string {
  return `${formatIpv6(subnet.base)}/${subnet.length}`
}

/** Whether the address is in the subnet and is neither its network nor its broadcast address. */
export function isIpv4Host(subnet: Ipv4Subnet, address: number): boolean {
  return address > subnet.base && address < subnet.base + ipv4Size(subnet.length) - 1
}

/** Whether the address is in the prefix and is not the all-zero host (the routers' anycast address). */
export function isIpv6Host(subnet: Ipv6Subnet, address: bigint): boolean {
  return (address & ipv6Mask(subnet.length)) === subnet.base && address !== subnet.base
}

export function ipv6SubnetsOverlap(a: Ipv6Subnet, b: Ipv6Subnet): boolean {
  const mask = ipv6Mask(Math.min(a.length, b.length))
  return (a.base & mask) === (b.base & mask)
}
