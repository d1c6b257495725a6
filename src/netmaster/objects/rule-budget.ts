// Whether the hosts have room for a rule: what it is at most in flows, by arithmetic. Who is refused although there would
// have been room has a policy that is far too dear anyway.

import { type RuleSize, ruleSize } from '../../core/cost/rule-size.ts'
import { type PolicyRule, resolveRule } from '../../core/policy/rule.ts'
import type { Problem } from '../../lib/errors.ts'
import { problem } from '../../model/body.ts'
import { groupKey } from '../../model/endpoint-group.ts'
import { networkKey } from '../../model/network.ts'
import { policyKey } from '../../model/policy.ts'
import type { FlowLimits } from '../../model/policy-cost.ts'
import type { GroupRecord, RuleRecord } from '../../model/state.ts'
import type { View } from '../tables.ts'

export const defaultFlowLimits: FlowLimits = { rule: 5_000, host: 100_000 }

export function checkBudget(view: View, record: RuleRecord, key: string, limits: FlowLimits): Problem | undefined {
  const rule = resolveRule(view, record)
  if (rule === undefined) return undefined
  const policy = policyKey(record.tenantName, record.policyName)
  const groups = view.referrers('group', 'policy', policy)
  return checkRuleSize(view, rule, groups, limits) ?? checkHosts(view, { rule, key, policy, groups, limits })
}

type Groups = ReadonlyMap<string, GroupRecord>

function checkRuleSize(view: View, rule: PolicyRule, groups: Groups, limits: FlowLimits): Problem | undefined {
  const ipv6 = anyIpv6(view, groups.values())
  if (ruleSize(rule, Math.max(groups.size, 1), ipv6).flows <= limits.rule) return undefined
  // Not all of the groups need be on one host.
  const most = Math.max(1, ...usersByHost(view, groups).values())
  const size = ruleSize(rule, most, ipv6)
  if (size.flows <= limits.rule) return undefined
  const message = `rule ${rule.key} would be up to ${size.flows} flows on a host, more than the ${limits.rule} of netmaster's --max-rule-flows; ${cheaper(size)}`
  return problem('exhausted', 'RULE_TOO_COSTLY', message, { key: rule.key, ...size, limit: limits.rule })
}

interface Coming {
  readonly rule: PolicyRule
  readonly key: string
  readonly policy: string
  readonly groups: Groups
  readonly limits: FlowLimits
}

function checkHosts(view: View, { rule, key, policy, groups, limits }: Coming): Problem | undefined {
  const { all } = view.ruleWeights
  const alone = ruleSize(rule, 1, true).flows
  // Even if every group of the cluster were on one host, and had every policy.
  if (all.dual + alone + (all.rules + 1) * (view.groups.size + 1) <= limits.host) return undefined
  const known = view.ruleWeights.ofRule(key)
  for (const [host, users] of usersByHost(view, groups)) {
    const here = groupsOn(view, host)
    const ipv6 = anyIpv6(view, here)
    const before = mostFlowsOf(view, here, ipv6)
    const change = ruleSize(rule, users, ipv6).flows - (ipv6 ? known.dual : known.ipv4)
    // Who makes a dear rule cheaper is welcome, whatever the others are.
    if (change <= 0 || before + change <= limits.host) continue
    const message = `host ${host} would have up to ${before + change} flows of policy, more than the ${limits.host} of netmaster's --max-host-flows; netctl policy cost ${policy.slice(policy.indexOf(':') + 1)} shows which rules are dear`
    return problem('exhausted', 'HOST_FLOWS_EXHAUSTED', message, { key: rule.key, host, limit: limits.host })
  }
  return undefined
}

/** How many of these groups each host has. */
function usersByHost(view: View, groups: Groups): ReadonlyMap<string, number> {
  const found = new Map<string, number>()
  for (const key of groups.keys()) {
    const hosts = new Set<string>()
    for (const { node } of view.endpointsOfGroup(key).values()) if (node !== '') hosts.add(node)
    for (const host of hosts) found.set(host, (found.get(host) ?? 0) + 1)
  }
  return found
}

function groupsOn(view: View, host: string): readonly GroupRecord[] {
  const keys = new Set<string>()
  for (const { tenantName, groupName } of view.endpointsOn(host).values()) {
    if (groupName !== '') keys.add(groupKey(tenantName, groupName))
  }
  return [...keys].flatMap((key) => view.groups.get(key) ?? [])
}

/** Of all policies of these groups, were they on one host. */
function mostFlowsOf(view: View, groups: readonly GroupRecord[], ipv6: boolean): number {
  const users = new Map<string, number>()
  for (const { tenantName, policies } of groups) {
    for (const name of policies) {
      const key = policyKey(tenantName, name)
      users.set(key, (users.get(key) ?? 0) + 1)
    }
  }
  let flows = 0
  for (const [key, count] of users) {
    const weight = view.ruleWeights.ofPolicy(key)
    // A rule of several groups is at most a conjunction: a flow for each of them, and one that decides.
    flows += (ipv6 ? weight.dual : weight.ipv4) + (count > 1 ? weight.rules * (count + 1) : 0)
  }
  return flows
}

function anyIpv6(view: View, groups: Iterable<GroupRecord>): boolean {
  for (const { tenantName, networkName } of groups) {
    if ((view.networks.get(networkKey(tenantName, networkName))?.ipv6Subnet ?? '') !== '') return true
  }
  return false
}

/** What would help most. */
function cheaper({ own, remote, services }: RuleSize): string {
  if (services >= own && services >= remote) {
    return `its protocols and ports are ${services} matches: name one protocol, and let ranges begin and end at powers of two, as 1024-2047 does`
  }
  if (remote >= own) {
    return `its addresses are ${remote} matches: write a subnet such as 10.1.1.0/24 instead of a range, or name a group or a network instead of addresses`
  }
  return `${own} groups of a host have its policy: put their containers into fewer groups`
}
