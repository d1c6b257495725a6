// Lists that are kept in the order of a text key.

/** Where an item with this key is, or would have to be put. */
export function placeOf<T>(list: readonly T[], key: string, keyOf: (item: T) => string): number {
  let [low, high] = [0, list.length]
  const last = list[high - 1]
  if (last === undefined || keyOf(last) < key) return high
  while (low < high) {
    const middle = (low + high) >>> 1
    const item = list[middle]
    if (item !== undefined && keyOf(item) < key) low = middle + 1
    else high = middle
  }
  return low
}
