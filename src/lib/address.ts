// IPv4, IPv6 and MAC addresses as text and as numbers. Text is always canonical (RFC 5952 for IPv6), so that equal
// addresses are equal strings; numbers are used where arithmetic or bytes are needed.

/** An IPv4 address as an unsigned 32-bit number, or undefined when the text is not a dotted quad. */
export function parseIpv4(text: string): number | undefined {
  let value = 0
  let octet = -1
  let dots = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code === 0x2e) {
      if (octet < 0 || ++dots > 3) return undefined
      value = value * 256 + octet
      octet = -1
      continue
    }
    const digit = code - 0x30
    // After a zero comes a dot or the end: no octal numbers.
    if (digit < 0 || digit > 9 || octet === 0) return undefined
    octet = octet < 0 ? digit : octet * 10 + digit
    if (octet > 255) return undefined
  }
  return dots === 3 && octet >= 0 ? value * 256 + octet : undefined
}

export function formatIpv4(value: number): string {
  return `${value >>> 24}.${(value >>> 16) & 255}.${(value >>> 8) & 255}.${value & 255}`
}

/** An IPv6 address as an unsigned 128-bit number, or undefined. Zone ids are refused. */
export function parseIpv6(text: string): bigint | undefined {
  const halves = text.split('::')
  if (halves.length > 2) return undefined
  // An IPv4 address may stand for the last two groups of the whole.
  const head = ipv6Groups(halves[0] ?? '', halves.length === 1)
  const tail = halves.length === 2 ? ipv6Groups(halves[1] ?? '', true) : []
  if (head === undefined || tail === undefined) return undefined
  const missing = 8 - head.length - tail.length
  if (halves.length === 2 ? missing < 1 : missing !== 0) return undefined
  let value = 0n
  for (const group of [...head, ...new Array<number>(missing).fill(0), ...tail]) value = (value << 16n) | BigInt(group)
  return value
}

function ipv6Groups(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return []
  const groups: number[] = []
  const parts = text.split(':')
  for (const [index, part] of parts.entries()) {
    if (part.includes('.') && mayEndInIpv4 && index === parts.length - 1) {
      const v4 = parseIpv4(part)
      if (v4 === undefined) return undefined
      groups.push(v4 >>> 16, v4 & 0xffff)
    } else if (/^[0-9a-fA-F]{1,4}$/.test(part)) groups.push(Number.parseInt(part, 16))
    else return undefined
  }
  return groups
}

/** Canonical text (RFC 5952): lower case, longest run of zero groups as `::`. */
export function formatIpv6(value: bigint): string {
  const groups: number[] = []
  for (let shift = 112n; shift >= 0n; shift -= 16n) groups.push(Number((value >> shift) & 0xffffn))
  let best = { start: -1, length: 1 }
  for (let start = 0; start < 8; start++) {
    let length = 0
    while (start + length < 8 && groups[start + length] === 0) length++
    if (length > best.length) best = { start, length }
  }
  const hex = groups.map((group) => group.toString(16))
  if (best.start < 0) return hex.join(':')
  return `${hex.slice(0, best.start).join(':')}::${hex.slice(best.start + best.length).join(':')}`
}

/** The canonical text of an IPv6 address, or undefined when it is none. */
export function canonicalIpv6(text: string): string | undefined {
  const value = parseIpv6(text)
  return value === undefined ? undefined : formatIpv6(value)
}

/** A MAC address as a 48-bit number, or undefined. */
export function parseMac(text: string): number | undefined {
  if (!/^[0-9a-fA-F]{2}(:[0-9a-fA-F]{2}){5}$/.test(text)) return undefined
  return Number.parseInt(text.replaceAll(':', ''), 16)
}

export function formatMac(value: number): string {
  return value
    .toString(16)
    .padStart(12, '0')
    .replace(/..(?!$)/g, '$&:')
}

/** Six bytes of a MAC address; the text must be valid. */
export function macBytes(text: string): Buffer {
  return Buffer.from(text.replaceAll(':', ''), 'hex')
}

export interface Ipv4Prefix {
  /** First address of the prefix: host bits are zero. */
  readonly base: number
  readonly length: number
}

export interface Ipv6Prefix {
  readonly base: bigint
  readonly length: number
}

/** The netmask of a prefix length, 0..32. */
export function ipv4Mask(length: number): number {
  return length === 0 ? 0 : (0xffffffff << (32 - length)) >>> 0
}

/** `a.b.c.d/len`; host bits are cleared. */
export function parseIpv4Prefix(text: string): Ipv4Prefix | undefined {
  const match = /^([^/]+)\/(\d{1,2})$/.exec(text)
  const address = parseIpv4(match?.[1] ?? '')
  const length = Number(match?.[2])
  if (address === undefined || length > 32) return undefined
  return { base: (address & ipv4Mask(length)) >>> 0, length }
}

/** The prefix around a subnet that may be written as a range of it, `a.b.c.d-e.f.g.h/len`; other text as it is. */
export function coveringPrefix(subnet: string): string {
  const prefix = parseIpv4Prefix(subnet.replace(/-[^/]*/, ''))
  return prefix === undefined ? subnet : `${formatIpv4(prefix.base)}/${prefix.length}`
}

export function ipv6Mask(length: number): bigint {
  return ((1n << BigInt(length)) - 1n) << BigInt(128 - length)
}

export function parseIpv6Prefix(text: string): Ipv6Prefix | undefined {
  const match = /^([^/]+)\/(\d{1,3})$/.exec(text)
  const address = parseIpv6(match?.[1] ?? '')
  const length = Number(match?.[2])
  if (address === undefined || length > 128) return undefined
  return { base: address & ipv6Mask(length), length }
}

/** Whether two prefixes of one family share addresses; false where either is no prefix. */
export function overlappingPrefixes(a: string, b: string): boolean {
  const [a4, b4] = [parseIpv4Prefix(a), parseIpv4Prefix(b)]
  if (a4 !== undefined && b4 !== undefined) {
    const mask = ipv4Mask(Math.min(a4.length, b4.length))
    return ((a4.base ^ b4.base) & mask) === 0
  }
  const [a6, b6] = [parseIpv6Prefix(a), parseIpv6Prefix(b)]
  if (a6 === undefined || b6 === undefined) return false
  return ((a6.base ^ b6.base) & ipv6Mask(Math.min(a6.length, b6.length))) === 0n
}

/** How many addresses a prefix spans. */
export function ipv4Size(length: number): number {
  return 2 ** (32 - length)
}

/** The MAC of an endpoint: 02:02 and the four bytes of its IPv4 address. */
export function macOfIpv4(address: string): string | undefined {
  const value = parseIpv4(address)
  return value === undefined ? undefined : formatMac(0x0202 * 2 ** 32 + value)
}

/** The link-local IPv6 address a host derives from a MAC (RFC 4291 appendix A, modified EUI-64). */
export function linkLocalOfMac(mac: string): string | undefined {
  const value = parseMac(mac)
  if (value === undefined) return undefined
  const bits = BigInt(value) ^ (0x02n << 40n)
  return formatIpv6((0xfe80n << 112n) | ((bits >> 24n) << 40n) | (0xfffen << 24n) | (bits & 0xffffffn))
}
