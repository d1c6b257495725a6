// The one writer of the cluster's state. A transaction is a pure decision on the newest state, including what is decided
// but not yet durable; decisions that are made while a commit is under way go together in the next one; each is answered
// when it is durable.
//
//   decide ─► speculative tables ─► batch ─► store.commit ─► committed tables ─► history ─► streams, answers
//
// Every commit also writes `meta/head` and expects it unchanged, so that of several masters on one store only one at a
// time can have decided on the newest state. The other reloads and decides again.

import type { Commit, Store, StoreSnapshot, StoreValue } from '../drivers/store/store.ts'
import { asNetpluginError, NetpluginError, raise } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Wakeup } from '../lib/wakeup.ts'
import { isProblem } from '../model/body.ts'
import type { Change } from '../model/state.ts'
import { Batch, type Entry } from './batch.ts'
import type { Decide } from './decision.ts'
import { History, type HistoryEntry } from './history.ts'
import { loadTables } from './load.ts'
import { decodeEntry, headKey } from './store-keys.ts'
import type { Tables, View } from './tables.ts'

export interface Outcome<R> {
  readonly result: R
  /** A node that has this revision knows of it. */
  readonly revision: number
}

export interface ClusterOptions {
  /** Changes kept in memory for streams that come back. */
  readonly historyLimit: number
}

export interface ClusterDeps {
  readonly store: Store
  readonly log: Log
}

/** How often a batch is decided anew after another writer was faster. */
const maxConflicts = 20

export class Cluster {
  readonly epoch: string
  readonly #store: Store
  readonly #log: Log
  readonly #history: History
  readonly #wakeup = new Wakeup()
  readonly #revisions = new Map<string, number>()
  #revision: number
  #committed: Tables
  #speculative: Tables
  #open = new Batch()
  #pumping: Promise<void> | undefined

  /** `snapshot`: what the store holds now. */
  constructor(options: ClusterOptions, deps: ClusterDeps, snapshot: StoreSnapshot) {
    this.#store = deps.store
    this.#log = deps.log
    this.epoch = snapshot.epoch
    this.#revision = snapshot.revision
    this.#history = new History({ limit: options.historyLimit, revision: snapshot.revision })
    this.#committed = this.#load(snapshot)
    this.#speculative = this.#committed.copy()
  }

  /**
   * Revision of the newest durable records: what nodes can reach. Commits that only change grants (reservations) are not
   * told to them and do not count.
   */
  get revision(): number {
    return this.#revision
  }

  /** The newest durable state; changes under you: read it without awaiting in between. */
  get view(): View {
    return this.#committed
  }

  /** All records at `revision`, for a snapshot. */
  records(): readonly Change[] {
    return this.#committed.records()
  }

  /** Changes after a revision that are still in memory; undefined when it lies too far back. */
  changesAfter(revision: number): readonly HistoryEntry[] | undefined {
    return this.#history.after(revision)
  }

  /** The revision from which memory knows every change. */
  get historyStart(): number {
    return this.#history.start
  }

  /** Resolves at the next change or when the signal aborts. */
  changed(signal: AbortSignal): Promise<void> {
    return this.#wakeup.wait(signal)
  }

  /** Throws the problem; otherwise resolves when everything the answer rests on is durable. */
  transact<R>(decide: Decide<R>): Promise<Outcome<R>> {
    return new Promise((resolve, reject) => {
      // Both callbacks know R; the batch handles entries of every R alike.
      const settle = (result: unknown, revision: number) => resolve({ result: result as R, revision })
      this.#decide({ decide, resolve: settle, reject })
    })
  }

  /**
   * Changes after a revision that memory no longer has, read from the store; undefined when the store has forgotten them
   * too, or when there are so many that a snapshot is cheaper.
   */
  async backlog(
    since: number,
    signal: AbortSignal,
  ): Promise<readonly { revision: number; changes: Change[] }[] | undefined> {
    const until = this.#history.start
    const found: { revision: number; changes: Change[] }[] = []
    let count = 0
    try {
      for await (const { revision, changes } of this.#store.watch(since, signal)) {
        if (revision > until) break
        const records = changes.flatMap(({ key, value }) => {
          const decoded = decodeEntry(key, value)
          return decoded.type === 'record' ? [decoded.change] : []
        })
        count += records.length
        if (count > this.#committed.endpoints.size + 10_000) return undefined
        // The last one is told even when it is empty: it brings the reader to the revision that memory starts from.
        if (records.length > 0 || revision === until) found.push({ revision, changes: records })
        if (revision === until) break
      }
    } catch (error) {
      if (error instanceof NetpluginError && error.code === 'COMPACTED') return undefined
      throw error
    }
    return found
  }

  /** Waits for what is under way and closes the store. */
  async close(): Promise<void> {
    while (this.#pumping !== undefined) await this.#pumping
    await this.#store.close()
  }

  #decide(entry: Entry): void {
    try {
      const decision = entry.decide(this.#speculative)
      if (isProblem(decision)) raise(decision)
      this.#speculative.apply(decision.records, decision.grants)
      if (decision.records.length === 0 && decision.grants.length === 0 && this.#pumping === undefined) {
        entry.resolve(decision.result, this.#revision)
        return
      }
      this.#open.add(entry, decision)
    } catch (error) {
      entry.reject(asNetpluginError(error))
      return
    }
    this.#pumping ??= this.#pump()
  }

  /** Commits batch after batch until nothing is left. */
  async #pump(): Promise<void> {
    // Everything that arrives in this turn of the event loop goes together.
    await new Promise((resolve) => setImmediate(resolve))
    while (this.#open.entries.length > 0) {
      const batch = this.#open
      this.#open = new Batch()
      try {
        await this.#commit(batch)
      } catch (error) {
        this.#fail(batch, asNetpluginError(error))
      }
    }
    // In the same step as the last look at the queue: whatever is added later starts a new pump.
    this.#pumping = undefined
  }

  async #commit(batch: Batch): Promise<void> {
    let current = batch
    for (let conflicts = 0; conflicts < maxConflicts; conflicts++) {
      if (current.writes.size === 0) {
        // Only answers that rested on an earlier commit, which is durable by now.
        for (const { entry, decision } of current.entries) entry.resolve(decision.result, this.#revision)
        return
      }
      const commit = this.#commitOf(current)
      const result = await this.#store.commit(commit)
      if (result.ok) {
        this.#accept(current, commit, result.revision)
        return
      }
      this.#log.warn('another writer was faster, deciding again', { key: result.conflict, revision: this.#revision })
      current = await this.#startOver(current)
    }
    const message = 'too many other writers change the cluster at the same time; try again'
    throw new NetpluginError('unavailable', 'TOO_MANY_CONFLICTS', message)
  }

  #commitOf(batch: Batch): Commit {
    const expect = [{ key: headKey, revision: this.#revisions.get(headKey) ?? 0 }]
    const put: { key: string; value: StoreValue }[] = [{ key: headKey, value: this.#revision }]
    const remove: string[] = []
    for (const [key, value] of batch.writes) {
      expect.push({ key, revision: this.#revisions.get(key) ?? 0 })
      if (value === null) remove.push(key)
      else put.push({ key, value })
    }
    return { expect, put, delete: remove }
  }

  #accept(batch: Batch, commit: Commit, revision: number): void {
    for (const { key } of commit.put) this.#revisions.set(key, revision)
    for (const key of commit.delete) this.#revisions.delete(key)
    const changes: Change[] = []
    for (const { decision } of batch.entries) {
      this.#committed.apply(decision.records, decision.grants)
      changes.push(...decision.records)
    }
    if (changes.length > 0) {
      this.#revision = revision
      this.#history.push(revision, changes)
      this.#wakeup.wake()
    }
    for (const { entry, decision } of batch.entries) entry.resolve(decision.result, this.#revision)
  }

  /** Nothing of the batch, nor of what was decided on top of it, has happened. */
  #fail(batch: Batch, error: NetpluginError): void {
    this.#log.error('commit failed', { code: error.code, error: error.message, transactions: batch.entries.length })
    const dropped = [...batch.entries, ...this.#open.entries]
    this.#open = new Batch()
    this.#speculative = this.#committed.copy()
    for (const { entry } of dropped) entry.reject(error)
  }

  /** Loads what others wrote and decides everything again; answers the new batch. */
  async #startOver(batch: Batch): Promise<Batch> {
    const snapshot = await this.#store.snapshot()
    this.#committed = this.#load(snapshot)
    this.#revision = snapshot.revision
    this.#history.reset(snapshot.revision)
    this.#wakeup.wake()
    const entries = [...batch.entries, ...this.#open.entries].map(({ entry }) => entry)
    this.#open = new Batch()
    this.#speculative = this.#committed.copy()
    for (const entry of entries) this.#decide(entry)
    const again = this.#open
    this.#open = new Batch()
    return again
  }

  #load(snapshot: StoreSnapshot): Tables {
    this.#revisions.clear()
    for (const { key, revision } of snapshot.entries) this.#revisions.set(key, revision)
    return loadTables(snapshot.entries)
  }
}
