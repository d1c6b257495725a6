// A store that lives and dies with the process: for tests, and for trying things out.

import { type Clock, systemClock } from '../../lib/clock.ts'
import { NetpluginError } from '../../lib/errors.ts'
import { MemoryData } from './memory-data.ts'
import type {
  Commit,
  CommitResult,
  Lease,
  Store,
  StoreCommit,
  StoreDeps,
  StoreEntry,
  StoreOptions,
  StoreSnapshot,
} from './store.ts'

export class MemoryStore implements Store {
  readonly #options: StoreOptions
  readonly #deps: StoreDeps
  readonly #data: MemoryData
  readonly #clock: Clock
  readonly #leases = new Map<string, { readonly lease: Lease; readonly ttlMs: number }>()
  #closed = false

  /** `data`: that of another one, to share; see `another`. */
  constructor(options: StoreOptions, deps: StoreDeps, data = new MemoryData(options, deps.newEpoch())) {
    this.#options = options
    this.#deps = deps
    this.#data = data
    this.#clock = deps.clock ?? systemClock
  }

  /** The same data as another program would see it: closed by itself, with leases of its own. */
  another(): MemoryStore {
    return new MemoryStore(this.#options, this.#deps, this.#data)
  }

  async snapshot(): Promise<StoreSnapshot> {
    this.#check()
    return this.#data.snapshot()
  }

  async get(key: string): Promise<StoreEntry | undefined> {
    this.#check()
    return this.#data.get(key)
  }

  async commit(commit: Commit): Promise<CommitResult> {
    this.#check()
    return this.#data.commit(commit)
  }

  async *watch(fromRevision: number, signal: AbortSignal): AsyncIterable<StoreCommit> {
    let from = fromRevision
    while (!signal.aborted) {
      this.#check()
      const next = this.#data.after(from)
      if (next === undefined) await this.#data.wakeup.wait(signal)
      else {
        from = next.revision
        yield next
      }
    }
  }

  async lease(ttlMs: number): Promise<Lease> {
    this.#check()
    const lease = this.#data.leases.grant(async (id) => {
      this.#leases.delete(id)
      this.#data.endLease(id)
    })
    this.#leases.set(lease.id, { lease, ttlMs })
    return lease
  }

  async close(): Promise<void> {
    for (const { lease } of this.#leases.values()) await lease.end()
    this.#closed = true
    this.#data.wakeup.wake()
  }

  /** For tests: as when the program was killed, its leases end after their time. */
  abandon(): void {
    for (const [id, { ttlMs }] of this.#leases) {
      void this.#clock.after(ttlMs).then(() => this.#data.endLease(id, 'its holder was not heard of in time'))
    }
    this.#leases.clear()
    this.#closed = true
    this.#data.wakeup.wake()
  }

  /** For tests: as when the store had not heard of the holder in time. */
  expire(leaseId: string): void {
    this.#leases.delete(leaseId)
    this.#data.endLease(leaseId, 'its holder was not heard of in time')
  }

  #check(): void {
    if (this.#closed) throw new NetpluginError('unavailable', 'STORE_CLOSED', 'the store is closed')
  }
}
