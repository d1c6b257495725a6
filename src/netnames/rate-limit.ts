// How many questions each asker may ask: a bucket of tokens that fills again with time. One second's worth may come at
// once.

interface Bucket {
  tokens: number
  /** When it was last filled. */
  filledAt: number
  /** When it was last found empty and said so. */
  toldAt: number
}

export interface RateLimitOptions {
  /** Questions a second for each key; 0: no limit. */
  readonly perSecond: number
  /** Keys remembered; when there are more, all are forgotten. */
  readonly maxKeys: number
  /** The same key is reported no more often. */
  readonly tellEveryMs: number
}

export type Verdict = 'allowed' | 'limited' | 'limited-tell'

export class RateLimit {
  readonly #options: RateLimitOptions
  readonly #buckets = new Map<string, Bucket>()

  constructor(options: RateLimitOptions) {
    this.#options = options
  }

  /** `now` in milliseconds of one clock. `limited-tell`: it is time to log it. */
  check(key: string, now: number): Verdict {
    const { perSecond, maxKeys, tellEveryMs } = this.#options
    if (perSecond === 0) return 'allowed'
    let bucket = this.#buckets.get(key)
    if (bucket === undefined) {
      if (this.#buckets.size >= maxKeys) this.#buckets.clear()
      bucket = { tokens: perSecond, filledAt: now, toldAt: Number.NEGATIVE_INFINITY }
      this.#buckets.set(key, bucket)
    }
    // A clock that was set back gives nothing, and takes nothing.
    const elapsed = Math.max(0, now - bucket.filledAt)
    bucket.tokens = Math.min(perSecond, bucket.tokens + (elapsed * perSecond) / 1000)
    bucket.filledAt = now
    if (bucket.tokens >= 1) {
      bucket.tokens -= 1
      return 'allowed'
    }
    if (Math.abs(now - bucket.toldAt) < tellEveryMs) return 'limited'
    bucket.toldAt = now
    return 'limited-tell'
  }
}
