// The one writer of the cluster's state. A transaction is a pure decision on the newest state, including what is decided
// but not yet durable; decisions that are made while a commit is under way go together in the next one; each is answered
// when it is durable.
//
//   decide ─► speculative tables ─► batch ─► store.commit ─► committed tables ─► history ─► streams, answers
//
// Every commit also writes `meta/head` and expects it unchanged, so that of several masters on one store only one at a
// time can have decided on the newest state. The others hear of its commit (follower.ts) and decide again.

import type { CommitResult, Store, StoreCommit, StoreEntry, StoreSnapshot } from '../drivers/store/store.ts'
import type { Clock } from '../lib/clock.ts'
import { asNetpluginError, NetpluginError, raise } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Wakeup } from '../lib/wakeup.ts'
import { isProblem } from '../model/body.ts'
import type { Change } from '../model/state.ts'
import { type Delta, readBacklog } from './backlog.ts'
import { Batch, changesOf, type Entry } from './batch.ts'
import type { Decide, Fence } from './decision.ts'
import { Follower } from './follower.ts'
import type { HistoryEntry } from './history.ts'
import { decodeChanges } from './load.ts'
import { Replica } from './replica.ts'
import { decodeHead, headKey } from './store-keys.ts'
import type { Tables, View } from './tables.ts'

export interface Outcome<R> {
  readonly result: R
  /** A node that has this revision knows of it. */
  readonly revision: number
}

export interface ClusterOptions {
  /** Changes kept in memory for streams that come back. */
  readonly historyLimit: number
  /** Other masters write to the store, too; left out: nobody does. */
  readonly isShared?: boolean
  /** Names this process among the writers of the store. */
  readonly writer: string
}

export interface ClusterDeps {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
}

/** How often a batch is decided anew after another writer was faster. */
const maxConflicts = 100

/** A commit whose answer is not here yet. */
interface Flight {
  readonly batch: Batch
  readonly by: string
  isAccepted: boolean
}

export class Cluster {
  readonly #options: ClusterOptions
  readonly #store: Store
  readonly #log: Log
  readonly #replica: Replica
  readonly #follower: Follower | undefined
  readonly #wakeup = new Wakeup()
  /** When `others` are. */
  readonly othersChanged = new Wakeup()
  #speculative: Tables
  /** Another writer's commit is not in the speculative tables. */
  #isOvertaken = false
  /** Asked meanwhile, and found to change nothing: to be decided again when it is. */
  #late: Entry[] = []
  #open = new Batch()
  #flight: Flight | undefined
  #commits = 0
  #pumping: Promise<void> | undefined

  /** `snapshot`: what the store holds now. */
  constructor(options: ClusterOptions, deps: ClusterDeps, snapshot: StoreSnapshot) {
    this.#options = options
    this.#store = deps.store
    this.#log = deps.log
    this.#replica = new Replica(options, snapshot)
    this.#speculative = this.#replica.tables.copy()
    if (options.isShared !== true) return
    this.#follower = new Follower(deps, this.#replica, {
      heard: (commit) => this.#heard(commit),
      reloaded: () => this.#overtaken(),
      turned: () => this.#wakeup.wake(),
    })
  }

  /** Of the store: revisions of another epoch cannot be compared with these. */
  get epoch(): string {
    return this.#replica.epoch
  }

  /**
   * Revision of the newest durable records: what nodes can reach. Commits that only change grants (reservations) are not
   * told to them and do not count.
   */
  get revision(): number {
    return this.#replica.revision
  }

  /** The newest durable state; changes under you: read it without awaiting in between. */
  get view(): View {
    return this.#replica.tables
  }

  /** Everything the store says is known up to this revision, which may be newer than that of the newest records. */
  get reached(): number {
    return this.#replica.reached
  }

  /** Whether the store has not been heard for a while, which others may have written to since. */
  get isCutOff(): boolean {
    return this.#follower?.isCutOff ?? false
  }

  /** Entries of the store that are not of the cluster's state, by key: who serves it, and who leads. */
  get others(): ReadonlyMap<string, StoreEntry> {
    return this.#replica.others
  }

  /** One of those, as it was just written here. */
  note({ key, value, revision }: StoreEntry): void {
    this.#replica.note({ revision, changes: [{ key, value }] })
    this.othersChanged.wake()
  }

  /** All records at `revision`, for a snapshot. */
  records(): readonly Change[] {
    return this.#replica.tables.records()
  }

  /** Changes after a revision that are still in memory; undefined when it lies too far back. */
  changesAfter(revision: number): readonly HistoryEntry[] | undefined {
    return this.#replica.history.after(revision)
  }

  /** The revision from which memory knows every change. */
  get historyStart(): number {
    return this.#replica.history.start
  }

  /** Resolves at the next change or when the signal aborts. */
  changed(signal: AbortSignal): Promise<void> {
    return this.#wakeup.wait(signal)
  }

  /**
   * Resolves when `view` holds whatever anybody was told was done before this was called, at whichever master. Throws
   * `unavailable` STORE_BEHIND when that cannot be said within two seconds.
   */
  async fresh(): Promise<void> {
    await this.#follower?.fresh()
  }

  /** Throws the problem; otherwise resolves when everything the answer rests on is durable. */
  transact<R>(decide: Decide<R>, fence?: Fence): Promise<Outcome<R>> {
    return new Promise((resolve, reject) => {
      // Both callbacks know R; the batch handles entries of every R alike.
      const settle = (result: unknown, revision: number) => resolve({ result: result as R, revision })
      this.#decide({ decide, fence, resolve: settle, reject, isFresh: this.#follower === undefined })
    })
  }

  /** Changes after a revision that memory no longer has, read from the store; see `readBacklog`. */
  backlog(since: number, signal: AbortSignal): Promise<readonly Delta[] | undefined> {
    const { historyStart: until, view } = this
    return readBacklog(this.#store, { since, until, limit: view.endpoints.size + 10_000 }, signal)
  }

  /** Waits for what is under way and closes the store. */
  async close(): Promise<void> {
    while (this.#pumping !== undefined) await this.#pumping
    await this.#follower?.stop()
    await this.#store.close()
  }

  #decide(entry: Entry): void {
    try {
      const decision = entry.decide(this.#speculative)
      const isChange = !isProblem(decision) && decision.records.length + decision.grants.length > 0
      // Changes are only taken by the store when they were decided on its newest state. For others we ask.
      if (!isChange && !entry.isFresh) {
        this.fresh().then(() => this.#decide({ ...entry, isFresh: true }), entry.reject)
        return
      }
      if (!isChange && this.#isOvertaken) {
        this.#late.push(entry)
        return
      }
      if (isProblem(decision)) raise(decision)
      this.#speculative.apply(decision.records, decision.grants)
      if (!isChange && this.#pumping === undefined) {
        entry.resolve(decision.result, this.revision)
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
    for (;;) {
      if (this.#isOvertaken) this.#decideAgain([])
      if (this.#open.entries.length === 0) break
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
        for (const { entry, decision } of current.entries) entry.resolve(decision.result, this.revision)
        return
      }
      const before = this.#replica.headRevision
      const result = await this.#send(current)
      if (result.ok) {
        for (const { entry, decision } of current.entries) entry.resolve(decision.result, this.revision)
        return
      }
      this.#log.debug('another writer was faster, deciding again', { key: result.conflict, revision: this.revision })
      const entries = current.fenced(result.conflict)
      if (this.#follower === undefined) this.#replica.load(await this.#store.snapshot())
      else if (result.conflict === headKey || entries.length === current.entries.length) {
        await this.#follower.passed(before)
      }
      current = this.#takeUp(entries)
    }
    const message = 'too many other writers change the cluster at the same time; try again'
    throw new NetpluginError('unavailable', 'TOO_MANY_CONFLICTS', message)
  }

  async #send(batch: Batch): Promise<CommitResult> {
    const by = `${this.#options.writer}/${++this.#commits}`
    const flight: Flight = { batch, by, isAccepted: false }
    const commit = batch.commit(by, this.#replica)
    this.#flight = flight
    try {
      const result = await this.#store.commit(commit)
      if (result.ok) this.#accept(flight, { revision: result.revision, changes: changesOf(commit) })
      return result
    } catch (error) {
      // The watch may have told what the answer would have.
      if (flight.isAccepted) return { ok: true, revision: this.reached }
      throw error
    } finally {
      this.#flight = undefined
    }
  }

  /** Our own commit is durable, as its answer or the watch says, whichever is first. */
  #accept(flight: Flight, commit: StoreCommit): void {
    flight.isAccepted = true
    if (commit.revision <= this.#replica.reached) return
    const decisions = flight.batch.entries.map(({ decision }) => decision)
    this.#replica.take(commit, decisions)
    this.#wakeup.wake()
    this.#follower?.moved()
  }

  /** The next commit, as the store tells it. */
  #heard(commit: StoreCommit): void {
    if (this.#replica.note(commit)) this.othersChanged.wake()
    if (commit.revision <= this.#replica.reached) return
    const head = commit.changes.find(({ key }) => key === headKey)
    if (head !== undefined && this.#flight?.by === decodeHead(head.value).by) {
      this.#accept(this.#flight, commit)
      return
    }
    const applied = decodeChanges(commit.changes)
    this.#replica.take(commit, [applied])
    if (head === undefined) return
    if (this.#pumping === undefined) this.#speculative.apply(applied.records, applied.grants)
    else this.#isOvertaken = true
    this.#wakeup.wake()
  }

  #overtaken(): void {
    this.#wakeup.wake()
    this.othersChanged.wake()
    if (this.#pumping !== undefined) this.#isOvertaken = true
    else this.#speculative = this.#replica.tables.copy()
  }

  /** Nothing of the batch, nor of what was decided on top of it, has happened; or nobody knows. */
  #fail(batch: Batch, error: NetpluginError): void {
    this.#log.error('commit failed', { code: error.code, error: error.message, transactions: batch.entries.length })
    const dropped = [...batch.entries, ...this.#open.entries]
    this.#open = new Batch()
    for (const { entry } of dropped) entry.reject(error)
    this.#decideAgain([])
  }

  /** Decides everything that waits again, these first; answers the new batch. */
  #takeUp(entries: readonly Entry[]): Batch {
    this.#decideAgain(entries)
    const again = this.#open
    this.#open = new Batch()
    return again
  }

  #decideAgain(first: readonly Entry[]): void {
    const entries = [...first, ...this.#open.entries.map(({ entry }) => entry), ...this.#late]
    this.#open = new Batch()
    this.#late = []
    this.#isOvertaken = false
    this.#speculative = this.#replica.tables.copy()
    for (const entry of entries) this.#decide(entry)
  }
}
