// A large map of which there are several versions, each made of the one before by a few edits. They share one table: the newest
// has it, and an older one what it had where its successor has something else. Making a version costs nothing and an edit as much
// as in any map; an older version is read the slower the more were made since, and listed by making its own table.

/** Read-only but for `put`. An iterator is for the step in which it was made: later edits would show in it. */
export class VersionedMap<K, V> implements ReadonlyMap<K, V> {
  /** What compares fields, and does not see what they hold, must not take two of them for equal. */
  readonly version = Symbol('version')
  readonly [Symbol.toStringTag] = 'VersionedMap'
  #table: Map<K, V>
  #size: number
  /** Which edits are to be kept for; not kept alive by its successor. */
  #before: WeakRef<VersionedMap<K, V>> | undefined
  #after: VersionedMap<K, V> | undefined
  /** What this has where its successor has something else; undefined: nothing. */
  #kept = new Map<K, V | undefined>()

  private constructor(table: Map<K, V>, size: number) {
    this.#table = table
    this.#size = size
  }

  /** A new one to edit, which holds the same. */
  static of<K, V>(map: ReadonlyMap<K, V>): VersionedMap<K, V> {
    const version = map instanceof VersionedMap ? map : undefined
    // A version that has a successor gives its table to nobody else.
    if (version === undefined || version.#after !== undefined) return new VersionedMap(new Map(map), map.size)
    const next = new VersionedMap<K, V>(version.#table, version.#size)
    next.#before = new WeakRef(version)
    version.#after = next
    return next
  }

  get size(): number {
    return this.#size
  }

  get(key: K): V | undefined {
    let version: VersionedMap<K, V> = this
    for (; version.#after !== undefined; version = version.#after) {
      if (version.#kept.has(key)) return version.#kept.get(key)
    }
    return version.#table.get(key)
  }

  has(key: K): boolean {
    return this.get(key) !== undefined
  }

  /** `undefined` deletes. Throws once there is a version after this one. */
  put(key: K, value: V | undefined): void {
    if (this.#after !== undefined) throw new Error('a map that has a newer version was edited')
    const had = this.#table.get(key)
    const before = this.#before?.deref()
    if (before !== undefined && before.#after === this && !before.#kept.has(key)) before.#kept.set(key, had)
    this.#size += Number(value !== undefined) - Number(had !== undefined)
    if (value === undefined) this.#table.delete(key)
    else this.#table.set(key, value)
  }

  entries(): MapIterator<[K, V]> {
    return this.#whole().entries()
  }

  keys(): MapIterator<K> {
    return this.#whole().keys()
  }

  values(): MapIterator<V> {
    return this.#whole().values()
  }

  [Symbol.iterator](): MapIterator<[K, V]> {
    return this.entries()
  }

  forEach(hear: (value: V, key: K, map: ReadonlyMap<K, V>) => void, self?: unknown): void {
    for (const [key, value] of this) hear.call(self, value, key, this)
  }

  /** A table with what this version holds: from now on its own, if it is not the newest. */
  #whole(): Map<K, V> {
    if (this.#after === undefined) return this.#table
    const since: VersionedMap<K, V>[] = []
    let newest: VersionedMap<K, V> = this
    for (; newest.#after !== undefined; newest = newest.#after) since.push(newest)
    const table = new Map(newest.#table)
    for (const version of since.reverse()) {
      for (const [key, value] of version.#kept) {
        if (value === undefined) table.delete(key)
        else table.set(key, value)
      }
    }
    this.#table = table
    this.#after = undefined
    this.#kept = new Map()
    return table
  }
}
