// Gives back the memory that much work leaves behind. V8 lets its heap grow while garbage comes quickly, and when that ends,
// nothing comes that would make it smaller: a daemon stays as large as its busiest moment.

import { getHeapStatistics, setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Clock } from './clock.ts'

interface Options {
  /** Between two looks, ms. */
  readonly everyMs: number
  /** Above what was in use when garbage was collected last. */
  readonly slackBytes: number
  /** Of processor time between two looks, ms: less is rest. */
  readonly restMs: number
}

export interface Heap {
  /** What the heap takes of the machine, garbage and all, bytes. */
  size(): number
  /** Of that, what is in use, or not known to be garbage yet. */
  used(): number
  /** Collects all garbage; the program stands still meanwhile. */
  collect(): void
}

interface Deps {
  readonly clock: Clock
  readonly heap: Heap
  /** Processor time of the program so far, ms. */
  readonly cpuMs: () => number
}

/** Left out after a collection that gained little. */
const looksBetween = 12

/** A collection of some 50 MiB takes 50 ms: only at rest, and only when there is much to gain. */
export const usualCollector: Options = { everyMs: 5_000, slackBytes: 16 * 2 ** 20, restMs: 250 }

export class IdleCollector {
  readonly #options: Options
  readonly #deps: Deps

  constructor(options: Options, deps: Deps) {
    this.#options = options
    this.#deps = deps
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, heap, cpuMs } = this.#deps
    const { everyMs, slackBytes, restMs } = this.#options
    let kept = 0
    /** Looks that are left out yet. */
    let pause = 0
    let before = cpuMs()
    while (!signal.aborted) {
      await clock.after(everyMs, signal).catch(() => {})
      const now = cpuMs()
      const isAtRest = now - before < restMs
      before = now
      if (pause > 0) pause--
      const size = heap.size()
      if (signal.aborted || !isAtRest || pause > 0 || size < kept + slackBytes) continue
      heap.collect()
      kept = heap.used()
      if (size - heap.size() < slackBytes) pause = looksBetween
      before = cpuMs()
    }
  }
}

/** The heap of this program. */
export function ownHeap(): Heap {
  setFlagsFromString('--expose-gc')
  const collect: () => void = runInNewContext('gc')
  return {
    size: () => getHeapStatistics().total_heap_size,
    used: () => getHeapStatistics().used_heap_size,
    collect: () => collect(),
  }
}

export function ownCpuMs(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1_000
}
