// The addresses of a rule as text: hosts, subnets and ranges of either family, separated by commas.

import { ipv4Mask, ipv4Size, ipv6Mask, parseIpv4, parseIpv6, parseIpv6Prefix } from '../lib/address.ts'

/** Both ends included. */
export type AddressRange =
  | { readonly family: 'ipv4'; readonly first: number; readonly last: number }
  | { readonly family: 'ipv6'; readonly first: bigint; readonly last: bigint }

export const mostAddressItems = 64

const forms =
  '10.1.1.5 or 2001:db8::5 for a host, 10.1.1.5-20, 10.1.1.5-10.1.2.20 or 2001:db8::5-2001:db8::20 for a range, 10.1.1.0/24 or 2001:db8::/64 for a subnet'

/** The ranges in the order given; a text that says what is wrong where one of them is none. */
export function readAddresses(text: string): AddressRange[] | string {
  const items = text.split(',')
  if (items.length > mostAddressItems) {
    return `has ${items.length} addresses, and ${mostAddressItems} are the most; use subnets or ranges, or make several rules`
  }
  const ranges: AddressRange[] = []
  for (const item of items) {
    const range = item.includes(':') ? readIpv6(item) : readIpv4(item)
    if (typeof range === 'string') return range
    ranges.push(range)
  }
  return ranges
}

/** `a.b.c.d`, `a.b.c.d/1` to `/31`, `a.b.c.d-e`, `a.b.c.d-e/len`, `a.b.c.d-e.f.g.h`: the length of a range says nothing. */
function readIpv4(item: string): AddressRange | string {
  const [, begin = '', end, bits] = /^([\d.]+)(?:-([\d.]+))?(?:\/(\d{1,2}))?$/.exec(item) ?? []
  const first = parseIpv4(begin)
  if (first === undefined) return noAddress(item)
  const length = bits === undefined ? undefined : Number(bits)
  if (length !== undefined && (length < 1 || length > 31)) return badLength(item, length)
  if (end !== undefined) {
    const last = lastOf(first, end)
    if (last === undefined || (end.includes('.') && length !== undefined)) return noAddress(item)
    return last < first ? reversed(item) : { family: 'ipv4', first, last }
  }
  if (length === undefined) return { family: 'ipv4', first, last: first }
  const base = (first & ipv4Mask(length)) >>> 0
  return { family: 'ipv4', first: base, last: base + ipv4Size(length) - 1 }
}

/** The end of a range: an address, or the last octet of one that is else as the first. */
function lastOf(first: number, end: string): number | undefined {
  if (end.includes('.')) return parseIpv4(end)
  return /^\d{1,3}$/.test(end) && Number(end) < 256 ? ((first & 0xffffff00) >>> 0) + Number(end) : undefined
}

/** `a::b`, `a::b/0` to `/128`, `a::b-a::c`. */
function readIpv6(item: string): AddressRange | string {
  const prefix = parseIpv6Prefix(item)
  if (prefix !== undefined) {
    return { family: 'ipv6', first: prefix.base, last: prefix.base | (~ipv6Mask(prefix.length) & allOnes) }
  }
  const [begin = '', end = begin, more] = item.split('-')
  const [first, last] = [parseIpv6(begin), parseIpv6(end)]
  if (first === undefined || last === undefined || more !== undefined) return noAddress(item)
  return last < first ? reversed(item) : { family: 'ipv6', first, last }
}

const allOnes = ipv6Mask(128)

function noAddress(item: string): string {
  return `${JSON.stringify(item)} is not an address; write ${forms}, or several of them with commas between`
}

function badLength(item: string, length: number): string {
  const instead = length === 0 ? 'leave the address out for everybody' : 'write a host without length'
  return `${JSON.stringify(item)} is not an address: a subnet has 1 to 31 bits; ${instead}`
}

function reversed(item: string): string {
  return `${JSON.stringify(item)} is not an address: the range ends before it begins`
}
