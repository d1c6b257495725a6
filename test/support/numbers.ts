// Numbers that look random and can be had again from their seed: mulberry32.

export interface Numbers {
  /** At least 0, below 1. */
  fraction(): number
  /** A whole number from 0, below this. */
  below(limit: number): number
  /** True this often of one. */
  chance(share: number): boolean
  pick<T>(from: readonly T[]): T
}

export function numbersFrom(seed: number): Numbers {
  let state = seed | 0
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return (mixed ^ (mixed >>> 14)) >>> 0
  }
  const fraction = () => next() / 2 ** 32
  return {
    fraction,
    below: (limit) => Math.floor(fraction() * limit),
    chance: (share) => fraction() < share,
    pick: (from) => {
      const chosen = from[Math.floor(fraction() * from.length)]
      if (chosen === undefined) throw new RangeError('nothing to pick from')
      return chosen
    },
  }
}
