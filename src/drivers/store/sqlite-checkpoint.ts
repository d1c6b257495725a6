// Copies the write-ahead log back into the file, in a thread of its own: done within a commit, as SQLite does by itself,
// it would hold up every request for tens of milliseconds each second of load.
//
// The thread's passes (PASSIVE) never make a commit wait. When commits come without pause the log cannot start over by
// itself; beyond `maxFrames` it is made to, right after a pass, when little is left to copy.

import type { DatabaseSync } from 'node:sqlite'
import { Worker } from 'node:worker_threads'

/** Rows written between two passes: some MiB of log. */
const rowsBetween = 2_000
/** Pages of the log, 128 MiB, before it is made to start over. */
const maxFrames = 32_768

/** Text, so that programs stay single files. Answers each message with the number of pages in the log. */
const program = `
  const { parentPort, workerData } = require('node:worker_threads')
  const { DatabaseSync } = require('node:sqlite')
  const database = new DatabaseSync(workerData)
  database.exec('PRAGMA wal_autocheckpoint = 0; PRAGMA synchronous = FULL')
  const pass = database.prepare('PRAGMA wal_checkpoint(PASSIVE)')
  parentPort.on('message', () => parentPort.postMessage(Number(pass.get().log)))
`

export class Checkpoints {
  readonly #path: string
  readonly #database: DatabaseSync
  #worker: Worker | undefined
  #rows = 0
  #busy = false
  #failed = false

  /** `database`: the connection that writes; its own checkpoints are switched off. */
  constructor(path: string, database: DatabaseSync) {
    this.#path = path
    this.#database = database
    database.exec('PRAGMA wal_autocheckpoint = 0; PRAGMA journal_size_limit = 16777216')
  }

  /** Call after each commit, outside of transactions: starts a pass when one is due. The first one starts the thread. */
  wrote(rows: number): void {
    this.#rows += rows
    if (this.#rows < rowsBetween || this.#busy || this.#failed) return
    this.#rows = 0
    this.#busy = true
    this.#worker ??= this.#start()
    this.#worker.postMessage('pass')
  }

  /** Before the database is closed: closing it copies what is left. */
  async close(): Promise<void> {
    const worker = this.#worker
    this.#worker = undefined
    this.#failed = true
    await worker?.terminate()
  }

  #start(): Worker {
    const worker = new Worker(program, { eval: true, workerData: this.#path, execArgv: [] })
    worker.unref()
    worker.on('message', (frames: number) => this.#passed(frames))
    worker.on('error', () => this.#giveUp())
    return worker
  }

  #passed(frames: number): void {
    this.#busy = false
    if (this.#failed || frames < maxFrames) return
    this.#database.exec('PRAGMA wal_checkpoint(RESTART)')
  }

  /** Without the thread, slower: SQLite does it within commits. */
  #giveUp(): void {
    this.#failed = true
    this.#worker = undefined
    this.#database.exec('PRAGMA wal_autocheckpoint = 2000')
  }
}
