// The one writer of the cluster's state. A transaction is a pure decision on the newest state, including what is decided
// but not yet durable; decisions that are made while a commit is under way go together in the next one; each is answered
// when it is durable.
//
//   decide ─► speculative tables ─► batch ─► store.commit ─► committed tables ─► history ─► streams, answers
//
// Every commit also writes `meta/head` and expects it unchanged, so that of several masters on one store only one at a
// time can have decided on the newest state. The others hear of its commit (follower.ts) and decide again.

import type { CommitResult, Store, StoreCommit } from '../drivers/store/store.ts'
import { asNetpluginError, NetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { isProblem } from '../model/body.ts'
import { answer, Batch, changesOf, type Entry } from './batch.ts'
import type { Follower } from './follower.ts'
import { decodeChanges } from './load.ts'
import type { Replica } from './replica.ts'
import { Speculation } from './speculation.ts'
import { decodeHead, headKey } from './store-keys.ts'

export interface WriterOptions {
  /** Other masters write to the store, too. */
  readonly isShared: boolean
  /** Names this process among the writers of the store. */
  readonly writer: string
}

interface Deps {
  readonly store: Store
  readonly replica: Replica
  readonly log: Log
  /** Told when the durable state has changed. */
  readonly changed: () => void
}

/** How often a batch is decided anew after another writer was faster. */
const maxConflicts = 100

/** A commit whose answer is not here yet. */
interface Flight {
  readonly batch: Batch
  readonly by: string
  isAccepted: boolean
}

export class Writer {
  readonly #options: WriterOptions
  readonly #store: Store
  readonly #replica: Replica
  readonly #log: Log
  readonly #changed: () => void
  readonly #speculation: Speculation
  #follower: Follower | undefined
  /** The state was loaded again: nothing that was decided rests on it. */
  #isReloaded = false
  /** Asked meanwhile, and found to change nothing: to be decided again when what was decided rests on the newest state. */
  #late: Entry[] = []
  #open = new Batch()
  #flight: Flight | undefined
  #commits = 0
  #pumping: Promise<void> | undefined

  constructor(options: WriterOptions, { store, replica, log, changed }: Deps) {
    this.#options = options
    this.#store = store
    this.#replica = replica
    this.#log = log
    this.#changed = changed
    this.#speculation = new Speculation(options, replica.tables)
  }

  /** Hears of other masters' commits by it from now on. */
  follow(follower: Follower): void {
    this.#follower = follower
  }

  /** Resolves when nothing is under way. */
  async settled(): Promise<void> {
    while (this.#pumping !== undefined) await this.#pumping
  }

  /** Decides, and settles the entry when its answer is durable. */
  decide(entry: Entry): void {
    try {
      const decision = entry.decide(this.#speculation.tables)
      const isChange = !isProblem(decision) && decision.records.length + decision.grants.length > 0
      // Changes are only taken by the store when they were decided on its newest state. For others we ask.
      if (!isChange && !entry.isFresh) {
        const fresh = this.#follower?.fresh() ?? Promise.resolve()
        fresh.then(() => this.decide({ ...entry, isFresh: true }), entry.reject)
        return
      }
      if (!isChange && this.#isOvertaken) {
        this.#late.push(entry)
        return
      }
      if (!isChange && this.#pumping === undefined) {
        answer({ entry, decision }, this.#replica.revision)
        return
      }
      if (isChange) this.#speculation.decide(decision)
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
      await this.#commit(batch)
    }
    // In the same step as the last look at the queue: whatever is added later starts a new pump.
    this.#pumping = undefined
  }

  /** Settles the entries of the batch, and those that join it while it is decided again. */
  async #commit(batch: Batch): Promise<void> {
    const held = { current: batch }
    try {
      await this.#commitAtLast(held)
    } catch (error) {
      this.#fail(held.current, asNetpluginError(error))
    }
  }

  async #commitAtLast(held: { current: Batch }): Promise<void> {
    for (let conflicts = 0; conflicts < maxConflicts; conflicts++) {
      const { current } = held
      if (current.writes.size === 0) {
        // Only answers that rested on an earlier commit, which is durable by now.
        for (const decided of current.entries) answer(decided, this.#replica.revision)
        return
      }
      const before = this.#replica.headRevision
      const result = await this.#send(current)
      if (result.ok) {
        for (const decided of current.entries) answer(decided, this.#replica.revision)
        return
      }
      this.#log.debug('another writer was faster, deciding again', {
        key: result.conflict,
        revision: this.#replica.revision,
      })
      const entries = current.fenced(result.conflict)
      if (this.#follower === undefined) this.#replica.load(await this.#store.snapshot())
      else if (result.conflict === headKey || entries.length === current.entries.length) {
        await this.#follower.passed(before)
      }
      held.current = this.#takeUp(entries)
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
      if (flight.isAccepted) return { ok: true, revision: this.#replica.reached }
      throw error
    } finally {
      this.#flight = undefined
    }
  }

  /** Our own commit is durable, as its answer or the watch says, whichever is first. */
  #accept(flight: Flight, commit: StoreCommit): void {
    if (!flight.isAccepted) this.#speculation.committed(flight.batch.changes)
    flight.isAccepted = true
    if (commit.revision <= this.#replica.reached) return
    const decisions = flight.batch.entries.flatMap(({ decision }) => (isProblem(decision) ? [] : decision))
    this.#replica.take(commit, decisions)
    this.#changed()
    this.#follower?.moved()
  }

  /** The next commit, as the store tells it. */
  heard(commit: StoreCommit): void {
    if (commit.revision <= this.#replica.reached) return
    const head = commit.changes.find(({ key }) => key === headKey)
    if (head !== undefined && this.#flight?.by === decodeHead(head.value).by) {
      this.#accept(this.#flight, commit)
      return
    }
    const applied = decodeChanges(commit.changes)
    this.#replica.take(commit, [applied])
    if (head === undefined) return
    this.#speculation.miss(applied)
    if (this.#pumping === undefined) this.#speculation.catchUp(this.#replica.tables)
    this.#changed()
  }

  reloaded(): void {
    this.#changed()
    if (this.#pumping !== undefined) this.#isReloaded = true
    else this.#speculation.restart(this.#replica.tables)
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
    this.#takeBack()
    for (const entry of entries) this.decide(entry)
  }

  /** Whether what was decided does not rest on the newest state. */
  get #isOvertaken(): boolean {
    return this.#isReloaded || this.#speculation.isOvertaken
  }

  /** Leaves what is durable. */
  #takeBack(): void {
    if (this.#isReloaded) this.#speculation.restart(this.#replica.tables)
    else this.#speculation.catchUp(this.#replica.tables)
    this.#isReloaded = false
  }
}
