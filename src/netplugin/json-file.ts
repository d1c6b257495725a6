// A small JSON file that is replaced as a whole: written beside, synced, renamed. A reader sees the old or the new one.

import { type Files, systemFiles } from '../lib/files.ts'

export class JsonFile<T> {
  readonly #path: string
  readonly #files: Files
  #writing: Promise<void> = Promise.resolve()
  #next: T | undefined

  constructor(path: string, files = systemFiles) {
    this.#path = path
    this.#files = files
    files.prepare(path, { purpose: 'state directory', flag: '--state-dir' })
  }

  /** Undefined when there is no file or it cannot be read as JSON: the caller starts afresh. */
  read(): unknown {
    try {
      return JSON.parse(this.#files.read(this.#path))
    } catch {
      return undefined
    }
  }

  /** Writes the newest value; values that were overtaken while a write was going on are skipped. */
  write(value: T): Promise<void> {
    const queued = this.#next !== undefined
    this.#next = value
    // A write that failed has told its caller; the next one may find room again.
    if (!queued) this.#writing = this.#writing.catch(() => {}).then(() => this.#flush())
    return this.#writing
  }

  async #flush(): Promise<void> {
    const value = this.#next
    this.#next = undefined
    if (value === undefined) return
    await this.#files.replace(this.#path, async (file) => {
      await file.write(JSON.stringify(value))
    })
  }
}
