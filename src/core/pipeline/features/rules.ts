// The flows of one level of rules: same direction, priority and action, and so the same OpenFlow priority. A flow that
// several rules share is there once, with a part of each.
//
// A level may have tens of thousands of rules of which one changes. What is in the flows is remembered, and only matches
// that a changed rule touches are made again. The flows depend on the rules that are there alone, never on how they came:
// where it matters which rule is first, it is the one with the smallest key.

import { placeOf } from '../../../lib/sorted.ts'
import type { Action, Flow } from '../../../protocols/openflow/index.ts'
import type { PlacedRule, RuleLevel } from '../../compile/node-policy.ts'
import { ruleChanges } from '../../compile/rule-changes.ts'
import { decidedBy } from '../fields.ts'
import { flow, type Step } from '../flow.ts'
import { levelNumber, rulePriority } from '../priorities.ts'
import { ruleNumber } from '../rule-number.ts'
import { ConjunctionIds, idBits } from './conjunction-ids.ts'
import { matchKey, type RuleForm, ruleForm } from './rule-form.ts'
import type { RuleMatch } from './rule-matches.ts'
import { Shards } from './shards.ts'

type Part = Extract<Action, { type: 'conjunction' }>
type RuleStep = Step<'Egress' | 'Ingress'>

/** An action list has 64 KiB, a part 16 bytes. A rule that finds no room in a flow it shares is written out. */
const roomForParts = 1_000

/** A rule that is in the flows. */
interface Standing {
  readonly placed: PlacedRule
  /** In how many matches it finds no room. */
  crowded: number
}

/** A match, and the rules that have it, by ascending key. */
interface Entry {
  /** Of the match. */
  readonly key: string
  readonly match: RuleMatch
  readonly whole: Standing[]
  /** Only the first of them find room. */
  readonly parts: Member[]
}

interface Member {
  readonly standing: Standing
  readonly clause: number
  readonly of: number
}

/** What an update has to make again. */
interface Touched {
  readonly entries: Set<Entry>
  readonly ids: Set<number>
}

const memberKey = ({ standing }: Member) => standing.placed.rule.key
const standingKey = ({ placed }: Standing) => placed.rule.key

/** All flows of a level. */
export function ruleFlows(level: RuleLevel): Flow[] {
  return [...new LevelFlows().update(level).values()].flat()
}

export class LevelFlows {
  readonly #room: number
  #rules: readonly PlacedRule[] = []
  readonly #standing = new Map<string, Standing>()
  readonly #entries = new Map<string, Entry>()
  readonly #ids = new ConjunctionIds()
  readonly #shards = new Shards()

  /** `room`: parts of conjunctions in one flow. */
  constructor({ room = roomForParts } = {}) {
    this.#room = room
  }

  /** Flows by owner; of the same level each time. The same arrays where nothing changed. */
  update(level: RuleLevel): ReadonlyMap<string, readonly Flow[]> {
    const { removed, added } = ruleChanges(this.#rules, level.rules)
    this.#rules = level.rules
    const touched: Touched = { entries: new Set(), ids: new Set() }
    const gone = removed.filter((placed) => this.#withdraw(placed, touched))
    const come = added.filter((placed) => this.#enter(placed, touched))
    for (const id of this.#ids.change(gone.map(keyOf), come.map(keyOf))) {
      touched.ids.add(id)
      const standing = this.#standing.get(this.#ids.ownerOf(id) ?? '')
      if (standing !== undefined) this.#touchClauses(standing, touched)
    }
    // Who keeps its id may have found room, or lost it.
    for (const placed of come) touched.ids.add(this.#ids.of(placed.rule.key) ?? 0)
    for (const entry of touched.entries) this.#shards.put(entry.key, this.#entryFlow(level, entry))
    for (const id of touched.ids) this.#shards.put(`conj_id=${id}`, this.#idFlow(level, id))
    return this.#shards.handOut(`policy ${level.name}`)
  }

  /** Answers whether the rule is a conjunction, if it finds room. */
  #enter(placed: PlacedRule, touched: Touched): boolean {
    const form = ruleForm(placed)
    const standing: Standing = { placed, crowded: 0 }
    const { key } = placed.rule
    this.#standing.set(key, standing)
    for (const [clause, matches] of form.clauses.entries()) {
      for (const match of matches) {
        const { parts } = this.#entry(match, touched)
        const at = placeOf(parts, key, memberKey)
        parts.splice(at, 0, { standing, clause, of: form.clauses.length })
        const outmost = parts[this.#room]
        if (outmost === undefined) continue
        if (at >= this.#room) standing.crowded++
        else if (outmost.standing.crowded++ === 0) this.#switch(outmost.standing, touched)
      }
    }
    if (form.clauses.length === 0 || standing.crowded > 0) this.#writeOut(standing, form, touched)
    return form.clauses.length > 0
  }

  /** Answers whether it was a conjunction. */
  #withdraw(placed: PlacedRule, touched: Touched): boolean {
    const form = ruleForm(placed)
    const { key } = placed.rule
    const standing = this.#standing.get(key)
    if (standing === undefined) return false
    this.#standing.delete(key)
    if (form.clauses.length === 0 || standing.crowded > 0) this.#takeBack(standing, form, touched)
    for (const match of form.clauses.flat()) {
      const { parts } = this.#entry(match, touched)
      const at = placeOf(parts, key, memberKey)
      parts.splice(at, 1)
      const admitted = at < this.#room ? parts[this.#room - 1] : undefined
      if (admitted !== undefined && --admitted.standing.crowded === 0) this.#switch(admitted.standing, touched)
    }
    return form.clauses.length > 0
  }

  /** A conjunction found room, or lost it. */
  #switch(standing: Standing, touched: Touched): void {
    const form = ruleForm(standing.placed)
    if (standing.crowded > 0) this.#writeOut(standing, form, touched)
    else this.#takeBack(standing, form, touched)
    this.#touchClauses(standing, touched)
    const id = this.#ids.of(standing.placed.rule.key)
    if (id !== undefined) touched.ids.add(id)
  }

  #writeOut(standing: Standing, form: RuleForm, touched: Touched): void {
    for (const match of form.combinations()) {
      const { whole } = this.#entry(match, touched)
      if (!whole.includes(standing)) whole.splice(placeOf(whole, standingKey(standing), standingKey), 0, standing)
    }
  }

  #takeBack(standing: Standing, form: RuleForm, touched: Touched): void {
    for (const match of form.combinations()) {
      const { whole } = this.#entry(match, touched)
      const at = whole.indexOf(standing)
      if (at >= 0) whole.splice(at, 1)
    }
  }

  #touchClauses({ placed }: Standing, touched: Touched): void {
    for (const match of ruleForm(placed).clauses.flat()) this.#entry(match, touched)
  }

  #entry(match: RuleMatch, touched: Touched): Entry {
    const key = matchKey(match)
    let entry = this.#entries.get(key)
    if (entry === undefined) {
      entry = { key, match, whole: [], parts: [] }
      this.#entries.set(key, entry)
    }
    touched.entries.add(entry)
    return entry
  }

  /** Where a whole rule has the very match of a part, it decides all the part could: both have the same verdict. */
  #entryFlow(level: RuleLevel, entry: Entry): Flow | undefined {
    const { match, whole, parts } = entry
    const [decisive] = whole
    if (decisive !== undefined) return levelFlow(level, match, verdict(level, decisive.placed))
    if (parts.length === 0) this.#entries.delete(entry.key)
    const inForce = parts.filter(({ standing }) => standing.crowded === 0)
    const steps = inForce.map(({ standing, clause, of }): Part => {
      return { type: 'conjunction', id: conjunctionId(level, this.#ids.of(standing.placed.rule.key)), clause, of }
    })
    return steps.length === 0 ? undefined : levelFlow(level, match, steps)
  }

  #idFlow(level: RuleLevel, id: number): Flow | undefined {
    const standing = this.#standing.get(this.#ids.ownerOf(id) ?? '')
    if (standing === undefined || standing.crowded > 0) return undefined
    return levelFlow(level, { conj_id: conjunctionId(level, id) }, verdict(level, standing.placed))
  }
}

function keyOf({ rule }: PlacedRule): string {
  return rule.key
}

function levelFlow(level: RuleLevel, match: RuleMatch, steps: readonly RuleStep[]): Flow {
  return flow('policy', level.direction === 'in' ? 'Ingress' : 'Egress', rulePriority(level), match, steps)
}

/** What a packet meets that a rule of the level decides about. */
function verdict({ direction, action, cuts, logs }: RuleLevel, { rule }: PlacedRule): readonly RuleStep[] {
  const decided = { type: 'set_field', field: decidedBy[direction], value: ruleNumber(rule.key) } as const
  if (action === 'allow') return [decided, direction === 'in' ? { goto: 'Commit' } : { goto: 'SourceOf' }]
  const denied = direction === 'in' ? ({ goto: 'IngressDenied' } as const) : ({ goto: 'EgressDenied' } as const)
  // A packet meets one denial that counts: nothing need be taken back.
  const wanted = { ...(cuts ? { Cut: 1 } : {}), ...(logs ? { Log: 1 } : {}) }
  return [decided, ...(cuts || logs ? [{ set: wanted }] : []), denied]
}

/** Ids of different levels differ: a table has those of all its levels. */
function conjunctionId(level: RuleLevel, id = 0): number {
  return levelNumber(level) * 2 ** idBits + id
}
