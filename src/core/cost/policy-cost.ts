// What policy costs hosts in flows: of each rule by its size, of hosts exactly.

import { groupKey } from '../../model/endpoint-group.ts'
import { networkKey } from '../../model/network.ts'
import type { HostChange, HostCost, RuleCost } from '../../model/policy-cost.ts'
import { ruleKey } from '../../model/rule.ts'
import type { ClusterState, PolicyRecord, RuleRecord } from '../../model/state.ts'
import { withRules } from '../policy/hypothetical.ts'
import { resolveRule } from '../policy/rule.ts'
import { ruleText } from '../why/rule-text.ts'
import { HostFlows } from './host-flows.ts'
import { ruleSize } from './rule-size.ts'

/** The groups of a host that have a policy. */
export interface HostUsers {
  readonly groups: number
  readonly ipv6: boolean
}

/** By host, those with most groups first: its rules are flows there and nowhere else. */
export function usersByHost(
  state: ClusterState,
  { tenantName, policyName }: PolicyRecord,
): ReadonlyMap<string, HostUsers> {
  const found = new Map<string, { readonly groups: Set<string>; ipv6: boolean }>()
  for (const { node, groupName, ...endpoint } of state.endpoints.values()) {
    if (node === '' || endpoint.tenantName !== tenantName || groupName === '') continue
    const group = state.groups.get(groupKey(tenantName, groupName))
    if (group?.policies.includes(policyName) !== true) continue
    const users = found.get(node) ?? { groups: new Set<string>(), ipv6: false }
    found.set(node, users)
    users.groups.add(groupName)
    users.ipv6 ||= (state.networks.get(networkKey(tenantName, group.networkName))?.ipv6Subnet ?? '') !== ''
  }
  return new Map(
    [...found]
      .map(([host, { groups, ipv6 }]) => [host, { groups: groups.size, ipv6 }] as const)
      .sort(([a, { groups: n }], [b, { groups: m }]) => m - n || (a < b ? -1 : 1)),
  )
}

/** Of each rule of a policy on each of these hosts, in the order of their priorities. */
export function costOfRules(
  state: ClusterState,
  { tenantName, policyName }: PolicyRecord,
  users: ReadonlyMap<string, HostUsers>,
): readonly RuleCost[] {
  const records = [...state.objects.rule.values()].filter(
    (rule) => rule.tenantName === tenantName && rule.policyName === policyName,
  )
  return records.sort(byPriority).map((record) => {
    const { ruleId, direction, priority, action } = record
    const hosts = [...users].map(([host, here]) => ({ host, flows: flowsOf(state, record, here) }))
    return { key: keyOf(record), ruleId, direction, priority, action, text: ruleText(record), hosts }
  })
}

function flowsOf(state: ClusterState, record: RuleRecord, { groups, ipv6 }: HostUsers): number {
  const rule = resolveRule(state, record)
  return rule === undefined ? 0 : ruleSize(rule, groups, ipv6).flows
}

function byPriority(a: RuleRecord, b: RuleRecord): number {
  return b.priority - a.priority || (keyOf(a) < keyOf(b) ? -1 : 1)
}

function keyOf({ tenantName, policyName, ruleId }: RuleRecord): string {
  return ruleKey(tenantName, policyName, ruleId)
}

/** What the rules of a policy add to the flows of a host. */
export function costOnHost(state: ClusterState, { tenantName, policyName }: PolicyRecord, host: string): HostCost {
  const counter = new HostFlows(host)
  const all = counter.count(state)
  const others = withRules(state, (rule) => rule.tenantName !== tenantName || rule.policyName !== policyName)
  return { host, policy: all - counter.count(others), all }
}

/** What a change of the cluster does to the flows of a host. */
export function changeOnHost(before: ClusterState, after: ClusterState, host: string): HostChange {
  const counter = new HostFlows(host)
  return { host, before: counter.count(before), after: counter.count(after) }
}
