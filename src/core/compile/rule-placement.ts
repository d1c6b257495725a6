// The rules that a node enforces, by level. One changed rule of many costs a look at the rules that are there and a copy of
// the list of its level; the result is that of placing all of them anew.

import { isDeepStrictEqual } from 'node:util'
import { mapChanges } from '../../lib/map-changes.ts'
import { sameItems } from '../../lib/same.ts'
import { policyKey } from '../../model/policy.ts'
import type { ClusterState, RuleRecord } from '../../model/state.ts'
import { type PolicyRule, resolveRule, severity } from '../policy/rule.ts'
import type { PlacedRule, PolicyGroup, RuleLevel } from './node-policy.ts'
import { editedRules } from './rule-changes.ts'

/** Groups by the key of a policy that they have, by ascending id. */
export type PolicyUsers = ReadonlyMap<string, readonly PolicyGroup[]>

/** What becomes of one level. */
interface Edit {
  readonly removed: Set<string>
  readonly added: PlacedRule[]
}

export class RulePlacement {
  #users: PolicyUsers = new Map()
  #groups: ClusterState['groups'] | undefined
  #networks: ClusterState['networks'] | undefined
  #rules: ClusterState['objects']['rule'] = new Map()
  readonly #placed = new Map<string, PlacedRule>()
  #levels: readonly RuleLevel[] = []

  /** In the order in which they decide. `users`: the same object while no group and no policy of one changed. */
  place(state: ClusterState, users: PolicyUsers): readonly RuleLevel[] {
    const { groups, networks, objects } = state
    const edits = new Map<string, Edit>()
    if (this.#groups === groups && this.#networks === networks && this.#users === users) {
      for (const { key, before, after } of mapChanges(this.#rules, objects.rule)) {
        this.#replace(key, after && this.#resolve(state, users, after, before), edits)
      }
    } else {
      for (const key of this.#placed.keys()) if (!objects.rule.has(key)) this.#replace(key, undefined, edits)
      for (const [key, record] of objects.rule) {
        this.#replace(key, this.#resolve(state, users, record, this.#rules.get(key)), edits)
      }
    }
    this.#users = users
    this.#groups = groups
    this.#networks = networks
    this.#rules = objects.rule
    if (edits.size > 0) this.#levels = edited(this.#levels, edits)
    return this.#levels
  }

  /** The object that was there where it says the same. undefined: no group here has it, or it names what is not there. */
  #resolve(
    state: ClusterState,
    users: PolicyUsers,
    record: RuleRecord,
    before: RuleRecord | undefined,
  ): PlacedRule | undefined {
    const groups = users.get(policyKey(record.tenantName, record.policyName))
    const rule = groups === undefined ? undefined : resolveRule(state, record)
    if (groups === undefined || rule === undefined) return undefined
    const last = this.#placed.get(rule.key)
    const same =
      last !== undefined && record === before && sameItems(last.groups, groups) && sameRemote(last.rule, rule)
    return same ? last : { rule, groups }
  }

  #replace(key: string, placed: PlacedRule | undefined, edits: Map<string, Edit>): void {
    const last = this.#placed.get(key)
    if (last === placed) return
    if (last !== undefined) editOf(edits, last).removed.add(key)
    if (placed === undefined) this.#placed.delete(key)
    else {
      this.#placed.set(key, placed)
      editOf(edits, placed).added.push(placed)
    }
  }
}

function editOf(edits: Map<string, Edit>, { rule }: PlacedRule): Edit {
  const name = levelName(rule)
  const known = edits.get(name)
  if (known !== undefined) return known
  const edit: Edit = { removed: new Set(), added: [] }
  edits.set(name, edit)
  return edit
}

function levelName({ direction, priority, action, cuts, logs }: PolicyRule): string {
  return `${direction} ${priority} ${action}${cuts ? ' cut' : ''}${logs ? ' log' : ''}`
}

function edited(before: readonly RuleLevel[], edits: ReadonlyMap<string, Edit>): readonly RuleLevel[] {
  const levels = new Map(before.map((level) => [level.name, level]))
  for (const [name, edit] of edits) {
    const last = levels.get(name)
    const rules = editedRules(last?.rules ?? [], edit)
    const [first] = rules
    if (first === undefined) levels.delete(name)
    else {
      const { direction, priority, action, cuts, logs } = first.rule
      levels.set(name, { name, direction, priority, action, cuts, logs, rules })
    }
  }
  return [...levels.values()].sort(compareLevels)
}

function compareLevels(a: RuleLevel, b: RuleLevel): number {
  if (a.priority !== b.priority) return b.priority - a.priority
  if (severity(a) !== severity(b)) return severity(b) - severity(a)
  return a.direction < b.direction ? -1 : 1
}

/** Whether what the rule names is still what it was; all else is in its record. */
function sameRemote(a: PolicyRule, b: PolicyRule): boolean {
  return a.remote.groupId === b.remote.groupId && isDeepStrictEqual(a.remote.addresses, b.remote.addresses)
}
