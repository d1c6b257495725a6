// Tables with what is decided but not yet durable. Where there are other masters, what takes each decision back is kept: their
// commits come in between, and a copy of the tables of a large cluster takes half a second.

import type { Change, ChangeOf, ObjectName, RecordTypes } from '../model/state.ts'
import type { Applied } from './load.ts'
import type { Tables } from './tables.ts'

export class Speculation {
  readonly #isShared: boolean
  #tables: Tables
  /** What takes back each change that is not durable, in the order they were made. */
  #undo: Applied[] = []
  /** Commits of others that are not in the tables. */
  #missed: Applied[] = []

  constructor({ isShared }: { readonly isShared: boolean }, committed: Tables) {
    this.#isShared = isShared
    this.#tables = committed.copy()
  }

  get tables(): Tables {
    return this.#tables
  }

  /** Whether another master's commit is not in the tables. */
  get isOvertaken(): boolean {
    return this.#missed.length > 0
  }

  decide(change: Applied): void {
    if (this.#isShared) this.#undo.push(inverseOf(this.#tables, change))
    this.#tables.apply(change.records, change.grants)
  }

  /** The first changes that were not durable are. */
  committed(count: number): void {
    this.#undo.splice(0, count)
  }

  /** Another master's commit, to be taken with the next `catchUp`. */
  miss(commit: Applied): void {
    this.#missed.push(commit)
  }

  /** Takes back what is not durable, and takes what others committed; `committed` is what should come of it. */
  catchUp(committed: Tables): void {
    if (!this.#isShared) {
      this.restart(committed)
      return
    }
    for (const { records, grants } of this.#undo.toReversed()) this.#tables.apply(records, grants)
    for (const { records, grants } of this.#missed) this.#tables.apply(records, grants)
    this.#undo = []
    this.#missed = []
  }

  /** Begins anew with what is durable. */
  restart(committed: Tables): void {
    this.#tables = committed.copy()
    this.#undo = []
    this.#missed = []
  }
}

/** What takes a change back; to be asked before it is applied. */
export function inverseOf(tables: Tables, { records, grants }: Applied): Applied {
  const before = new Map<string, Change>()
  for (const change of records) {
    const name = `${change.kind}/${change.key}`
    if (!before.has(name)) before.set(name, recordAt(tables, change))
  }
  const owners = grants.map((grant) => {
    if (grant.kind === 'number') return { ...grant, owner: tables.numbers[grant.pool].ownerOf(grant.number) ?? null }
    const addresses = tables.networks.has(grant.network) ? tables.addresses(grant.network) : undefined
    return { ...grant, owner: addresses?.ownerOf(grant.address) ?? null }
  })
  return { records: [...before.values()].reverse(), grants: owners }
}

/** The record as it is, as a change. */
function recordAt(tables: Tables, { kind, key }: Change): Change {
  switch (kind) {
    case 'global':
      return { kind, key, value: tables.globalStored ? tables.global : null }
    case 'tenant':
      return { kind, key, value: tables.tenants.get(key) ?? null }
    case 'network':
      return { kind, key, value: tables.networks.get(key) ?? null }
    case 'group':
      return { kind, key, value: tables.groups.get(key) ?? null }
    case 'endpoint':
      return { kind, key, value: tables.endpoints.get(key) ?? null }
    case 'node':
      return { kind, key, value: tables.nodes.get(key) ?? null }
    default:
      return objectAt(tables, kind, key)
  }
}

function objectAt<K extends ObjectName>(tables: Tables, kind: K, key: string): ChangeOf<K> {
  const table: ReadonlyMap<string, RecordTypes[K]> = tables.objects[kind]
  return { kind, key, value: table.get(key) ?? null } as ChangeOf<K>
}
