// A small JSON file that is replaced as a whole: written beside, synced, renamed. A reader sees the old or the new one.

import { readFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { makeFolder } from '../lib/folder.ts'
import { replaceFile } from '../lib/replace-file.ts'

export class JsonFile<T> {
  readonly #path: string
  #writing: Promise<void> = Promise.resolve()
  #next: T | undefined

  constructor(path: string) {
    this.#path = path
    makeFolder(dirname(path), { purpose: 'state directory', flag: '--state-dir' })
  }

  /** Undefined when there is no file or it cannot be read as JSON: the caller starts afresh. */
  read(): unknown {
    try {
      return JSON.parse(readFileSync(this.#path, 'utf8'))
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
    await replaceFile(this.#path, (file) => file.writeFile(JSON.stringify(value)))
  }
}
