// What a policy costs the hosts, and what a rule would: counted when somebody asks, host by host, between other requests.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { changeOnHost, costOfRules, costOnHost, usersByHost } from '../core/cost/policy-cost.ts'
import { ruleSize } from '../core/cost/rule-size.ts'
import { withRule } from '../core/policy/hypothetical.ts'
import { resolveRule } from '../core/policy/rule.ts'
import type { Problem } from '../lib/errors.ts'
import { isProblem } from '../model/body.ts'
import type { FlowLimits, HostChange, HostCost, PolicyCostAnswer, RuleCostAnswer } from '../model/policy-cost.ts'
import { type RuleBody, ruleFromBody } from '../model/rule.ts'
import type { ClusterState } from '../model/state.ts'
import type { Cluster } from './cluster.ts'
import { notFound, type ObjectKind } from './objects/object.ts'

/** Each may take a second where there are tens of thousands of rules. */
const mostHosts = 16

export async function policyCost(
  cluster: Cluster,
  key: string,
  limits: FlowLimits,
): Promise<PolicyCostAnswer | Problem> {
  const policy = cluster.view.objects.policy.get(key)
  if (policy === undefined) return notFound('policy', key)
  const state = stateNow(cluster)
  const users = usersByHost(state, policy)
  const counted = new Map([...users].slice(0, mostHosts))
  const hosts: HostCost[] = []
  for (const host of counted.keys()) {
    await nextTurn()
    hosts.push(costOnHost(state, policy, host))
  }
  return { key, rules: costOfRules(state, policy, counted), hosts, hostCount: users.size, limits }
}

/** Refused like the rule itself would be; nothing is stored. */
export async function ruleCost<Rendered, Inspected>(
  cluster: Cluster,
  kind: ObjectKind<RuleBody, Rendered, Inspected>,
  { key, body, limits }: { readonly key: string; readonly body: RuleBody; readonly limits: FlowLimits },
): Promise<RuleCostAnswer | Problem> {
  const decision = kind.put(cluster.view, key, body)
  if (isProblem(decision)) return decision
  const before = stateNow(cluster)
  const record = ruleFromBody(body)
  const after = withRule(before, key, record)
  const users = usersByHost(before, record)
  const hosts: HostChange[] = []
  for (const host of [...users.keys()].slice(0, mostHosts)) {
    await nextTurn()
    hosts.push(changeOnHost(before, after, host))
  }
  const rule = resolveRule(after, record)
  const [most = { groups: 1, ipv6: false }] = users.values()
  const flows = rule === undefined ? 0 : ruleSize(rule, most.groups, most.ipv6).flows
  return { key, hosts, hostCount: users.size, flows, limits }
}

/** The records as they are now: tables go on changing. */
function stateNow({ view, revision }: Cluster): ClusterState {
  return {
    ...view,
    revision,
    tenants: new Map(view.tenants),
    networks: new Map(view.networks),
    groups: new Map(view.groups),
    endpoints: new Map(view.endpoints),
    nodes: new Map(view.nodes),
    objects: { ...view.objects, rule: new Map(view.objects.rule) },
  }
}
