// How many flows the rules of each policy are at most on a host with one group that has it: kept while rules come and go,
// so that a new one can be judged without looking at the others.

import { ruleSize } from '../core/cost/rule-size.ts'
import { resolveRule } from '../core/policy/rule.ts'
import { policyKey } from '../model/policy.ts'
import type { ClusterState, RuleRecord } from '../model/state.ts'

export interface PolicyWeight {
  readonly rules: number
  /** Flows of all of them where groups have IPv4 only, and where they have both. */
  readonly ipv4: number
  readonly dual: number
}

const nothing: PolicyWeight = { rules: 0, ipv4: 0, dual: 0 }

export class RuleWeights {
  readonly #byRule = new Map<string, PolicyWeight>()
  readonly #byPolicy = new Map<string, PolicyWeight>()
  #all = nothing

  /** Of all policies together. */
  get all(): PolicyWeight {
    return this.#all
  }

  ofPolicy(key: string): PolicyWeight {
    return this.#byPolicy.get(key) ?? nothing
  }

  ofRule(key: string): PolicyWeight {
    return this.#byRule.get(key) ?? nothing
  }

  /** `old`, `rule`: the record that goes and the one that comes. */
  change(key: string, old: RuleRecord | undefined, rule: RuleRecord | null, networks: ClusterState['networks']): void {
    if (old !== undefined) {
      this.#add(old, this.ofRule(key), -1)
      this.#byRule.delete(key)
    }
    if (rule === null) return
    const weight = weightOf(rule, networks)
    this.#byRule.set(key, weight)
    this.#add(rule, weight, 1)
  }

  #add({ tenantName, policyName }: RuleRecord, weight: PolicyWeight, sign: 1 | -1): void {
    const key = policyKey(tenantName, policyName)
    const sum = plus(this.ofPolicy(key), weight, sign)
    if (sum.rules === 0) this.#byPolicy.delete(key)
    else this.#byPolicy.set(key, sum)
    this.#all = plus(this.#all, weight, sign)
  }
}

function plus(a: PolicyWeight, b: PolicyWeight, sign: 1 | -1): PolicyWeight {
  return { rules: a.rules + sign * b.rules, ipv4: a.ipv4 + sign * b.ipv4, dual: a.dual + sign * b.dual }
}

function weightOf(record: RuleRecord, networks: ClusterState['networks']): PolicyWeight {
  // The other side's group is one field of a match: which one it is, or whether it is known yet, is no flow more or less.
  const rule = resolveRule({ networks, groups: new Map() }, { ...record, fromEndpointGroup: '', toEndpointGroup: '' })
  if (rule === undefined) return nothing
  return { rules: 1, ipv4: ruleSize(rule, 1, false).flows, dual: ruleSize(rule, 1, true).flows }
}
