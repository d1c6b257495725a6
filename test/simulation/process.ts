// A program in the simulated world. It can die whenever it waits for anything outside of itself: from then on nothing that it
// waits for ever comes, so that it does nothing any more.

import type { Clock } from '../../src/lib/clock.ts'
import type { Files } from '../../src/lib/files.ts'
import type { World } from './world.ts'

export class Process {
  readonly name: string
  readonly world: World
  readonly clock: Clock
  readonly #deaths = new Set<() => void>()
  #isAlive = true
  /** After so many more waits it dies. */
  #fuse = Number.POSITIVE_INFINITY

  constructor(name: string, world: World) {
    this.name = name
    this.world = world
    // Clocks of machines differ.
    const skew = (world.chance.fraction() - 0.5) * 2_000
    this.clock = { now: () => Math.floor(world.now + skew), after: (ms, signal) => this.#after(ms, signal) }
  }

  get isAlive(): boolean {
    return this.#isAlive
  }

  /** Dies after it has waited so often for something that takes no fixed time: an answer, a disk. */
  dieAfter(waits: number): void {
    this.#fuse = waits
  }

  /** It does not die by `dieAfter` any more. */
  spare(): void {
    this.#fuse = Number.POSITIVE_INFINITY
  }

  /** Called when it dies. */
  onDeath(happen: () => void): () => void {
    this.#deaths.add(happen)
    return () => this.#deaths.delete(happen)
  }

  die(): void {
    if (!this.#isAlive) return
    this.#isAlive = false
    this.world.tell(`${this.name} is killed`)
    for (const happen of this.#deaths) happen()
    this.#deaths.clear()
  }

  /** Waits for something outside that takes about so long. Never resolves when the program is dead. */
  async wait(usualMs: number): Promise<void> {
    this.burn()
    await this.#after(this.world.delay(usualMs))
  }

  /** One more wait begins. */
  burn(): void {
    if (this.#fuse-- <= 0) this.die()
  }

  #after(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const onAbort = () => {
        takeBack()
        reject(signal?.reason)
      }
      const takeBack = this.world.after(ms, () => {
        signal?.removeEventListener('abort', onAbort)
        if (this.#isAlive) resolve()
      })
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }
}

/** The disk of a machine; programs that are killed leave what they had written. */
export type Disk = Map<string, string>

/** The disk as a program sees it. */
export function filesOf(disk: Disk, process: Process): Files {
  return {
    prepare: () => {},
    read: (path) => {
      const text = disk.get(path)
      if (text === undefined) throw new Error(`no file ${path}`)
      return text
    },
    replace: async (path, write) => {
      const pieces: string[] = []
      await write({ write: async (text) => pieces.push(text) })
      await process.wait(2)
      disk.set(path, pieces.join(''))
      await process.wait(2)
    },
    append: async (path, text) => {
      await process.wait(1)
      const part = process.world.chance.below(text.length + 1)
      disk.set(path, (disk.get(path) ?? '') + text.slice(0, part))
      await process.wait(1)
      disk.set(path, (disk.get(path) ?? '') + text.slice(part))
    },
  }
}
