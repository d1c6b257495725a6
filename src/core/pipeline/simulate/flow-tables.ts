// The lookup of an OpenFlow switch: the matching flow of highest priority, with Open vSwitch's conjunctive matches
// (ovs-fields(7), "Conjunctive match fields").

import {
  type Action,
  canonicalMatch,
  type FieldName,
  type Flow,
  fieldNamed,
  valueBits,
} from '../../../protocols/openflow/index.ts'
import type { Fields } from './packet.ts'

interface Condition {
  readonly field: FieldName
  readonly value: bigint
  readonly mask: bigint
}

type Clause = Extract<Action, { type: 'conjunction' }>

interface Entry {
  readonly flow: Flow
  readonly conditions: readonly Condition[]
  /** Not empty for a flow that only contributes to a conjunction. */
  readonly clauses: readonly Clause[]
}

export class FlowTables {
  /** Entries by table, highest priority first. */
  readonly #tables = new Map<number, Entry[]>()

  constructor(flows: Iterable<Flow>) {
    for (const flow of flows) {
      const entries = this.#tables.get(flow.table)
      if (entries === undefined) this.#tables.set(flow.table, [entryOf(flow)])
      else entries.push(entryOf(flow))
    }
    for (const entries of this.#tables.values()) entries.sort((a, b) => b.flow.priority - a.flow.priority)
  }

  /** The flow that decides, or undefined when none matches. */
  lookup(table: number, fields: Fields): Flow | undefined {
    const entries = this.#tables.get(table) ?? []
    let clauses: Clause[] = []
    let priority = Number.POSITIVE_INFINITY
    for (const { flow, conditions, clauses: more } of entries) {
      if (flow.priority < priority) {
        // Every flow of the last priority was seen: a conjunction they complete comes before what is below.
        const decided = this.#conjunctive(entries, clauses, fields)
        if (decided !== undefined) return decided
        clauses = []
        priority = flow.priority
      }
      if (!matches(conditions, fields)) continue
      if (more.length === 0) return flow
      clauses.push(...more)
    }
    return this.#conjunctive(entries, clauses, fields)
  }

  /** The flow for a completed conjunction: the whole table is searched again with its id, without other conjunctions. */
  #conjunctive(entries: readonly Entry[], clauses: readonly Clause[], fields: Fields): Flow | undefined {
    for (const id of completed(clauses)) {
      const again = new Map(fields).set('conj_id', BigInt(id))
      const entry = entries.find((candidate) => candidate.clauses.length === 0 && matches(candidate.conditions, again))
      if (entry !== undefined) return entry.flow
    }
    return undefined
  }
}

/** Ids of which every clause is there, lowest first. */
function completed(clauses: readonly Clause[]): number[] {
  const seen = new Map<number, { readonly of: number; readonly numbers: Set<number> }>()
  for (const { id, clause, of } of clauses) {
    const entry = seen.get(id) ?? { of, numbers: new Set<number>() }
    seen.set(id, entry)
    entry.numbers.add(clause)
  }
  const ids: number[] = []
  for (const [id, { of, numbers }] of seen) if (numbers.size === of) ids.push(id)
  return ids.sort((a, b) => a - b)
}

/** Flows do not change, and switches are made of the same ones again and again. */
const knownEntries = new WeakMap<Flow, Entry>()

function entryOf(flow: Flow): Entry {
  const known = knownEntries.get(flow)
  if (known !== undefined) return known
  const entry = newEntry(flow)
  knownEntries.set(flow, entry)
  return entry
}

function newEntry(flow: Flow): Entry {
  const conditions: Condition[] = []
  for (const [name, wanted] of Object.entries(canonicalMatch(flow.match))) {
    if (wanted === undefined) continue
    const field = fieldNamed(name)
    if (typeof wanted === 'object') {
      conditions.push({ field: field.name, value: valueBits(field, wanted.value), mask: valueBits(field, wanted.mask) })
    } else conditions.push({ field: field.name, value: valueBits(field, wanted), mask: field.ones })
  }
  return { flow, conditions, clauses: flow.actions.filter((action) => action.type === 'conjunction') }
}

function matches(conditions: readonly Condition[], fields: Fields): boolean {
  for (const { field, value, mask } of conditions) if (((fields.get(field) ?? 0n) & mask) !== value) return false
  return true
}
