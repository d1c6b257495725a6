// The embedded store: one SQLite file, write-ahead log, `synchronous=FULL`. Commits that arrive in the same turn of the
// event loop share one transaction and one fsync (group commit); a promise resolves after the fsync.

import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { asError, NetpluginError } from '../../lib/errors.ts'
import { Wakeup } from '../../lib/wakeup.ts'
import { compacted } from './memory.ts'
import { Checkpoints } from './sqlite-checkpoint.ts'
import { openDatabase, type SqliteFiles } from './sqlite-file.ts'
import type {
  Commit,
  CommitResult,
  Store,
  StoreCommit,
  StoreDeps,
  StoreEntry,
  StoreOptions,
  StoreSnapshot,
  StoreValue,
} from './store.ts'

export interface SqliteStoreOptions extends StoreOptions {
  /** Path of the file; its directory must exist. */
  readonly path: string
}

interface Waiting {
  readonly commit: Commit
  readonly resolve: (result: CommitResult) => void
  readonly reject: (error: NetpluginError) => void
}

/** Rows a watcher reads at once. */
const watchBatch = 1_000
/** Changes of the history that are dropped at once. */
const maxSlice = 1_000

export class SqliteStore implements Store {
  readonly #options: SqliteStoreOptions
  readonly #files: SqliteFiles
  readonly #checkpoints: Checkpoints
  readonly #statements: Statements
  readonly #wakeup = new Wakeup()
  readonly #epoch: string
  #queue: Waiting[] = []
  #revision: number
  #compacted: number
  #historyChanges: number
  #closed = false

  /** Opens or creates the file; throws STORE_IN_USE, STORE_DAMAGED, STORE_TOO_NEW. */
  constructor(options: SqliteStoreOptions, deps: StoreDeps) {
    this.#options = options
    this.#files = openDatabase(options.path, deps)
    const { database } = this.#files
    this.#checkpoints = new Checkpoints(options.path, database)
    this.#statements = prepare(database)
    const meta = new Map(this.#statements.meta.all().map((row) => [String(row.name), row.value]))
    this.#epoch = String(meta.get('epoch'))
    this.#revision = Number(meta.get('revision'))
    this.#compacted = Number(meta.get('compacted'))
    this.#historyChanges = Number(this.#statements.historyCount.get()?.n)
  }

  async snapshot(): Promise<StoreSnapshot> {
    this.#check()
    const entries: StoreEntry[] = []
    for (const row of this.#statements.all.iterate()) {
      entries.push({ key: String(row.key), value: parseValue(row.value), revision: Number(row.revision) })
    }
    return { revision: this.#revision, epoch: this.#epoch, entries }
  }

  commit(commit: Commit): Promise<CommitResult> {
    if (this.#closed) return Promise.reject(closed())
    return new Promise((resolve, reject) => {
      this.#queue.push({ commit, resolve, reject })
      if (this.#queue.length === 1) setImmediate(() => this.#flush())
    })
  }

  async *watch(fromRevision: number, signal: AbortSignal): AsyncIterable<StoreCommit> {
    let from = fromRevision
    while (!signal.aborted) {
      this.#check()
      if (from < this.#compacted) throw compacted(from, this.#compacted)
      const commits = this.#commitsAfter(from)
      if (commits.length === 0) await this.#wakeup.wait(signal)
      for (const commit of commits) {
        if (signal.aborted) return
        from = commit.revision
        yield commit
      }
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#flush()
    this.#closed = true
    this.#wakeup.wake()
    await this.#checkpoints.close()
    this.#files.close()
  }

  #flush(): void {
    const queue = this.#queue
    this.#queue = []
    if (queue.length === 0) return
    const before = { revision: this.#revision, compacted: this.#compacted, historyChanges: this.#historyChanges }
    try {
      const { database } = this.#files
      database.exec('BEGIN IMMEDIATE')
      const results = queue.map(({ commit }) => this.#apply(commit))
      this.#compact()
      this.#statements.setMeta.run('revision', this.#revision)
      database.exec('COMMIT')
      for (const [index, { resolve }] of queue.entries()) {
        const result = results[index]
        if (result !== undefined) resolve(result)
      }
      this.#wakeup.wake()
    } catch (cause) {
      this.#revision = before.revision
      this.#compacted = before.compacted
      this.#historyChanges = before.historyChanges
      const error = this.#writeFailed(cause)
      for (const { reject } of queue) reject(error)
      return
    }
    let rows = 0
    for (const { commit } of queue) rows += commit.put.length + commit.delete.length
    this.#checkpoints.wrote(rows)
  }

  #apply(commit: Commit): CommitResult {
    const { revisionOf, put, remove, remember } = this.#statements
    for (const { key, revision } of commit.expect) {
      if (Number(revisionOf.get(key)?.revision ?? 0) !== revision) return { ok: false, conflict: key }
    }
    const revision = ++this.#revision
    let sequence = 0
    for (const key of commit.delete) {
      if (Number(remove.run(key).changes) === 0) continue
      remember.run(revision, sequence++, key, null)
    }
    for (const { key, value } of commit.put) {
      const text = JSON.stringify(value)
      put.run(key, text, revision)
      remember.run(revision, sequence++, key, text)
    }
    this.#historyChanges += sequence
    return { ok: true, revision }
  }

  /** Drops old history in slices, so that its cost is spread. */
  #compact(): void {
    const limit = this.#options.historyLimit
    if (this.#historyChanges <= limit + Math.min(limit * 0.1 + 100, maxSlice)) return
    const row = this.#statements.historyEdge.get(this.#historyChanges - limit)
    const edge = Math.min(Number(row?.revision ?? 0), this.#revision - 1)
    if (edge <= this.#compacted) return
    const dropped = this.#statements.forget.run(edge)
    this.#historyChanges -= Number(dropped.changes)
    this.#compacted = edge
    this.#statements.setMeta.run('compacted', edge)
  }

  #commitsAfter(from: number): StoreCommit[] {
    const commits: { revision: number; changes: { key: string; value: StoreValue | null }[] }[] = []
    const rows = this.#statements.history.all(from, watchBatch)
    for (const row of rows) {
      const revision = Number(row.revision)
      const value = row.value === null ? null : parseValue(row.value)
      const last = commits.at(-1)
      const change = { key: String(row.key), value }
      if (last?.revision === revision) last.changes.push(change)
      else commits.push({ revision, changes: [change] })
    }
    // A full page may end inside a commit: leave that one for the next page, unless it fills the page by itself.
    const last = commits.at(-1)
    if (rows.length < watchBatch || last === undefined) return commits
    if (commits.length > 1) return commits.slice(0, -1)
    const changes = this.#statements.oneCommit.all(last.revision).map((row) => ({
      key: String(row.key),
      value: row.value === null ? null : parseValue(row.value),
    }))
    return [{ revision: last.revision, changes }]
  }

  #writeFailed(cause: unknown): NetpluginError {
    try {
      if (this.#files.database.isTransaction) this.#files.database.exec('ROLLBACK')
    } catch {
      // The first failure is the one to tell.
    }
    const { path } = this.#options
    const message = `cannot write to the store ${path}: ${asError(cause).message}; check free space and permissions`
    return new NetpluginError('unavailable', 'STORE_WRITE_FAILED', message, { cause, details: { path } })
  }

  #check(): void {
    if (this.#closed) throw closed()
  }
}

function closed(): NetpluginError {
  return new NetpluginError('unavailable', 'STORE_CLOSED', 'the store is closed')
}

function parseValue(text: unknown): StoreValue {
  const value: unknown = JSON.parse(String(text))
  if (value === null || value === undefined) {
    throw new NetpluginError('unavailable', 'STORE_DAMAGED', 'the store holds a null value')
  }
  return value as StoreValue
}

interface Statements {
  readonly meta: StatementSync
  readonly setMeta: StatementSync
  readonly all: StatementSync
  readonly revisionOf: StatementSync
  readonly put: StatementSync
  readonly remove: StatementSync
  readonly remember: StatementSync
  readonly history: StatementSync
  readonly oneCommit: StatementSync
  readonly historyCount: StatementSync
  readonly historyEdge: StatementSync
  readonly forget: StatementSync
}

function prepare(database: DatabaseSync): Statements {
  const sql = (text: string) => database.prepare(text)
  return {
    meta: sql('SELECT name, value FROM meta'),
    setMeta: sql('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)'),
    all: sql('SELECT key, value, revision FROM entries ORDER BY key'),
    revisionOf: sql('SELECT revision FROM entries WHERE key = ?'),
    put: sql(`INSERT INTO entries (key, value, revision) VALUES (?, ?, ?)
      ON CONFLICT (key) DO UPDATE SET value = excluded.value, revision = excluded.revision`),
    remove: sql('DELETE FROM entries WHERE key = ?'),
    remember: sql('INSERT INTO history (revision, sequence, key, value) VALUES (?, ?, ?, ?)'),
    history: sql('SELECT revision, key, value FROM history WHERE revision > ? ORDER BY revision, sequence LIMIT ?'),
    oneCommit: sql('SELECT key, value FROM history WHERE revision = ? ORDER BY sequence'),
    historyCount: sql('SELECT count(*) AS n FROM history'),
    historyEdge: sql('SELECT revision FROM history ORDER BY revision, sequence LIMIT 1 OFFSET ?'),
    forget: sql('DELETE FROM history WHERE revision <= ?'),
  }
}
