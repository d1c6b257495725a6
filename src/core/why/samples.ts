// Members of a group that is asked about may have any of its addresses, and rules may tell those apart: one address for
// each part of the group's range that rules treat alike.

import { formatIpv4 } from '../../lib/address.ts'
import { groupKey } from '../../model/endpoint-group.ts'
import type { ClusterState } from '../../model/state.ts'
import { effectiveRules } from '../policy/rule.ts'
import { addressOf, type End, type Family, groupRange, memberOf, networkOf } from './ends.ts'

export interface Sample {
  readonly address: string
  /** How many addresses it stands for. */
  readonly weight: number
}

/** At most `most`, of the whole range in order; one where the end has one address. */
export function samplesOf(
  state: ClusterState,
  end: End,
  family: Family,
  { others, most }: { readonly others: readonly End[]; readonly most: number },
): readonly Sample[] {
  const network = networkOf(state, end)
  const range = end.kind !== 'group' || network === undefined ? undefined : groupRange(end.record, network)
  if (range === undefined || family === 'ipv6') {
    const address = addressOf(state, end, family)
    return address === undefined ? [] : [{ address, weight: 1 }]
  }
  const starts = new Set([range.first])
  for (const edge of edgesOfRules(state, [end, ...others])) {
    if (edge > range.first && edge <= range.last) starts.add(edge)
  }
  const sorted = [...starts].sort((a, b) => a - b).slice(0, most)
  return sorted.map((first, index) => ({
    address: formatIpv4(first),
    weight: (sorted[index + 1] ?? range.last + 1) - first,
  }))
}

/** Where the addresses that rules of these ends name begin and have ended. */
function* edgesOfRules(state: ClusterState, ends: readonly End[]): Generator<number> {
  for (const end of ends) {
    const member = memberOf(end)
    const group = member === undefined ? undefined : state.groups.get(groupKey(member.tenantName, member.groupName))
    if (group === undefined) continue
    for (const { remote, target } of effectiveRules(state, group)) {
      for (const { first, last } of [...(remote.addresses?.ipv4 ?? []), ...(target?.ipv4 ?? [])]) {
        yield first
        yield last + 1
      }
    }
  }
}
