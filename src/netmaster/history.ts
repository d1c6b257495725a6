// The latest changes, newest last: what streams read from. One buffer for all of them, so that a slow reader costs no
// memory; one that falls behind its end has to start over.

import type { Change, StreamMessage } from '../model/state.ts'

export interface HistoryEntry {
  readonly revision: number
  readonly changes: readonly Change[]
  /** The delta as a line of the stream; made once, for all readers. */
  line(): string
}

export class History {
  readonly #limit: number
  #entries: HistoryEntry[] = []
  #changes = 0
  /** Revision before the oldest entry. */
  #start: number

  constructor(options: { readonly limit: number; readonly revision: number }) {
    this.#limit = options.limit
    this.#start = options.revision
  }

  /** The revision after which everything is known. */
  get start(): number {
    return this.#start
  }

  push(revision: number, changes: readonly Change[]): void {
    let line: string | undefined
    const toLine = () => {
      const message: StreamMessage = { type: 'delta', revision, changes }
      line ??= `${JSON.stringify(message)}\n`
      return line
    }
    this.#entries.push({ revision, changes, line: toLine })
    this.#changes += changes.length
    if (this.#changes > this.#limit * 1.25) this.#trim()
  }

  /** Entries after a revision, oldest first; undefined when they reach further back than is kept. */
  after(revision: number): readonly HistoryEntry[] | undefined {
    if (revision < this.#start) return undefined
    let [low, high] = [0, this.#entries.length]
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#entries[middle]?.revision ?? 0) > revision) high = middle
      else low = middle + 1
    }
    return this.#entries.slice(low)
  }

  /** Forgets everything: readers have to start over. */
  reset(revision: number): void {
    this.#entries = []
    this.#changes = 0
    this.#start = revision
  }

  #trim(): void {
    let drop = 0
    while (this.#changes > this.#limit && drop < this.#entries.length - 1) {
      const oldest = this.#entries[drop++]
      this.#changes -= oldest?.changes.length ?? 0
      this.#start = oldest?.revision ?? this.#start
    }
    this.#entries = this.#entries.slice(drop)
  }
}
