// A set of non-negative integers that finds the lowest number that is not in it: the base of every pool of addresses and
// ids. Pages of 1,024 bits are made on demand, so that a /8 with ten endpoints costs one page, and full pages are skipped.

const pageBits = 1_024

interface Page {
  readonly words: Uint32Array
  count: number
}

/** A run of numbers, both ends included. */
export interface Interval {
  readonly first: number
  readonly last: number
}

export class NumberSet {
  readonly #pages = new Map<number, Page>()
  readonly #base: number
  /** Every number from base up to here (excluded) is in the set: searches that begin lower start here. */
  #floor: number
  #size = 0

  /** `base`: the lowest number that will be searched for often. */
  constructor(base: number) {
    this.#base = base
    this.#floor = base
  }

  get size(): number {
    return this.#size
  }

  has(value: number): boolean {
    const page = this.#pages.get(Math.floor(value / pageBits))
    if (page === undefined) return false
    const bit = value % pageBits
    return (((page.words[bit >>> 5] ?? 0) >>> (bit & 31)) & 1) === 1
  }

  /** Returns whether it was not yet there. */
  add(value: number): boolean {
    const index = Math.floor(value / pageBits)
    let page = this.#pages.get(index)
    if (page === undefined) {
      page = { words: new Uint32Array(pageBits / 32), count: 0 }
      this.#pages.set(index, page)
    }
    const bit = value % pageBits
    const old = page.words[bit >>> 5] ?? 0
    const mask = 1 << (bit & 31)
    if ((old & mask) !== 0) return false
    page.words[bit >>> 5] = old | mask
    page.count++
    this.#size++
    return true
  }

  /** Returns whether it was there. */
  delete(value: number): boolean {
    const index = Math.floor(value / pageBits)
    const page = this.#pages.get(index)
    if (page === undefined) return false
    const bit = value % pageBits
    const old = page.words[bit >>> 5] ?? 0
    const mask = 1 << (bit & 31)
    if ((old & mask) === 0) return false
    page.words[bit >>> 5] = old & ~mask
    page.count--
    if (page.count === 0) this.#pages.delete(index)
    this.#size--
    if (value >= this.#base && value < this.#floor) this.#floor = value
    return true
  }

  /** The lowest number from `first` to `last` (both included) that is not in the set, or undefined. */
  lowestFree(first: number, last: number): number | undefined {
    const fromFloor = first >= this.#base && first <= this.#floor
    const free = this.#search(fromFloor ? this.#floor : first, last)
    if (fromFloor) this.#floor = Math.max(this.#floor, free ?? last + 1)
    return free
  }

  /** The numbers in the set as runs, ascending. */
  intervals(): Interval[] {
    const runs: { first: number; last: number }[] = []
    for (const index of [...this.#pages.keys()].sort((a, b) => a - b)) {
      const words = this.#pages.get(index)?.words ?? new Uint32Array(0)
      for (const [word, bits] of words.entries()) {
        for (let rest = bits; rest !== 0; rest = (rest & (rest - 1)) >>> 0) {
          const value = index * pageBits + word * 32 + (31 - Math.clz32(rest & -rest))
          const run = runs.at(-1)
          if (run !== undefined && run.last + 1 === value) run.last = value
          else runs.push({ first: value, last: value })
        }
      }
    }
    return runs
  }

  #search(first: number, last: number): number | undefined {
    let at = first
    while (at <= last) {
      const index = Math.floor(at / pageBits)
      const page = this.#pages.get(index)
      if (page === undefined) return at
      const free = page.count === pageBits ? undefined : freeInPage(page, at % pageBits)
      if (free !== undefined) {
        const value = index * pageBits + free
        return value <= last ? value : undefined
      }
      at = (index + 1) * pageBits
    }
    return undefined
  }
}

function freeInPage(page: Page, from: number): number | undefined {
  for (let word = from >>> 5; word < page.words.length; word++) {
    let free = ~(page.words[word] ?? 0) >>> 0
    if (word === from >>> 5) free = (free & (0xffffffff << (from & 31))) >>> 0
    if (free !== 0) return word * 32 + (31 - Math.clz32(free & -free))
  }
  return undefined
}
