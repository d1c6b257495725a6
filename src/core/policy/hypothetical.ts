// The cluster as it would be with other rules.

import type { ClusterState, RuleRecord } from '../../model/state.ts'

/** With a rule in the place of what has its key; undefined: without it. */
export function withRule(state: ClusterState, key: string, rule: RuleRecord | undefined): ClusterState {
  const rules = new Map(state.objects.rule)
  if (rule === undefined) rules.delete(key)
  else rules.set(key, rule)
  return { ...state, objects: { ...state.objects, rule: rules } }
}

/** With those rules only that are chosen. */
export function withRules(state: ClusterState, isKept: (rule: RuleRecord) => boolean): ClusterState {
  const rules = [...state.objects.rule].filter(([, rule]) => isKept(rule))
  return { ...state, objects: { ...state.objects, rule: new Map(rules) } }
}
