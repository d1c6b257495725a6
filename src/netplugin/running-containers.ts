// Which containers run on this host now. Docker is asked again and again, answers take their time, and events come between:
// what was asked later counts, and an end counts at once.

import type { RuntimeContainer } from '../drivers/runtime/runtime.ts'

interface Entry {
  /** The number of the question that this answers. */
  readonly asked: number
  /** Undefined: it does not run. */
  readonly container: RuntimeContainer | undefined
}

export class RunningContainers {
  readonly #entries = new Map<string, Entry>()
  readonly #changed: () => void
  #questions = 0
  /** The question of the last complete list; 0 = there was none. */
  #listed = 0
  #running: ReadonlyMap<string, RuntimeContainer> | undefined

  constructor(deps: { readonly changed: () => void }) {
    this.#changed = deps.changed
  }

  /** By id; undefined until Docker has told of all of them. */
  get known(): ReadonlyMap<string, RuntimeContainer> | undefined {
    if (this.#listed === 0) return undefined
    this.#running ??= new Map(
      [...this.#entries].flatMap(([id, { container }]) => (container === undefined ? [] : [[id, container] as const])),
    )
    return this.#running
  }

  /** To be called before Docker is asked; the number goes with the answer. */
  ask(): number {
    return ++this.#questions
  }

  take(container: RuntimeContainer, asked: number): void {
    this.#put(container.id, { asked, container: container.running ? container : undefined })
    this.#tell()
  }

  /** A container ended, or is no more. */
  ended(id: string): void {
    this.#put(id, { asked: this.ask(), container: undefined })
    this.#tell()
  }

  /** All containers there are. */
  takeAll(containers: readonly RuntimeContainer[], asked: number): void {
    const present = new Set(containers.map(({ id }) => id))
    for (const [id, entry] of [...this.#entries]) {
      if (present.has(id) || entry.asked > asked) continue
      // What ended is remembered for a while: an answer from before may still be on its way.
      if (entry.container === undefined && entry.asked < this.#listed) this.#entries.delete(id)
      else this.#put(id, { asked, container: undefined })
    }
    for (const container of containers) {
      this.#put(container.id, { asked, container: container.running ? container : undefined })
    }
    this.#listed = asked
    this.#tell()
  }

  /** Docker does not tell of changes any more: nothing is known. */
  forget(): void {
    this.#entries.clear()
    this.#listed = 0
    this.#tell()
  }

  #put(id: string, entry: Entry): void {
    if ((this.#entries.get(id)?.asked ?? 0) <= entry.asked) this.#entries.set(id, entry)
  }

  #tell(): void {
    this.#running = undefined
    this.#changed()
  }
}
