// Very many flows, of which few change at a time, in arrays of which few change then: a planner looks at those alone.

import { hash32 } from '../../../lib/hash.ts'
import type { Flow } from '../../../protocols/openflow/index.ts'

const shardCount = 256

export class Shards {
  readonly #shards = new Map<number, Map<string, Flow>>()
  readonly #dirty = new Set<number>()
  #sets: ReadonlyMap<string, readonly Flow[]> = new Map()

  /** `undefined` takes the flow of that key away. */
  put(key: string, made: Flow | undefined): void {
    const number = hash32(key) % shardCount
    const shard = this.#shards.get(number) ?? new Map<string, Flow>()
    if (shard.get(key)?.cookie === made?.cookie) return
    if (made === undefined) shard.delete(key)
    else shard.set(key, made)
    this.#shards.set(number, shard)
    this.#dirty.add(number)
  }

  /** All flows by owner, `<owner> /<number>`: the same arrays where nothing changed since the last call. */
  handOut(owner: string): ReadonlyMap<string, readonly Flow[]> {
    if (this.#dirty.size === 0) return this.#sets
    const sets = new Map(this.#sets)
    for (const number of this.#dirty) {
      const name = `${owner} /${number}`
      const shard = this.#shards.get(number)
      if (shard !== undefined && shard.size > 0) {
        sets.set(name, inOrder(shard))
        continue
      }
      sets.delete(name)
      this.#shards.delete(number)
    }
    this.#dirty.clear()
    this.#sets = sets
    return sets
  }
}

function inOrder(shard: ReadonlyMap<string, Flow>): readonly Flow[] {
  const flows: Flow[] = []
  for (const key of [...shard.keys()].sort()) {
    const made = shard.get(key)
    if (made !== undefined) flows.push(made)
  }
  return flows
}
