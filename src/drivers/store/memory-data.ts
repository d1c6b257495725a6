// What memory stores of one process share: entries, history, leases.

import { NetpluginError } from '../../lib/errors.ts'
import { Wakeup } from '../../lib/wakeup.ts'
import { LocalLeases } from './local-leases.ts'
import type {
  Commit,
  CommitResult,
  StoreChange,
  StoreCommit,
  StoreEntry,
  StoreOptions,
  StoreSnapshot,
  StoreValue,
} from './store.ts'

export class MemoryData {
  readonly leases = new LocalLeases()
  readonly wakeup = new Wakeup()
  readonly #options: StoreOptions
  readonly #epoch: string
  readonly #entries = new Map<string, { readonly value: StoreValue; readonly revision: number }>()
  #history: StoreCommit[] = []
  #historyChanges = 0
  #compacted = 0
  #revision = 0

  constructor(options: StoreOptions, epoch: string) {
    this.#options = options
    this.#epoch = epoch
  }

  snapshot(): StoreSnapshot {
    const entries = [...this.#entries].map(([key, { value, revision }]) => ({ key, value, revision }))
    entries.sort((a, b) => (a.key < b.key ? -1 : 1))
    return { revision: this.#revision, epoch: this.#epoch, entries }
  }

  get(key: string): StoreEntry | undefined {
    const found = this.#entries.get(key)
    return found && { key, ...found }
  }

  commit(commit: Commit): CommitResult {
    for (const { lease } of commit.put) this.leases.check(lease)
    for (const { key, revision } of commit.expect) {
      if (!meets(this.#entries.get(key)?.revision ?? 0, revision)) return { ok: false, conflict: key }
    }
    const revision = ++this.#revision
    const changes: StoreChange[] = []
    for (const key of commit.delete) {
      if (this.#entries.delete(key)) changes.push({ key, value: null })
    }
    for (const { key, value } of commit.put) {
      // As a durable store would: what comes back shares nothing with what was given.
      const copy = structuredClone(value)
      this.#entries.set(key, { value: copy, revision })
      changes.push({ key, value: copy })
    }
    this.leases.follow(commit)
    this.#remember({ revision, changes })
    return { ok: true, revision }
  }

  /** The first commit after a revision; undefined: none yet. Throws COMPACTED. */
  after(revision: number): StoreCommit | undefined {
    if (revision < this.#compacted) throw compacted(revision, this.#compacted)
    let [low, high] = [0, this.#history.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#history[middle]?.revision ?? 0) > revision) high = middle
      else low = middle + 1
    }
    return this.#history[low]
  }

  endLease(id: string, why?: string): void {
    const keys = this.leases.take(id, why)
    if (keys.length > 0) this.commit({ expect: [], put: [], delete: keys })
  }

  #remember(commit: StoreCommit): void {
    this.#history.push(commit)
    this.#historyChanges += commit.changes.length
    let drop = 0
    while (this.#historyChanges > this.#options.historyLimit && drop < this.#history.length - 1) {
      const oldest = this.#history[drop++]
      this.#historyChanges -= oldest?.changes.length ?? 0
      this.#compacted = oldest?.revision ?? this.#compacted
    }
    if (drop > 0) this.#history = this.#history.slice(drop)
    this.wakeup.wake()
  }
}

/** Whether a key written at `actual` (0: not there) is as expected. */
export function meets(actual: number, expected: number): boolean {
  return expected === 0 ? actual === 0 : actual !== 0 && actual <= expected
}

export function compacted(from: number, kept: number): NetpluginError {
  return new NetpluginError(
    'conflict',
    'COMPACTED',
    `the store no longer keeps the changes after revision ${from}; the oldest kept follow revision ${kept}`,
    { details: { from, kept } },
  )
}
