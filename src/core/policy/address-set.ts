// Which addresses a rule means: those of its text, or of a network with exactly the range it has; and how matches select
// them.

import { formatIpv4, formatIpv6, type Ipv6Prefix, ipv4Mask, ipv6Mask } from '../../lib/address.ts'
import { isProblem } from '../../model/body.ts'
import { readAddresses } from '../../model/rule-addresses.ts'
import type { ClusterState, NetworkRecord } from '../../model/state.ts'
import { mergeIntervals } from '../allocate/intervals.ts'
import { type Ipv4Subnet, parseIpv4Subnet } from '../allocate/subnet.ts'
import { mergeRanges, rangeBlocks } from './blocks.ts'

/** First and last IPv4 address, as numbers. */
type Range = Ipv4Subnet['claimed']

export interface AddressSet {
  readonly ipv4: readonly Range[]
  /** Prefixes, `address/length`. */
  readonly ipv6: readonly string[]
}

/** What a rule's list of addresses means; undefined where it is none. */
export function parseRuleAddress(text: string): AddressSet | undefined {
  const ranges = readAddresses(text)
  if (typeof ranges === 'string') return undefined
  const ipv6 = mergeRanges(ranges.filter((range) => range.family === 'ipv6'))
  return {
    ipv4: mergeIntervals(ranges.filter((range) => range.family === 'ipv4')),
    ipv6: ipv6.flatMap((range) => rangeBlocks(range, 128)).map(({ base, length }) => `${formatIpv6(base)}/${length}`),
  }
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

export interface Ipv4Block {
  readonly base: number
  readonly length: number
}

/** The fewest prefixes that make up the range, ascending: at most 62. */
export function rangeToBlocks({ first, last }: Range): Ipv4Block[] {
  // Most are one address.
  if (first === last) return [{ base: first, length: 32 }]
  const blocks = rangeBlocks({ first: BigInt(first), last: BigInt(last) }, 32)
  return blocks.map(({ base, length }) => ({ base: Number(base), length }))
}

/** As matches take addresses: one, or one with its mask. A block of length 0 needs no match. */
type AddressMatch = string | { readonly value: string; readonly mask: string }

export function blockMatch({ base, length }: Ipv4Block): AddressMatch {
  return length === 32 ? formatIpv4(base) : { value: formatIpv4(base), mask: formatIpv4(ipv4Mask(length)) }
}

export function ipv6BlockMatch({ base, length }: Ipv6Prefix): AddressMatch {
  return length === 128 ? formatIpv6(base) : { value: formatIpv6(base), mask: formatIpv6(ipv6Mask(length)) }
}
