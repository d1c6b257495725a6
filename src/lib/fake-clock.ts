// A clock for tests: time stands still until the test moves it; nothing that waits on it resolves before.

import type { Clock } from './clock.ts'

export class FakeClock implements Clock {
  #now = 1_700_000_000_000
  readonly #timers = new Set<{ readonly at: number; readonly fire: () => void }>()

  now(): number {
    return this.#now
  }

  /** How many wait. */
  get waiting(): number {
    return this.#timers.size
  }

  after(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = () => {
        this.#timers.delete(timer)
        reject(signal?.reason)
      }
      const fire = () => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }
      const timer = { at: this.#now + ms, fire }
      this.#timers.add(timer)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }

  /** Moves time on and fires what is due, the earliest first. */
  advance(ms: number): void {
    this.#now += ms
    const due = [...this.#timers].filter((timer) => timer.at <= this.#now).sort((a, b) => a.at - b.at)
    for (const timer of due) {
      this.#timers.delete(timer)
      timer.fire()
    }
  }
}
