// Random policies: what is counted is what nodes render, and arithmetic never promises fewer flows than that.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { costOfRules, costOnHost, usersByHost } from '../../src/core/cost/policy-cost.ts'
import { isOf } from '../../src/core/pipeline/cookies.ts'
import { World } from '../../src/core/pipeline/simulate/world.ts'
import { withRules } from '../../src/core/policy/hypothetical.ts'
import type { ClusterState, PolicyRecord } from '../../src/model/state.ts'
import { RuleWeights } from '../../src/netmaster/rule-weights.ts'
import type { Flow } from '../../src/protocols/openflow/index.ts'
import { numberedHosts } from './arbitrary-cluster.ts'
import { clusterWithPolicies } from './arbitrary-policy.ts'

/** Priorities of rules, in the tables of rules. */
const isOfRule = ({ table, priority }: Flow) => [40, 46].includes(table) && priority >= 300 && priority < 600

/** Flows of policy on a node as its agent renders them. */
function rendered(state: ClusterState, node: string, isCounted: (flow: Flow) => boolean = () => true): number {
  const { flows } = new World({ state, hosts: numberedHosts(state) }).host(node)
  return [...flows.values()].flat().filter((flow) => isOf('policy', flow.cookie) && isCounted(flow)).length
}

const policies = ({ objects }: ClusterState): readonly PolicyRecord[] => [...objects.policy.values()]

test('flows are counted as nodes render them', () => {
  fc.assert(
    fc.property(clusterWithPolicies, (state) => {
      for (const policy of policies(state)) {
        const others = withRules(
          state,
          (rule) => rule.tenantName !== policy.tenantName || rule.policyName !== policy.policyName,
        )
        for (const host of usersByHost(state, policy).keys()) {
          const all = rendered(state, host)
          assert.deepEqual(costOnHost(state, policy, host), { host, policy: all - rendered(others, host), all })
        }
      }
    }),
    { numRuns: 40 },
  )
})

test('a rule by itself is never more flows than its size says, and seldom fewer', () => {
  let [sum, bound] = [0, 0]
  fc.assert(
    fc.property(clusterWithPolicies, (state) => {
      for (const policy of policies(state)) {
        const users = usersByHost(state, policy)
        for (const { key, hosts } of costOfRules(state, policy, users)) {
          const kept = state.objects.rule.get(key)
          for (const { host, flows } of hosts) {
            const none = rendered(
              withRules(state, () => false),
              host,
              isOfRule,
            )
            const alone = rendered(
              withRules(state, (rule) => rule === kept),
              host,
              isOfRule,
            )
            assert.ok(alone - none <= flows, `${key} on ${host}: ${alone - none}, at most ${flows}`)
            sum += alone - none
            bound += flows
          }
        }
      }
    }),
    { numRuns: 25 },
  )
  assert.ok(sum > 100 && bound < sum * 2, `${sum} flows, at most ${bound}`)
})

test('sums of weights do not depend on how the rules came', () => {
  fc.assert(
    fc.property(clusterWithPolicies, clusterWithPolicies, ({ networks, objects }, other) => {
      const [direct, roundabout] = [new RuleWeights(), new RuleWeights()]
      const put = (weights: RuleWeights, rules: typeof objects.rule, before?: typeof objects.rule) => {
        for (const [key, rule] of rules) weights.change(key, before?.get(key), rule, networks)
      }
      put(direct, objects.rule)
      put(roundabout, other.objects.rule)
      put(roundabout, objects.rule, other.objects.rule)
      for (const [key, rule] of other.objects.rule) {
        if (!objects.rule.has(key)) roundabout.change(key, rule, null, networks)
      }
      assert.deepEqual(roundabout.all, direct.all)
      for (const key of objects.policy.keys()) assert.deepEqual(roundabout.ofPolicy(key), direct.ofPolicy(key))
      assert.equal(direct.all.rules, objects.rule.size)
      for (const [key, rule] of objects.rule) direct.change(key, rule, null, networks)
      assert.deepEqual(direct.all, { rules: 0, ipv4: 0, dual: 0 })
    }),
  )
})
