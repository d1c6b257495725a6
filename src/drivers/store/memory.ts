// A store that lives and dies with the process: for tests, and for trying things out.

import { NetpluginError } from '../../lib/errors.ts'
import { Wakeup } from '../../lib/wakeup.ts'
import type {
  Commit,
  CommitResult,
  Store,
  StoreChange,
  StoreCommit,
  StoreDeps,
  StoreOptions,
  StoreSnapshot,
  StoreValue,
} from './store.ts'

export class MemoryStore implements Store {
  readonly #options: StoreOptions
  readonly #epoch: string
  readonly #entries = new Map<string, { readonly value: StoreValue; readonly revision: number }>()
  readonly #wakeup = new Wakeup()
  #history: StoreCommit[] = []
  #historyChanges = 0
  #compacted = 0
  #revision = 0
  #closed = false

  constructor(options: StoreOptions, deps: StoreDeps) {
    this.#options = options
    this.#epoch = deps.newEpoch()
  }

  async snapshot(): Promise<StoreSnapshot> {
    this.#check()
    const entries = [...this.#entries].map(([key, { value, revision }]) => ({ key, value, revision }))
    entries.sort((a, b) => (a.key < b.key ? -1 : 1))
    return { revision: this.#revision, epoch: this.#epoch, entries }
  }

  async commit(commit: Commit): Promise<CommitResult> {
    this.#check()
    for (const { key, revision } of commit.expect) {
      if ((this.#entries.get(key)?.revision ?? 0) !== revision) return { ok: false, conflict: key }
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
    this.#remember({ revision, changes })
    return { ok: true, revision }
  }

  async *watch(fromRevision: number, signal: AbortSignal): AsyncIterable<StoreCommit> {
    let from = fromRevision
    while (!signal.aborted) {
      this.#check()
      if (from < this.#compacted) throw compacted(from, this.#compacted)
      const next = this.#history.find((commit) => commit.revision > from)
      if (next === undefined) await this.#wakeup.wait(signal)
      else {
        from = next.revision
        yield next
      }
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#wakeup.wake()
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
    this.#wakeup.wake()
  }

  #check(): void {
    if (this.#closed) throw new NetpluginError('unavailable', 'STORE_CLOSED', 'the store is closed')
  }
}

export function compacted(from: number, kept: number): NetpluginError {
  return new NetpluginError(
    'conflict',
    'COMPACTED',
    `the store no longer keeps the changes after revision ${from}; the oldest kept follow revision ${kept}`,
    { details: { from, kept } },
  )
}
