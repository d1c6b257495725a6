// Ranges of numbers as blocks that a masked match can select: the fewest, aligned, each of a power of two.

export interface WideRange {
  readonly first: bigint
  readonly last: bigint
}

/** The numbers whose first `length` bits are those of `base`. */
export interface Block {
  readonly base: bigint
  readonly length: number
}

/** The fewest blocks that make up a range of `bits` wide numbers, ascending: at most 2 × bits - 2. */
export function rangeBlocks({ first, last }: WideRange, bits: number): Block[] {
  const blocks: Block[] = []
  for (let base = first; base <= last; ) {
    let free = 0n
    while (free < bits && base % (2n << free) === 0n && base + (2n << free) - 1n <= last) free++
    blocks.push({ base, length: bits - Number(free) })
    base += 1n << free
  }
  return blocks
}

/** Sorts ranges and joins those that overlap or touch. */
export function mergeRanges(ranges: readonly WideRange[]): WideRange[] {
  const merged: { first: bigint; last: bigint }[] = []
  for (const { first, last } of [...ranges].sort((a, b) => (a.first < b.first ? -1 : a.first > b.first ? 1 : 0))) {
    const previous = merged.at(-1)
    if (previous === undefined || first > previous.last + 1n) merged.push({ first, last })
    else if (last > previous.last) previous.last = last
  }
  return merged
}
