// The rules of one level: same direction, priority and action, and so the same OpenFlow priority. A rule with several
// members in more than one dimension is a conjunction (ovs-fields(7)) where that takes fewer flows than writing out each
// combination. A flow that several rules share is there once, with a part of each.

import { hash53 } from '../../../lib/hash.ts'
import type { Action, Flow } from '../../../protocols/openflow/index.ts'
import type { PlacedRule, RuleLevel } from '../../compile/node-policy.ts'
import { flow, type Step } from '../flow.ts'
import { rulePriority } from '../priorities.ts'
import { product, type RuleMatch, ruleDimensions } from './rule-matches.ts'

type Part = Extract<Action, { type: 'conjunction' }>
type RuleStep = Step<'Egress' | 'Ingress'>

interface Clauses {
  readonly match: RuleMatch
  readonly parts: Part[]
}

/** An action list has 64 KiB, a part 16 bytes. */
const mostParts = 1_000

export function ruleFlows(level: RuleLevel): Flow[] {
  const table = level.direction === 'in' ? 'Ingress' : 'Egress'
  const at = rulePriority(level)
  const onward: RuleStep = level.direction === 'in' ? { goto: 'Commit' } : { goto: 'SourceOf' }
  const verdict = level.action === 'deny' ? [] : [onward]
  const whole = new Map<string, RuleMatch>()
  const shared = new Map<string, Clauses>()
  const ids = new Set<number>()
  for (const placed of level.rules) {
    const clauses = conjunction(placed, shared)
    if (clauses === undefined) {
      for (const match of everyCombination(placed)) whole.set(keyOf(match), match)
    } else {
      const id = freeId(level, placed.rule.key, ids)
      for (const [clause, members] of clauses.entries()) {
        const part: Part = { type: 'conjunction', id, clause, of: clauses.length }
        for (const match of members) share(shared, match, part)
      }
    }
  }
  const flows = [...whole.values()].map((match) => flow('policy', table, at, match, verdict))
  // Where a whole rule has the very match of a part, it decides all the part could: both have the same verdict.
  for (const [key, { match, parts }] of shared) if (!whole.has(key)) flows.push(flow('policy', table, at, match, parts))
  for (const id of ids) flows.push(flow('policy', table, at, { conj_id: id }, verdict))
  return flows
}

/** The clauses of a conjunction, where one is worth it and its flows have room for it. */
function conjunction(
  placed: PlacedRule,
  shared: ReadonlyMap<string, Clauses>,
): readonly (readonly RuleMatch[])[] | undefined {
  const dimensions = ruleDimensions(placed)
  const several = dimensions.filter((members) => members.length > 1)
  // What has one member only goes into every clause: fewer packets complete half of a conjunction.
  const single = dimensions.filter((members) => members.length === 1).reduce(product, [{}])
  const clauses = several.map((members) => product(members, single))
  if (clauses.length < 2 || dimensions.some((members) => members.length === 0)) return undefined
  const flows = clauses.reduce((sum, members) => sum + members.length, 1)
  if (everyCombination(placed).length <= flows) return undefined
  const isFull = (match: RuleMatch) => (shared.get(keyOf(match))?.parts.length ?? 0) >= mostParts
  return clauses.some((members) => members.some(isFull)) ? undefined : clauses
}

function everyCombination(placed: PlacedRule): RuleMatch[] {
  return ruleDimensions(placed).reduce<RuleMatch[]>((all, members) => product(all, members), [{}])
}

function share(shared: Map<string, Clauses>, match: RuleMatch, part: Part): void {
  const key = keyOf(match)
  const entry = shared.get(key)
  if (entry === undefined) shared.set(key, { match, parts: [part] })
  else entry.parts.push(part)
}

/** Two matches that select the same packets have the same key. */
function keyOf(match: RuleMatch): string {
  const names = Object.keys(match).sort() as (keyof RuleMatch)[]
  return names.map((name) => `${name}=${JSON.stringify(match[name])}`).join(' ')
}

const hashBits = 22

/** Of the level and the rule's key, so that a rule keeps its id whatever rules come and go; the next one free if taken. */
function freeId({ direction, ...level }: RuleLevel, key: string, taken: Set<number>): number {
  const isIn = direction === 'in' ? 1 : 0
  const base = (rulePriority(level) * 2 + isIn) * 2 ** hashBits
  let low = Number(hash53(key) % BigInt(2 ** hashBits))
  while (taken.has(base + low)) low = (low + 1) % 2 ** hashBits
  taken.add(base + low)
  return base + low
}
