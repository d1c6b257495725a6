// The cluster's state, as everybody else sees it: what is durable, what changed lately, and transactions, which writer.ts
// decides. Where other masters use the store, what they do is in it as soon as the store tells (follower.ts).

import type { Store, StoreEntry, StoreSnapshot } from '../drivers/store/store.ts'
import type { Clock } from '../lib/clock.ts'
import type { Log } from '../lib/log.ts'
import { Wakeup } from '../lib/wakeup.ts'
import type { Change } from '../model/state.ts'
import { type Delta, readBacklog } from './backlog.ts'
import type { Decide, Fence } from './decision.ts'
import { Follower } from './follower.ts'
import type { HistoryEntry } from './history.ts'
import { Replica } from './replica.ts'
import type { View } from './tables.ts'
import { Writer } from './writer.ts'

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

export class Cluster {
  readonly #store: Store
  readonly #replica: Replica
  readonly #writer: Writer
  readonly #follower: Follower | undefined
  readonly #wakeup = new Wakeup()
  /** When `others` are. */
  readonly othersChanged = new Wakeup()

  /** `snapshot`: what the store holds now. */
  constructor({ historyLimit, isShared = false, writer }: ClusterOptions, deps: ClusterDeps, snapshot: StoreSnapshot) {
    const { store, log } = deps
    const replica = new Replica({ historyLimit }, snapshot)
    this.#store = store
    this.#replica = replica
    this.#writer = new Writer({ isShared, writer }, { store, replica, log, changed: () => this.#wakeup.wake() })
    if (!isShared) return
    this.#follower = new Follower(deps, replica, {
      heard: (commit) => {
        if (replica.note(commit)) this.othersChanged.wake()
        this.#writer.heard(commit)
      },
      reloaded: () => {
        this.othersChanged.wake()
        this.#writer.reloaded()
      },
      turned: () => this.#wakeup.wake(),
    })
    this.#writer.follow(this.#follower)
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

  /** The same, but no longer than `ms`. */
  changedWithin(ms: number, deps: { readonly clock: Clock }, signal: AbortSignal): Promise<void> {
    return this.#wakeup.waitAtMost(ms, deps, signal)
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
      this.#writer.decide({ decide, fence, resolve: settle, reject, isFresh: this.#follower === undefined })
    })
  }

  /** Changes after a revision that memory no longer has, read from the store; see `readBacklog`. */
  backlog(since: number, signal: AbortSignal): Promise<readonly Delta[] | undefined> {
    const { historyStart: until, view } = this
    return readBacklog(this.#store, { since, until, limit: view.endpoints.size + 10_000 }, signal)
  }

  /** Waits for what is under way and closes the store. */
  async close(): Promise<void> {
    await this.#writer.settled()
    await this.#follower?.stop()
    await this.#store.close()
  }
}
