// Ids of conjunctions within one level of rules. Each is a hash of its rule's key, or the next one free; which rules are
// there decides alone, not the order in which they came, so that an agent that restarts makes the same ids.
//
// This is linear probing in the order of keys. Which places are taken does not depend on that order; so a rule that comes or
// goes can move only rules of the same unbroken run of places, and only those are placed again.

import { hash53 } from '../../../lib/hash.ts'

export const idBits = 22
const places = 2 ** idBits

export class ConjunctionIds {
  readonly #home: (key: string) => number
  readonly #owners = new Map<number, string>()
  readonly #taken = new Map<string, number>()

  /** `home`: where a key wants to be; its hash when not given. */
  constructor(home = (key: string) => Number(hash53(key) % BigInt(places))) {
    this.#home = home
  }

  /** 0 to 2^22 - 1; undefined: the key has none. */
  of(key: string): number | undefined {
    return this.#taken.get(key)
  }

  ownerOf(id: number): string | undefined {
    return this.#owners.get(id)
  }

  /** Answers every id that got, lost or changed its owner. `added` are keys that have none, or are in `removed` too. */
  change(removed: Iterable<string>, added: Iterable<string>): ReadonlySet<number> {
    const before = new Map<number, string>()
    const pending = new Set<string>()
    for (const key of removed) {
      const id = this.#taken.get(key)
      if (id !== undefined) this.#lift(id, pending, before)
      pending.delete(key)
    }
    for (const key of added) pending.add(key)
    const sorted = () => [...pending].sort((a, b) => (a < b ? -1 : 1))
    let placed = this.#place(sorted())
    while (typeof placed === 'number') {
      this.#lift(placed, pending, before)
      placed = this.#place(sorted())
    }
    const changed = new Set<number>()
    for (const [key, id] of placed) {
      this.#owners.set(id, key)
      this.#taken.set(key, id)
      if (before.get(id) !== key) changed.add(id)
    }
    for (const id of before.keys()) if (before.get(id) !== this.#owners.get(id)) changed.add(id)
    return changed
  }

  /** Takes up the run of places around one that is taken. */
  #lift(at: number, pending: Set<string>, before: Map<number, string>): void {
    let first = at
    while (this.#owners.has((first + places - 1) % places)) first = (first + places - 1) % places
    for (let id = first; ; id = (id + 1) % places) {
      const owner = this.#owners.get(id)
      if (owner === undefined) return
      pending.add(owner)
      before.set(id, owner)
      this.#owners.delete(id)
      this.#taken.delete(owner)
    }
  }

  /** Where keys come to be; a number is a place they would need that another run has. */
  #place(keys: readonly string[]): ReadonlyMap<string, number> | number {
    const used = new Set<number>()
    const placed = new Map<string, number>()
    for (const key of keys) {
      let id = this.#home(key)
      while (used.has(id)) id = (id + 1) % places
      if (this.#owners.has(id)) return id
      used.add(id)
      placed.set(key, id)
    }
    return placed
  }
}
