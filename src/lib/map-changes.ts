// What changed between two maps that share most of their entries.

/** `undefined`: the key is not in that map. */
export interface MapChange<K, V> {
  readonly key: K
  readonly before: V | undefined
  readonly after: V | undefined
}

/**
 * Keys whose values are not the same object, each once. Copies of a map keep its order, so both are walked side by side:
 * an entry that did not change costs two comparisons and no lookup.
 */
export function mapChanges<K, V>(before: ReadonlyMap<K, V>, after: ReadonlyMap<K, V>): MapChange<K, V>[] {
  const changes: MapChange<K, V>[] = []
  if (before === after) return changes
  const old = before.entries()
  let left = old.next()
  for (const [key, value] of after) {
    // What was deleted is passed over; it leaves the rest in its order.
    while (!left.done && left.value[0] !== key && !after.has(left.value[0])) {
      changes.push({ key: left.value[0], before: left.value[1], after: undefined })
      left = old.next()
    }
    if (!left.done && left.value[0] === key) {
      if (left.value[1] !== value) changes.push({ key, before: left.value[1], after: value })
      left = old.next()
      continue
    }
    const known = before.get(key)
    if (known !== value) changes.push({ key, before: known, after: value })
  }
  for (; !left.done; left = old.next()) {
    const [key, value] = left.value
    if (!after.has(key)) changes.push({ key, before: value, after: undefined })
  }
  return changes
}
