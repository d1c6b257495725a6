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
  /** Of all messages together. */
  readonly maxBytes: number
  /** No answer is kept longer, whatever it says. */
  readonly maxSeconds: number
  /** The same for answers that say that there is nothing. */
  readonly maxNegativeSeconds: number
}

/** Times are milliseconds of one clock. */
export class AnswerCache {
  readonly #options: CacheOptions
  readonly #entries = new Map<string, Entry>()
  #bytes = 0

  constructor(options: CacheOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#entries.size
  }

  put(key: string, message: Buffer, facts: ResponseFacts, now: number): void {
    this.#remove(key)
    const { maxEntries, maxBytes, maxSeconds, maxNegativeSeconds } = this.#options
    const seconds = Math.min(facts.ttl, facts.negative ? maxNegativeSeconds : maxSeconds)
    if (seconds <= 0 || maxEntries === 0 || message.length > maxBytes) return
    while (this.#entries.size >= maxEntries || this.#bytes + message.length > maxBytes) {
      const [oldest = ''] = this.#entries.keys()
      this.#remove(oldest)
    }
    this.#bytes += message.length
    const expiresAt = now + seconds * 1000
    this.#entries.set(key, { message, ttlOffsets: facts.ttlOffsets, storedAt: now, expiresAt })
  }

  /** The answer with its times to live reduced by its age; undefined when there is none. */
  get(key: string, now: number): Buffer | undefined {
    const entry = this.#entries.get(key)
    if (entry === undefined) return undefined
    if (now >= entry.expiresAt || now < entry.storedAt) {
      this.#remove(key)
      return undefined
    }
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return aged(entry.message, entry.ttlOffsets, Math.floor((now - entry.storedAt) / 1000))
  }
  #remove(key: string): void {
    this.#bytes -= this.#entries.get(key)?.message.length ?? 0
    this.#entries.delete(key)
  }
}
