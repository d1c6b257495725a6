// A rule as dimensions: whom of ours it is about, who the other side is, what they speak. A packet is the rule's when it
// matches one member of each dimension.

import { parseIpv6Prefix } from '../../../lib/address.ts'
import type { PlacedRule } from '../../compile/node-policy.ts'
import { type AddressSet, blockMatch, ipv6BlockMatch, rangeToBlocks } from '../../policy/address-set.ts'
import { portMatches } from '../../policy/port-set.ts'
import { type PolicyRule, portProtocols, sctp, tcp, udp } from '../../policy/rule.ts'
import type { TableMatch } from '../flow.ts'
import { is } from '../packets.ts'

export type RuleMatch = TableMatch<'Egress' | 'Ingress'>

/** What any packet matches. */
export const anything: readonly RuleMatch[] = [{}]

/** One list of alternatives each. */
export function ruleDimensions({ rule, groups }: PlacedRule): readonly (readonly RuleMatch[])[] {
  const isIn = rule.direction === 'in'
  const families = {
    ipv4: (rule.remote.addresses?.ipv4.length ?? 1) > 0 && (rule.target?.ipv4.length ?? 1) > 0,
    ipv6:
      groups.some(({ ipv6 }) => ipv6) &&
      (rule.remote.addresses?.ipv6.length ?? 1) > 0 &&
      (rule.target?.ipv6.length ?? 1) > 0,
  }
  const own = groups.map(({ groupId }): RuleMatch => (isIn ? { Receiver: groupId } : { SourceGroup: groupId }))
  const targets = addressMatches(rule.target, 'dst', families.ipv6)
  const { groupId } = rule.remote
  const group = groupId === undefined ? anything : [isIn ? { SourceGroup: groupId } : { DestinationGroup: groupId }]
  const addresses = addressMatches(rule.remote.addresses, isIn ? 'src' : 'dst', families.ipv6)
  return [product(own, targets), product(group, addresses), serviceMatches(rule, families)]
}

function addressMatches(addresses: AddressSet | undefined, side: 'src' | 'dst', ipv6: boolean): readonly RuleMatch[] {
  if (addresses === undefined) return anything
  const prefixes = ipv6 ? addresses.ipv6.map(parseIpv6Prefix).filter((prefix) => prefix !== undefined) : []
  return [
    ...addresses.ipv4.flatMap(rangeToBlocks).map((block): RuleMatch => {
      if (block.length === 0) return is.ipv4
      const wanted = blockMatch(block)
      return side === 'src' ? { ...is.ipv4, ipv4_src: wanted } : { ...is.ipv4, ipv4_dst: wanted }
    }),
    ...prefixes.map((prefix): RuleMatch => {
      if (prefix.length === 0) return is.ipv6
      const wanted = ipv6BlockMatch(prefix)
      return side === 'src' ? { ...is.ipv6, ipv6_src: wanted } : { ...is.ipv6, ipv6_dst: wanted }
    }),
  ]
}

function serviceMatches(
  rule: PolicyRule,
  families: { readonly ipv4: boolean; readonly ipv6: boolean },
): readonly RuleMatch[] {
  const ported = portProtocols(rule)
  const kinds = [...(families.ipv4 ? [is.ipv4] : []), ...(families.ipv6 ? [is.ipv6] : [])]
  const { protocol, ports } = rule
  if (ported.length > 0) {
    const wanted = portMatches(ports)
    return kinds.flatMap((kind) =>
      ported.flatMap((number) => wanted.map((port) => ({ ...kind, ip_proto: number, ...destination(number, port) }))),
    )
  }
  if (protocol === 'any') return anything
  const icmp = { [is.ipv4.eth_type]: 1, [is.ipv6.eth_type]: 58 }
  return kinds.map((kind) => ({ ...kind, ip_proto: protocol === 'icmp' ? icmp[kind.eth_type] : protocol }))
}

function destination(protocol: number, port: ReturnType<typeof portMatches>[number]): RuleMatch {
  if (port === undefined) return {}
  switch (protocol) {
    case tcp:
      return { tcp_dst: port }
    case udp:
      return { udp_dst: port }
    case sctp:
      return { sctp_dst: port }
    default:
      throw new Error(`protocol ${protocol} has no ports`)
  }
}

/** Each with each; without those that would be two families at once. */
export function product(a: readonly RuleMatch[], b: readonly RuleMatch[]): readonly RuleMatch[] {
  // Most rules leave something open.
  if (a === anything) return b
  if (b === anything) return a
  return a.flatMap((left) => b.flatMap((right) => (isPossible(left, right) ? [{ ...left, ...right }] : [])))
}

function isPossible(a: RuleMatch, b: RuleMatch): boolean {
  return a.eth_type === undefined || b.eth_type === undefined || a.eth_type === b.eth_type
}
