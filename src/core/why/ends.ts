// The two ends of a connection that is asked about, as they were found in the cluster.

import { formatIpv4, formatIpv6, parseIpv6Prefix } from '../../lib/address.ts'
import { isProblem } from '../../model/body.ts'
import { networkKey } from '../../model/network.ts'
import type { ClusterState, EndpointRecord, GroupRecord, NetworkRecord } from '../../model/state.ts'
import { parseIpv4Pool, parseIpv4Subnet } from '../allocate/subnet.ts'
import type { Member } from '../policy/evaluate.ts'

export type End =
  | { readonly kind: 'endpoint'; readonly record: EndpointRecord }
  /** Any member of it, also one that is yet to come. */
  | { readonly kind: 'group'; readonly record: GroupRecord }
  /** Of nobody in the tenant that is asked about. */
  | { readonly kind: 'address'; readonly address: string }

export type Family = 'ipv4' | 'ipv6'

export function networkOf(state: ClusterState, end: End): NetworkRecord | undefined {
  if (end.kind === 'address') return undefined
  return state.networks.get(networkKey(end.record.tenantName, end.record.networkName))
}

/** What policy knows of it: the group it is a member of. */
export function memberOf(end: End): Member | undefined {
  return end.kind === 'address' || end.record.groupName === '' ? undefined : end.record
}

/** Where it is or may come to be, ascending; empty: nowhere yet, or outside. */
export function hostsOf(state: ClusterState, end: End): readonly string[] {
  if (end.kind === 'address') return []
  if (end.kind === 'endpoint') return end.record.node === '' ? [] : [end.record.node]
  const { tenantName, groupName } = end.record
  const hosts = new Set<string>()
  for (const { node, ...endpoint } of state.endpoints.values()) {
    if (node !== '' && endpoint.tenantName === tenantName && endpoint.groupName === groupName) hosts.add(node)
  }
  return [...hosts].sort()
}

/** The address it has in a family, or the first one its members may get; undefined where it has none. */
export function addressOf(state: ClusterState, end: End, family: Family): string | undefined {
  if (end.kind === 'address') return end.address.includes(':') === (family === 'ipv6') ? end.address : undefined
  if (end.kind === 'endpoint') return end.record[family] === '' ? undefined : end.record[family]
  const network = networkOf(state, end)
  if (network === undefined) return undefined
  if (family === 'ipv4') return formatIpv4(groupRange(end.record, network)?.first ?? 0)
  const prefix = parseIpv6Prefix(network.ipv6Subnet)
  return prefix === undefined ? undefined : formatIpv6(prefix.base + 1n)
}

/** IPv4 addresses that members of a group may get. */
export function groupRange(
  { ipPool }: GroupRecord,
  { subnet }: NetworkRecord,
): { readonly first: number; readonly last: number } | undefined {
  const pool = ipPool === '' ? undefined : parseIpv4Pool(ipPool)
  if (pool !== undefined && !isProblem(pool)) return pool
  const parsed = parseIpv4Subnet(subnet)
  return isProblem(parsed) ? undefined : parsed.hosts
}
