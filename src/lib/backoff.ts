// Growing pauses between tries, with jitter so that many clients do not return in step.

export interface BackoffOptions {
  readonly firstMs: number
  readonly maxMs: number
  /** Returns 0..1; injected so that tests are repeatable. */
  readonly random: () => number
}

export class Backoff {
  readonly #options: BackoffOptions
  #next: number

  constructor(options: BackoffOptions) {
    this.#options = options
    this.#next = options.firstMs
  }

  /** Milliseconds to wait before the next try: half fixed, half random. */
  next(): number {
    const base = this.#next
    this.#next = Math.min(base * 2, this.#options.maxMs)
    return base / 2 + (base / 2) * this.#options.random()
  }

  /** Call after success. */
  reset(): void {
    this.#next = this.#options.firstMs
  }
}
