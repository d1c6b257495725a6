// Answers kept for as long as their records allow, the least recently used given up first.

import { aged, type ResponseFacts } from './response.ts'

interface Entry {
  readonly message: Buffer
  readonly ttlOffsets: readonly number[]
  readonly storedAt: number
  readonly expiresAt: number
}

export interface CacheOptions {
  readonly maxEntries: number
  /** No answer is kept longer, whatever it says. */
  readonly maxSeconds: number
}

/** Times are milliseconds of one clock. */
export class AnswerCache {
  readonly #options: CacheOptions
  readonly #entries = new Map<string, Entry>()

  constructor(options: CacheOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#entries.size
  }

  put(key: string, message: Buffer, facts: ResponseFacts, now: number): void {
    this.#entries.delete(key)
    const seconds = Math.min(facts.ttl, this.#options.maxSeconds)
    if (seconds <= 0 || this.#options.maxEntries === 0) return
    if (this.#entries.size >= this.#options.maxEntries) {
      const [oldest] = this.#entries.keys()
      if (oldest !== undefined) this.#entries.delete(oldest)
    }
    const expiresAt = now + seconds * 1000
    this.#entries.set(key, { message, ttlOffsets: facts.ttlOffsets, storedAt: now, expiresAt })
  }

  /** The answer with its times to live reduced by its age; undefined when there is none. */
  get(key: string, now: number): Buffer | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    this.#entries.delete(key)
    if (now >= entry.expiresAt || now < entry.storedAt) return undefined
    this.#entries.set(key, entry)
    return aged(entry.message, entry.ttlOffsets, Math.floor((now - entry.storedAt) / 1000))
  }
}
