// The simulated world: one queue of what happens when, and one source of chance. Nothing happens but what is in the queue, one
// thing after the other, so that the same seed gives the same run.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { type Numbers, numbersFrom } from '../support/numbers.ts'

interface Event {
  readonly at: number
  readonly order: number
  happen: (() => void) | undefined
}

const theEnd = new Error('the world is over')

export class World {
  readonly chance: Numbers
  #now = 1_700_000_000_000
  #order = 0
  #isOver = false
  readonly #over = new AbortController()
  readonly #heap: Event[] = []
  readonly #story: string[] = []
  /** How many things have happened. */
  happened = 0

  constructor(seed: number) {
    this.chance = numbersFrom(seed)
  }

  /** Milliseconds since the epoch. */
  get now(): number {
    return this.#now
  }

  /** What was told, for who looks for the reason of a failure. */
  get story(): readonly string[] {
    return this.#story
  }

  tell(what: string): void {
    this.#story.push(`${((this.#now - 1_700_000_000_000) / 1000).toFixed(3)} ${what}`)
  }

  /** Answers how to take it back. */
  after(ms: number, happen: () => void): () => void {
    const event: Event = { at: this.#now + Math.max(0, ms), order: this.#order++, happen }
    if (!this.#isOver) this.#push(event)
    return () => {
      event.happen = undefined
    }
  }

  /** Most things take a few milliseconds, some take much longer. */
  delay(usualMs: number): number {
    const { chance } = this
    if (chance.chance(0.03)) return usualMs + chance.fraction() * usualMs * 200
    return chance.fraction() * usualMs
  }

  /** Goes on until this time. */
  async runFor(ms: number): Promise<void> {
    const until = this.#now + ms
    for (let next = this.#heap[0]; next !== undefined && next.at <= until; next = this.#heap[0]) {
      this.#pop()
      if (next.happen === undefined) continue
      this.#now = Math.max(this.#now, next.at)
      this.happened++
      next.happen()
      // What follows from it without the world follows at once.
      await nextTurn()
    }
    this.#now = until
  }

  /** Aborts when the world ends: signals that never do are kept by Node, with whoever listens. */
  get over(): AbortSignal {
    return this.#over.signal
  }

  /** Nothing happens any more. */
  end(): void {
    this.#isOver = true
    this.#heap.length = 0
    this.#over.abort(theEnd)
  }

  #push(event: Event): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(event)
    while (at > 0) {
      const above = (at - 1) >> 1
      const parent = heap[above]
      if (parent === undefined || isBefore(parent, event)) break
      heap[at] = parent
      at = above
    }
    heap[at] = event
  }

  #pop(): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return
    let at = 0
    for (;;) {
      const [left, right] = [heap[2 * at + 1], heap[2 * at + 2]]
      if (left === undefined) break
      const [least, below] = right !== undefined && isBefore(right, left) ? [right, 2 * at + 2] : [left, 2 * at + 1]
      if (isBefore(last, least)) break
      heap[at] = least
      at = below
    }
    heap[at] = last
  }
}

function isBefore(a: Event, b: Event): boolean {
  return a.at < b.at || (a.at === b.at && a.order < b.order)
}
