// Whether two collections hold the very same objects: how what was made before is known to hold still.

/** Compares items by identity, in order. */
export function sameItems(a: readonly unknown[], b: readonly unknown[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}

/** Compares values by identity; the order does not count. */
export function sameEntries<K>(a: ReadonlyMap<K, unknown>, b: ReadonlyMap<K, unknown>): boolean {
  if (a.size !== b.size) return false
  for (const [key, value] of a) if (!b.has(key) || b.get(key) !== value) return false
  return true
}
