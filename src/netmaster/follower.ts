// How a master keeps up with the others on its store: it watches the store, and asks it before it says that it knows
// everything. What it knows is never older than what it says about itself.

import type { Store, StoreCommit } from '../drivers/store/store.ts'
import { Backoff } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { asNetpluginError, NetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Tasks } from '../lib/tasks.ts'
import { Wakeup } from '../lib/wakeup.ts'
import type { Replica } from './replica.ts'
import { headKey } from './store-keys.ts'

interface Deps {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
}

interface Listener {
  /** In order; those that are known already, too. */
  readonly heard: (commit: StoreCommit) => void
  /** The replica was loaded from a snapshot: there was a gap, or the store is another one. */
  readonly reloaded: () => void
  /** `isCutOff` is another. */
  readonly turned: () => void
}

/** How long the store may take to say what is newest, and the watch to bring it. */
const patienceMs = 2_000
/** How often the store is asked although nobody wants to know. */
const lookMs = 1_000

export class Follower {
  readonly #deps: Deps
  readonly #replica: Replica
  readonly #listener: Listener
  readonly #stopping = new AbortController()
  readonly #tasks: Tasks
  readonly #moved = new Wakeup()
  /** The question that is under way, and the next one, which everybody gets who asks meanwhile. */
  #asking: Promise<number> | undefined
  #next: Promise<number> | undefined
  #isCutOff = false
  #watching = new AbortController()

  constructor(deps: Deps, replica: Replica, listener: Listener) {
    this.#deps = deps
    this.#replica = replica
    this.#listener = listener
    this.#tasks = new Tasks({ log: deps.log })
    this.#tasks.spawn('follow the store', () => this.#follow(this.#stopping.signal))
    this.#tasks.spawn('ask the store', () => this.#keepAsking(this.#stopping.signal))
  }

  /** The store could not say what is newest, or did not tell it, when that was last looked for. */
  get isCutOff(): boolean {
    return this.#isCutOff
  }

  /** Resolves when the replica holds every commit that was answered before the call. */
  async fresh(): Promise<void> {
    const head = await this.#head()
    await this.#until(() => this.#replica.headRevision >= head, 'the newest changes')
  }

  /** Resolves when the replica holds a newer commit than the one of this revision: another writer's. */
  passed(head: number): Promise<void> {
    return this.#until(() => this.#replica.headRevision !== head, 'the change that was faster')
  }

  /** The replica took a commit that was not heard of here. */
  moved(): void {
    this.#moved.wake()
  }

  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.#tasks.settled()
  }

  async #until(isReached: () => boolean, what: string): Promise<void> {
    const { clock } = this.#deps
    const over = this.#stopping.signal
    const until = clock.now() + patienceMs
    while (!isReached()) {
      const left = until - clock.now()
      if (left <= 0 || over.aborted) throw behind(`the store did not tell ${what} within ${patienceMs / 1000} s`)
      await this.#moved.waitAtMost(left, { clock }, over)
    }
  }

  /** Revision of the newest commit of records or grants, as the store says after this is called. */
  #head(): Promise<number> {
    if (this.#asking === undefined) return this.#ask()
    this.#next ??= this.#asking.then(
      () => this.#askNext(),
      () => this.#askNext(),
    )
    return this.#next
  }

  #askNext(): Promise<number> {
    this.#next = undefined
    return this.#ask()
  }

  #ask(): Promise<number> {
    const asking = this.#askOnce().finally(() => {
      if (this.#asking === asking) this.#asking = undefined
    })
    this.#asking = asking
    return asking
  }

  async #askOnce(): Promise<number> {
    const { store, clock } = this.#deps
    const over = new AbortController()
    const late = clock.after(patienceMs, over.signal).then(() => {
      throw behind(`the store did not answer within ${patienceMs / 1000} s`)
    })
    late.catch(() => {})
    try {
      const head = await Promise.race([store.get(headKey), late])
      return head?.revision ?? 0
    } finally {
      over.abort()
    }
  }

  /** Finds out that the store is away, or that the watch is silent although there is news: then it is begun anew. */
  async #keepAsking(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#deps
    while (!signal.aborted) {
      await clock.after(lookMs, signal).catch(() => {})
      if (signal.aborted) return
      let reason = ''
      try {
        await this.fresh()
      } catch (error) {
        if (signal.aborted) return
        reason = asNetpluginError(error).message
        this.#watching.abort()
      }
      const isCutOff = reason !== ''
      if (isCutOff === this.#isCutOff) continue
      this.#isCutOff = isCutOff
      if (isCutOff) log.error('cut off from the store: nothing is served', { reason })
      else log.info('store is back', { revision: this.#replica.reached })
      this.#listener.turned()
    }
  }

  async #follow(signal: AbortSignal): Promise<void> {
    const { store, clock, log } = this.#deps
    const backoff = new Backoff({ firstMs: 50, maxMs: 1_000, random: () => 1 })
    let lastReason = ''
    while (!signal.aborted) {
      this.#watching = new AbortController()
      const either = AbortSignal.any([signal, this.#watching.signal])
      try {
        for await (const commit of store.watch(this.#replica.reached, either)) {
          this.#listener.heard(commit)
          this.#moved.wake()
          backoff.reset()
          lastReason = ''
        }
      } catch (error) {
        if (signal.aborted) return
        const { code, message } = asNetpluginError(error)
        if (message !== lastReason) log.warn('store not followed, will try again', { code, reason: message })
        lastReason = message
        if (code === 'COMPACTED' || code === 'EPOCH_CHANGED') await this.#reload(signal)
      }
      await clock.after(backoff.next(), signal).catch(() => {})
    }
  }

  async #reload(signal: AbortSignal): Promise<void> {
    const { store, log } = this.#deps
    try {
      const snapshot = await store.snapshot()
      if (signal.aborted) return
      this.#replica.load(snapshot)
      log.info('cluster state loaded again', { revision: snapshot.revision, epoch: snapshot.epoch })
      this.#listener.reloaded()
      this.#moved.wake()
    } catch (error) {
      log.warn('cluster state not loaded', { reason: asNetpluginError(error).message })
    }
  }
}

function behind(why: string): NetpluginError {
  const message = `${why}, so that this netmaster cannot know the newest state; try again, or another netmaster`
  return new NetpluginError('unavailable', 'STORE_BEHIND', message)
}
