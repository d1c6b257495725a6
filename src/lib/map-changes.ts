// What changed between two maps of which one was copied from the other.

import { VersionedMap } from './versioned-map.ts'

/** `undefined`: the key is not in that map. */
export interface MapChange<K, V> {
  readonly key: K
  readonly before: V | undefined
  readonly after: V | undefined
}

/** Of a copy: what it was copied from, and which keys were edited since. The original is not kept alive by its copies. */
interface Origin {
  readonly original: WeakRef<object>
  readonly edited: Set<unknown>
}

const origins = new WeakMap<object, Origin>()

/** A copy, to be edited with `putInto` alone, until it is copied itself. */
export type MapCopy<K, V> = Map<K, V> | VersionedMap<K, V>

/** From how many entries on copies share a table. Small ones are plain maps: quicker to read, and to compare. */
const manyEntries = 500

export function copyOfMap<K, V>(map: ReadonlyMap<K, V>): MapCopy<K, V> {
  const copy = map.size < manyEntries ? new Map(map) : VersionedMap.of(map)
  origins.set(copy, { original: new WeakRef(map), edited: new Set() })
  return copy
}

/** Sets the key of a copy, or deletes it: `undefined`. */
export function putInto<K, V>(copy: MapCopy<K, V>, key: K, value: V | undefined): void {
  origins.get(copy)?.edited.add(key)
  if (copy instanceof VersionedMap) copy.put(key, value)
  else if (value === undefined) copy.delete(key)
  else copy.set(key, value)
}

/** Keys whose values are not the same object, each once. Costs as much as was edited where one is a copy of the other. */
export function mapChanges<K, V>(before: ReadonlyMap<K, V>, after: ReadonlyMap<K, V>): MapChange<K, V>[] {
  const changes: MapChange<K, V>[] = []
  for (const key of editedKeys(before, after) ?? new Set([...before.keys(), ...after.keys()])) {
    const change = { key, before: before.get(key), after: after.get(key) }
    if (change.before !== change.after) changes.push(change)
  }
  return changes
}

/** undefined where it is not known how one came from the other. */
function editedKeys<K, V>(before: ReadonlyMap<K, V>, after: ReadonlyMap<K, V>): ReadonlySet<K> | undefined {
  const keys = new Set<K>()
  for (let map: object | undefined = after; map !== before; ) {
    const origin: Origin | undefined = map && origins.get(map)
    if (origin === undefined) return undefined
    // Only `putInto` puts keys there, those of this map.
    for (const key of origin.edited) keys.add(key as K)
    map = origin.original.deref()
  }
  return keys
}
