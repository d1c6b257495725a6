// Leases of the embedded stores: who holds which keys, in memory. They need no keeping alive: holder and store are one process.

import { NetpluginError } from '../../lib/errors.ts'
import type { Commit, Lease } from './store.ts'

export function leaseLost(why: string): NetpluginError {
  return new NetpluginError('conflict', 'LEASE_LOST', `the lease in the store has ended: ${why}; take a new one`)
}

export class LocalLeases {
  readonly #keys = new Map<string, Set<string>>()
  readonly #leaseOf = new Map<string, string>()
  readonly #lost = new Map<string, AbortController>()
  #next = 1

  /** `end` is called once, when the holder ends it; it should answer by `take`. */
  grant(end: (id: string) => Promise<void>): Lease {
    const id = String(this.#next++)
    const lost = new AbortController()
    this.#keys.set(id, new Set())
    this.#lost.set(id, lost)
    return { id, lost: lost.signal, end: async () => (this.#keys.has(id) ? end(id) : undefined) }
  }

  /** Throws LEASE_LOST for one that is not held. */
  check(id: string | undefined): void {
    if (id !== undefined && !this.#keys.has(id)) throw leaseLost(`there is none with the id ${id}`)
  }

  /** After a commit was done. */
  follow({ put, delete: removed }: Commit): void {
    for (const key of removed) this.#wrote(key, undefined)
    for (const { key, lease } of put) this.#wrote(key, lease)
  }

  /** A key was written with this lease, without one, or deleted. */
  #wrote(key: string, id: string | undefined): void {
    const before = this.#leaseOf.get(key)
    if (before === id) return
    if (before !== undefined) this.#keys.get(before)?.delete(key)
    if (id === undefined) this.#leaseOf.delete(key)
    else {
      this.#leaseOf.set(key, id)
      this.#keys.get(id)?.add(key)
    }
  }

  /** The lease is over; answers the keys that go with it. `why`: tell the holder. */
  take(id: string, why?: string): readonly string[] {
    const keys = [...(this.#keys.get(id) ?? [])]
    const lost = this.#lost.get(id)
    this.#keys.delete(id)
    this.#lost.delete(id)
    for (const key of keys) this.#leaseOf.delete(key)
    if (why !== undefined) lost?.abort(leaseLost(why))
    return keys
  }
}
