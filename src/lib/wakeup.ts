// Lets loops sleep until there is something to do. A wake reaches those who wait at that moment: who looks for work first
// and then waits, without awaiting anything between, misses none.

import type { Clock } from './clock.ts'

export class Wakeup {
  readonly #waiting = new Set<() => void>()

  /** Wakes everybody who waits now. */
  wake(): void {
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const resume of waiting) resume()
  }

  /** Resolves at the next wake or when the signal aborts. */
  wait(signal: AbortSignal): Promise<void> {
    return this.#woken(signal, () => {})
  }

  /** The same, but no longer than `ms`. */
  async waitAtMost(ms: number, { clock }: { readonly clock: Clock }, signal: AbortSignal): Promise<void> {
    if (signal.aborted) return
    const over = new AbortController()
    await this.#woken(signal, (resume) => void clock.after(ms, over.signal).then(resume, () => {}))
    over.abort(enough)
  }

  /** `begun` is called when it waits, with what ends that. */
  #woken(signal: AbortSignal, begun: (resume: () => void) => void): Promise<void> {
    if (signal.aborted) return Promise.resolve()
    return new Promise((resolve) => {
      const resume = () => {
        this.#waiting.delete(resume)
        signal.removeEventListener('abort', resume)
        resolve()
      }
      this.#waiting.add(resume)
      signal.addEventListener('abort', resume, { once: true })
      begun(resume)
    })
  }
}

/** A reason of its own would have to be made each time, with the stack: this is called often. */
const enough = new Error('enough')
