// The last known state of the cluster on disk: a snapshot and the changes since, in the words in which netmaster tells them.
// A change costs the bytes that it has, however large the state is; now and then all of it is written anew.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { parseStreamMessage } from '../api/node-client.ts'
import { type Files, systemFiles } from '../lib/files.ts'
import { applyChanges } from '../model/apply-changes.ts'
import { listRecords } from '../model/record-list.ts'
import { type Change, type ClusterState, emptyState, type StreamMessage } from '../model/state.ts'
import { stateVersion } from '../model/versions.ts'

export interface SavedState {
  /** Names the store; revisions of another one say nothing about this one. */
  readonly epoch: string
  readonly state: ClusterState
}

/** Records that are made text in one turn of the event loop. */
const chunkSize = 500
/** Changes are appended until they are as many bytes as the snapshot, and as this. */
const leastToRewrite = 1 << 20

export class StateFile {
  readonly #path: string
  readonly #files: Files
  #newest: SavedState | undefined
  /** All of it must be written: what is in the file is older, or not known to be whole. */
  #isStale = true
  #lines: string[] = []
  #snapshotBytes = 0
  #appendedBytes = 0

  constructor(path: string, files = systemFiles) {
    this.#path = path
    this.#files = files
    files.prepare(path, { purpose: 'state directory', flag: '--state-dir' })
  }

  /** What a predecessor left; undefined when there is no whole snapshot. What was torn at the end is left out. */
  read(): SavedState | undefined {
    let epoch = ''
    let state: ClusterState | undefined
    const changes: Change[] = []
    try {
      for (const line of this.#files.read(this.#path).split('\n')) {
        const message = parseStreamMessage(JSON.parse(line))
        if (message === undefined) continue
        if (message.type === 'begin') epoch = message.epoch
        else if (message.type === 'records') changes.push(...message.changes)
        else if (message.type === 'end') state = applyChanges(emptyState, message.revision, changes)
        else if (message.type === 'delta' && state !== undefined) {
          state = applyChanges(state, message.revision, message.changes)
        }
      }
    } catch {
      // The last line, whole or torn; or no file at all.
    }
    return state === undefined ? undefined : { epoch, state }
  }

  /** This is the state now. `delta`: how it came from the one told before. */
  tell(saved: SavedState, delta?: Extract<StreamMessage, { type: 'delta' }>): void {
    this.#newest = saved
    if (delta === undefined) this.#isStale = true
    else if (!this.#isStale) this.#lines.push(lineOf(delta))
  }

  /** Whether all that was told is written, or being written. */
  get isFlushed(): boolean {
    return this.#newest === undefined || (!this.#isStale && this.#lines.length === 0)
  }

  /** Writes what was told; nothing when that is done. One call at a time. */
  async flush(): Promise<void> {
    const saved = this.#newest
    const isLong = this.#appendedBytes > Math.max(leastToRewrite, this.#snapshotBytes)
    if (saved === undefined || this.isFlushed) return
    const text = this.#lines.join('')
    const whole = this.#isStale || isLong
    this.#lines = []
    this.#isStale = false
    try {
      if (whole) await this.#rewrite(saved)
      else await this.#files.append(this.#path, text)
    } catch (error) {
      this.#isStale = true
      throw error
    }
    if (!whole) this.#appendedBytes += text.length
  }

  async #rewrite({ epoch, state }: SavedState): Promise<void> {
    const { revision } = state
    let bytes = 0
    await this.#files.replace(this.#path, async (file) => {
      const write = async (message: StreamMessage) => {
        const line = lineOf(message)
        bytes += line.length
        await file.write(line)
      }
      await write({ type: 'begin', version: stateVersion, epoch, revision })
      const records = listRecords(state)
      for (let at = 0; at < records.length; at += chunkSize) {
        await write({ type: 'records', changes: records.slice(at, at + chunkSize) })
        await nextTurn()
      }
      await write({ type: 'end', revision })
    })
    this.#snapshotBytes = bytes
    this.#appendedBytes = 0
  }
}

function lineOf(message: StreamMessage): string {
  return `${JSON.stringify(message)}\n`
}
