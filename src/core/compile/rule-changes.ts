// Lists of placed rules, by ascending key: of very many rules few change at a time, and who works on what changed need not look
// at the others.

import { placeOf } from '../../lib/sorted.ts'
import type { PlacedRule } from './node-policy.ts'

type Rules = readonly PlacedRule[]

/** Both by ascending key. */
export interface RuleChanges {
  readonly removed: Rules
  readonly added: Rules
}

/** What becomes of a list: keys that go, rules that come. */
export interface RuleEdit {
  readonly removed: ReadonlySet<string>
  readonly added: Rules
}

/** How a list came from another one, which is not kept alive by it. */
interface Origin {
  readonly before: WeakRef<Rules>
  readonly changes: RuleChanges
}

const origins = new WeakMap<Rules, Origin>()

/** From how many changes on a list is sorted anew. */
const many = 32

/** The keys that go are all there. */
export function editedRules(before: Rules, { removed, added }: RuleEdit): Rules {
  if (removed.size + added.length > many) {
    return [...before.filter(({ rule }) => !removed.has(rule.key)), ...added].sort(byKey)
  }
  const rules = [...before]
  const gone: PlacedRule[] = []
  for (const key of removed) gone.push(...rules.splice(placeOf(rules, key, keyOf), 1))
  for (const placed of added) rules.splice(placeOf(rules, placed.rule.key, keyOf), 0, placed)
  const changes = { removed: gone.sort(byKey), added: [...added].sort(byKey) }
  origins.set(rules, { before: new WeakRef(before), changes })
  return rules
}

/** What went and what came between two lists. Costs as much as that where one is known to be made of the other. */
export function ruleChanges(before: Rules, after: Rules): RuleChanges {
  if (before === after) return { removed: [], added: [] }
  const origin = origins.get(after)
  return origin?.before.deref() === before ? origin.changes : compared(before, after)
}

function compared(before: Rules, after: Rules): RuleChanges {
  const removed: PlacedRule[] = []
  const added: PlacedRule[] = []
  let at = 0
  for (const placed of after) {
    // Nearly all: not even their keys are looked at.
    if (before[at] === placed) {
      at++
      continue
    }
    const { key } = placed.rule
    for (let old = before[at]; old !== undefined && old.rule.key <= key && old !== placed; old = before[++at]) {
      removed.push(old)
    }
    if (before[at] === placed) at++
    else added.push(placed)
  }
  removed.push(...before.slice(at))
  return { removed, added }
}

function keyOf({ rule }: PlacedRule): string {
  return rule.key
}

function byKey(a: PlacedRule, b: PlacedRule): number {
  return a.rule.key < b.rule.key ? -1 : 1
}
