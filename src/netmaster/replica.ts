// What is durable, in memory: tables, the revision of every key, and the latest changes. Kept up commit by commit, in order,
// whoever made them; or loaded anew from a snapshot.

import type { StoreCommit, StoreEntry, StoreSnapshot } from '../drivers/store/store.ts'
import type { Change } from '../model/state.ts'
import { History } from './history.ts'
import { type Applied, decodeChanges, loadTables } from './load.ts'
import { decodeHead, headKey } from './store-keys.ts'
import type { Tables } from './tables.ts'

export class Replica {
  readonly history: History
  readonly #revisions = new Map<string, number>()
  /** Entries that are not of the cluster's state: who is there. */
  readonly #others = new Map<string, StoreEntry>()
  #epoch = ''
  #tables: Tables
  #revision = 0
  #reached = 0

  constructor(options: { readonly historyLimit: number }, snapshot: StoreSnapshot) {
    this.history = new History({ limit: options.historyLimit, revision: 0 })
    this.#tables = this.load(snapshot)
  }

  get epoch(): string {
    return this.#epoch
  }

  get tables(): Tables {
    return this.#tables
  }

  /** Of the newest commit that changed records. */
  get revision(): number {
    return this.#revision
  }

  /** Everything up to this revision of the store is in the tables. */
  get reached(): number {
    return this.#reached
  }

  /** Of the newest commit that changed records or grants. */
  get headRevision(): number {
    return this.revisionOf(headKey)
  }

  get others(): ReadonlyMap<string, StoreEntry> {
    return this.#others
  }

  /** Takes what a commit says of other things, whether or not its records are known; answers whether it does. */
  note({ revision, changes }: StoreCommit): boolean {
    let isNews = false
    for (const { key, value } of changes) {
      if (!isOther(key) || revision < (this.#others.get(key)?.revision ?? 0)) continue
      isNews = true
      if (value === null) this.#others.delete(key)
      else this.#others.set(key, { key, value, revision })
    }
    return isNews
  }

  /** When a key was written last; 0: it is not there. */
  revisionOf(key: string): number {
    return this.#revisions.get(key) ?? 0
  }

  /** Starts over from a snapshot: readers of the history have to, too. */
  load(snapshot: StoreSnapshot): Tables {
    this.#revisions.clear()
    for (const { key, revision } of snapshot.entries) this.#revisions.set(key, revision)
    this.#others.clear()
    for (const entry of snapshot.entries) if (isOther(entry.key)) this.#others.set(entry.key, entry)
    const head = snapshot.entries.find(({ key }) => key === headKey)
    this.#epoch = snapshot.epoch
    this.#reached = snapshot.revision
    this.#revision = head === undefined ? 0 : (decodeHead(head.value).records ?? head.revision)
    this.history.reset(this.#revision)
    this.#tables = loadTables(snapshot.entries)
    return this.#tables
  }

  /** Takes the next commit; `applied` says what it means to the tables, in order. */
  take({ revision, changes }: StoreCommit, applied: readonly Applied[] = [decodeChanges(changes)]): void {
    this.#reached = revision
    for (const { key, value } of changes) {
      if (value === null) this.#revisions.delete(key)
      else this.#revisions.set(key, revision)
    }
    const told: Change[] = []
    for (const { records, grants } of applied) {
      this.#tables.apply(records, grants)
      told.push(...records)
    }
    // As the writer counts: what it made and took back at once is in no change that is told, and a store may tell several
    // commits as one.
    const head = changes.find(({ key }) => key === headKey)
    const newest = head === undefined ? this.#revision : (decodeHead(head.value).records ?? revision)
    if (newest <= this.#revision && told.length === 0) return
    this.#revision = Math.max(newest, this.#revision + 1)
    this.history.push(this.#revision, told)
  }
}

function isOther(key: string): boolean {
  return key.startsWith('service/') || key.startsWith('lock/')
}
