// Whether what clients saw of one object can have happened one thing after the other, each at some moment between question
// and answer (Herlihy and Wing, 1990). What got no answer may have happened at any time since, or never.

/** A value as its writer meant it; null: there is no such object. */
export type Value = string | null

export interface Operation {
  readonly kind: 'write' | 'read'
  /** Written, or read. */
  readonly value: Value
  readonly asked: number
  /** Infinity: nobody knows. */
  readonly answered: number
}

/** The object is not there at first. Histories of a few dozen operations. */
export function isLinearizable(history: readonly Operation[]): boolean {
  // A read without an answer says nothing.
  const operations = history.filter(({ kind, answered }) => kind === 'write' || answered < Number.POSITIVE_INFINITY)
  const tried = new Set<string>()
  const search = (done: bigint, value: Value): boolean => {
    const left = operations.filter((_, at) => (done & (1n << BigInt(at))) === 0n)
    if (left.every(({ answered }) => answered === Number.POSITIVE_INFINITY)) return true
    const key = `${done} ${value}`
    if (tried.has(key)) return false
    tried.add(key)
    const end = Math.min(...left.map(({ answered }) => answered))
    return operations.some((operation, at) => {
      const bit = 1n << BigInt(at)
      if ((done & bit) !== 0n || operation.asked > end) return false
      if (operation.kind === 'read' && operation.value !== value) return false
      return search(done | bit, operation.kind === 'write' ? operation.value : value)
    })
  }
  return search(0n, null)
}
