// Which addresses a rule means: an address, a CIDR, a range of last octets, or a network with exactly the range it has.

import { formatIpv4, ipv4Mask, ipv4Size, parseIpv4 } from '../../lib/address.ts'
import { isProblem } from '../../model/body.ts'
import type { ClusterState, NetworkRecord } from '../../model/state.ts'
import { type Ipv4Subnet, parseIpv4Subnet } from '../allocate/subnet.ts'

/** First and last IPv4 address, as numbers. */
type Range = Ipv4Subnet['claimed']

export interface AddressSet {
  readonly ipv4: readonly Range[]
  /** Prefixes, `address/length`. */
  readonly ipv6: readonly string[]
}

/** `a.b.c.d`, `a.b.c.d/len`, `a.b.c.d-e`, `a.b.c.d-e/len`: the length of a range says nothing that the range does not. */
export function parseRuleAddress(text: string): AddressSet | undefined {
  const match = /^([\d.]+)(?:-(\d{1,3}))?(?:\/(\d{1,2}))?$/.exec(text)
  const first = parseIpv4(match?.[1] ?? '')
  if (match === null || first === undefined) return undefined
  const [, , lastOctet, length] = match
  if (lastOctet !== undefined) return onlyIpv4(first, ((first & 0xffffff00) >>> 0) + Number(lastOctet))
  if (length === undefined) return onlyIpv4(first, first)
  const base = (first & ipv4Mask(Number(length))) >>> 0
  return onlyIpv4(base, base + ipv4Size(Number(length)) - 1)
}

/** What a network claims: its range where it was given one. */
export function networkAddresses({ subnet, ipv6Subnet }: NetworkRecord): AddressSet {
  const parsed = parseIpv4Subnet(subnet)
  return { ipv4: isProblem(parsed) ? [] : [parsed.claimed], ipv6: ipv6Subnet === '' ? [] : [ipv6Subnet] }
}

/** Link-local addresses, of which a wire has those of its routers too. */
export const linkLocalPrefix = 'fe80::/10'

/** A tenant's networks on VLANs, by ascending id: there an address is all that tells who somebody elsewhere is. */
export function wireNetworks({ networks }: ClusterState, tenantName: string): NetworkRecord[] {
  const own = [...networks.values()].filter((network) => network.tenantName === tenantName)
  return own.filter(({ encap }) => encap.kind === 'vlan').sort((a, b) => a.networkId - b.networkId)
}

function onlyIpv4(first: number, last: number): AddressSet {
  return { ipv4: [{ first, last }], ipv6: [] }
}

export interface Ipv4Block {
  readonly base: number
  readonly length: number
}

/** The fewest prefixes that make up the range, ascending: at most 62. */
export function rangeToBlocks({ first, last }: Range): Ipv4Block[] {
  const blocks: Ipv4Block[] = []
  for (let base = first; base <= last; ) {
    let length = 32
    while (length > 0 && fits(base, length - 1, last)) length--
    blocks.push({ base, length })
    base += ipv4Size(length)
  }
  return blocks
}

function fits(base: number, length: number, last: number): boolean {
  return base % ipv4Size(length) === 0 && base + ipv4Size(length) - 1 <= last
}

/** As a match takes it: an address, or an address with its mask. */
export function blockMatch({ base, length }: Ipv4Block): string | { readonly value: string; readonly mask: string } {
  return length === 32 ? formatIpv4(base) : { value: formatIpv4(base), mask: formatIpv4(ipv4Mask(length)) }
}
