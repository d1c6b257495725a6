// The store as one master sees it: each answer takes its time, the connection may be away, and it may break before it is
// said whether a commit was done.

import type { MemoryStore } from '../../src/drivers/store/memory.ts'
import type { Commit, CommitResult, Lease, Store, StoreCommit, StoreEntry } from '../../src/drivers/store/store.ts'
import { NetpluginError } from '../../src/lib/errors.ts'
import type { Process } from './process.ts'

export interface StoreFaults {
  /** Whether the store cannot be reached from here now. */
  readonly isCut: () => boolean
  /** How often a commit's answer is lost. */
  readonly lossShare: () => number
}

/** The store is the program's own file: it cannot be away. */
export const embedded: StoreFaults = { isCut: () => false, lossShare: () => 0 }

const usualMs = 3
/** How long a client waits for a store that is away. */
const awayMs = 1_500

export class DistantStore implements Store {
  readonly #inner: MemoryStore
  readonly #process: Process
  readonly #faults: StoreFaults

  constructor(inner: MemoryStore, process: Process, faults: StoreFaults) {
    this.#inner = inner
    this.#process = process
    this.#faults = faults
    process.onDeath(() => inner.abandon())
  }

  snapshot = () => this.#ask(() => this.#inner.snapshot())
  get = (key: string): Promise<StoreEntry | undefined> => this.#ask(() => this.#inner.get(key))

  async commit(commit: Commit): Promise<CommitResult> {
    const { chance } = this.#process.world
    await this.#reach()
    if (chance.chance(this.#faults.lossShare())) throw uncertain()
    const result = await this.#inner.commit(commit)
    await this.#process.wait(usualMs)
    if (this.#faults.isCut() || chance.chance(this.#faults.lossShare())) throw uncertain()
    return result
  }

  async *watch(fromRevision: number, signal: AbortSignal): AsyncIterable<StoreCommit> {
    await this.#reach()
    for await (const commit of this.#inner.watch(fromRevision, signal)) {
      await this.#process.wait(usualMs)
      // A connection that is cut is silent; it is for the reader to become suspicious.
      while (this.#faults.isCut() && !signal.aborted) await this.#process.clock.after(100)
      if (signal.aborted) return
      yield commit
    }
  }

  async lease(ttlMs: number): Promise<Lease> {
    await this.#reach()
    const lease = await this.#inner.lease(ttlMs)
    void this.#keepAlive(lease.id, ttlMs, lease.lost)
    await this.#process.wait(usualMs)
    return {
      id: lease.id,
      lost: lease.lost,
      end: async () => {
        await this.#reach()
        await lease.end()
      },
    }
  }

  close = () => this.#inner.close()

  async #keepAlive(id: string, ttlMs: number, lost: AbortSignal): Promise<void> {
    const { world } = this.#process
    for (let heard = world.now; !lost.aborted; ) {
      await this.#process.clock.after(ttlMs / 3)
      if (!this.#faults.isCut()) heard = world.now
      else if (world.now - heard > ttlMs) return this.#inner.expire(id)
    }
  }

  async #ask<T>(ask: () => Promise<T>): Promise<T> {
    await this.#reach()
    const answer = await ask()
    await this.#process.wait(usualMs)
    if (this.#faults.isCut()) throw away()
    return answer
  }

  async #reach(): Promise<void> {
    await this.#process.wait(usualMs)
    if (!this.#faults.isCut()) return
    this.#process.burn()
    await this.#process.clock.after(awayMs)
    if (this.#faults.isCut()) throw away()
  }
}

function away(): NetpluginError {
  return new NetpluginError('unavailable', 'STORE_UNREACHABLE', 'the store does not answer')
}

function uncertain(): NetpluginError {
  return new NetpluginError(
    'unavailable',
    'STORE_UNCERTAIN',
    'the store went away before it said whether this was done',
  )
}
