// Very many flows, of which few change at a time, in arrays of which few change then: a planner looks at those alone.

import { hash32 } from '../../../lib/hash.ts'
import type { Flow } from '../../../protocols/openflow/index.ts'
import type { PlacedRule } from '../../compile/node-policy.ts'

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

/** What went and what came between two lists, both by ascending key. */
export function ruleChanges(before: readonly PlacedRule[], after: readonly PlacedRule[]) {
  const removed: PlacedRule[] = []
  const added: PlacedRule[] = []
  let at = 0
  for (const placed of after) {
    // Nearly all: not even their keys are looked at.
    if (before[at] === placed) {
      at++
      continue
    }
    const { key } = placed.rule
    for (let old = before[at]; old !== undefined && old.rule.key <= key && old !== placed; old = before[++at]) {
      removed.push(old)
    }
    if (before[at] === placed) at++
    else added.push(placed)
  }
  removed.push(...before.slice(at))
  return { removed, added }
}
