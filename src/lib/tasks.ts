// Owns background promises: every one is awaited at the end, and a failure is logged, never lost.

import { asError } from './errors.ts'
import type { Log } from './log.ts'

export class Tasks {
  readonly #running = new Set<Promise<void>>()
  readonly #log: Log

  constructor({ log }: { readonly log: Log }) {
    this.#log = log
  }

  /** Runs `work` in the background; `name` appears in the log when it fails. */
  spawn(name: string, work: () => Promise<unknown>): void {
    // By a function of our own, so that what throws at once is a rejection, too.
    const task = (async () => await work())()
      .then(
        () => {},
        (error: unknown) => this.#log.error('background task failed', { task: name, error: asError(error).message }),
      )
      .finally(() => this.#running.delete(task))
    this.#running.add(task)
  }

  /** Resolves when all tasks have ended. */
  async settled(): Promise<void> {
    while (this.#running.size > 0) await Promise.all(this.#running)
  }
}
