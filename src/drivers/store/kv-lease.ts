// A lease in a networked store: asked for again three times in its life, and believed lost as soon as its time has passed
// since the last question that was answered. So its holder stops before others can see that it has ended.

import type { Clock } from '../../lib/clock.ts'
import type { Kv } from './kv.ts'
import { leaseLost } from './local-leases.ts'
import type { Lease } from './store.ts'

export interface KvLeaseDeps {
  readonly kv: Kv
  readonly clock: Clock
  /** Called once, when it is over for whatever reason. */
  readonly over: (lease: KvLease) => void
}

export class KvLease implements Lease {
  readonly id: string
  readonly #ttlMs: number
  readonly #deps: KvLeaseDeps
  readonly #lost = new AbortController()
  readonly #ended = new AbortController()
  /** Ends the time that counts now. */
  #timer = new AbortController()

  private constructor(id: string, ttlMs: number, deps: KvLeaseDeps) {
    this.id = id
    this.#ttlMs = ttlMs
    this.#deps = deps
  }

  static async grant(ttlMs: number, deps: KvLeaseDeps): Promise<KvLease> {
    const granted = await deps.kv.grant(ttlMs)
    const lease = new KvLease(granted.id, granted.ttlMs, deps)
    lease.#timer = lease.#count()
    void lease.#keep()
    return lease
  }

  get lost(): AbortSignal {
    return this.#lost.signal
  }

  async end(): Promise<void> {
    if (!this.#finish()) return
    try {
      await this.#deps.kv.revoke(this.id)
    } catch {
      // It ends by time.
    }
  }

  /** Keeps no more alive; answers whether this call did it. */
  #finish(): boolean {
    if (this.#ended.signal.aborted) return false
    this.#ended.abort()
    this.#timer.abort()
    this.#deps.over(this)
    return true
  }

  #lose(why: string): void {
    if (this.#finish()) this.#lost.abort(leaseLost(why))
  }

  /** The life from now on; aborting the answer stops counting. */
  #count(): AbortController {
    const timer = new AbortController()
    this.#deps.clock.after(this.#ttlMs, timer.signal).then(
      () => this.#lose('the store did not answer in time'),
      () => {},
    )
    return timer
  }

  async #keep(): Promise<void> {
    const { signal } = this.#ended
    while (!signal.aborted) {
      try {
        await this.#deps.clock.after(this.#ttlMs / 3, signal)
      } catch {
        return
      }
      const timer = this.#count()
      try {
        const alive = await this.#deps.kv.keepAlive(this.id)
        if (signal.aborted) timer.abort()
        else if (alive) {
          this.#timer.abort()
          this.#timer = timer
        } else {
          timer.abort()
          this.#lose('its holder was not heard of in time')
        }
      } catch {
        timer.abort()
      }
    }
  }
}
