// The embedded store: one SQLite file, write-ahead log, `synchronous=FULL`. Commits that arrive in the same turn of the
// event loop share one transaction and one fsync (group commit); a promise resolves after the fsync.

import type { StatementSync } from 'node:sqlite'
import { asError, asNetpluginError, NetpluginError } from '../../lib/errors.ts'
import { Wakeup } from '../../lib/wakeup.ts'
import { LocalLeases } from './local-leases.ts'
import { compacted, meets } from './memory-data.ts'
import { Checkpoints } from './sqlite-checkpoint.ts'
import { openDatabase, type SqliteFiles } from './sqlite-file.ts'
import { LeasedRows } from './sqlite-leased.ts'
import { type LogRow, SqliteLog } from './sqlite-log.ts'
import type {
  Commit,
  CommitResult,
  Lease,
  Store,
  StoreChange,
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

export class SqliteStore implements Store {
  readonly #options: SqliteStoreOptions
  readonly #files: SqliteFiles
  readonly #checkpoints: Checkpoints
  readonly #log: SqliteLog
  readonly #setMeta: StatementSync
  readonly #leases = new LocalLeases()
  readonly #leasedRows: LeasedRows
  readonly #held = new Set<Lease>()
  readonly #wakeup = new Wakeup()
  readonly #epoch: string
  #queue: Waiting[] = []
  #revision: number
  #closed = false

  /** Opens or creates the file; throws STORE_IN_USE, STORE_DAMAGED, STORE_TOO_NEW. */
  constructor(options: SqliteStoreOptions, deps: StoreDeps) {
    this.#options = options
    this.#files = openDatabase(options.path, deps)
    const { database } = this.#files
    this.#checkpoints = new Checkpoints(options.path, database)
    const rows = database.prepare('SELECT name, value FROM meta').all()
    const meta = new Map(rows.map((row) => [String(row.name), row.value]))
    this.#setMeta = database.prepare('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)')
    this.#epoch = String(meta.get('epoch'))
    this.#revision = Number(meta.get('revision'))
    this.#log = new SqliteLog(database, Number(meta.get('compacted')))
    this.#leasedRows = new LeasedRows(database)
    // The lock says that who held them is gone.
    const orphans = this.#leasedRows.keys()
    if (orphans.length > 0) {
      void this.commit({ expect: [], put: [], delete: orphans }).catch(() => {})
      this.#flush()
    }
  }

  async snapshot(): Promise<StoreSnapshot> {
    this.#check()
    const entries: StoreEntry[] = []
    for (const { key, revision, value } of this.#log.current())
      entries.push({ key, value: parseValue(value), revision })
    entries.sort((a, b) => (a.key < b.key ? -1 : 1))
    return { revision: this.#revision, epoch: this.#epoch, entries }
  }

  async get(key: string): Promise<StoreEntry | undefined> {
    this.#check()
    const row = this.#log.newest(key)
    return row && { key, revision: row.revision, value: parseValue(row.value ?? '') }
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
      if (from < this.#log.compacted) throw compacted(from, this.#log.compacted)
      const commits = this.#commitsAfter(from)
      if (commits.length === 0) await this.#wakeup.wait(signal)
      for (const commit of commits) {
        if (signal.aborted) return
        from = commit.revision
        yield commit
      }
    }
  }

  async lease(_ttlMs: number): Promise<Lease> {
    this.#check()
    const lease = this.#leases.grant(async (id) => {
      this.#held.delete(lease)
      const keys = this.#leases.take(id)
      if (keys.length > 0) await this.commit({ expect: [], put: [], delete: keys })
    })
    this.#held.add(lease)
    return lease
  }

  async close(): Promise<void> {
    if (this.#closed) return
    await Promise.all([...this.#held].map((lease) => lease.end()))
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
    const before = { revision: this.#revision, compacted: this.#log.compacted }
    try {
      const { database } = this.#files
      database.exec('BEGIN IMMEDIATE')
      const results = queue.map(({ commit }) => this.#applied(commit))
      this.#log.compact(this.#options.historyLimit, this.#revision)
      if (this.#log.compacted !== before.compacted) this.#setMeta.run('compacted', this.#log.compacted)
      this.#setMeta.run('revision', this.#revision)
      database.exec('COMMIT')
      this.#log.committed()
      for (const [index, { commit, resolve, reject }] of queue.entries()) {
        const result = results[index]
        if (result instanceof NetpluginError) reject(result)
        else if (result !== undefined) {
          if (result.ok) this.#leases.follow(commit)
          resolve(result)
        }
      }
      this.#wakeup.wake()
    } catch (cause) {
      const error = this.#writeFailed(cause)
      this.#leasedRows.rolledBack()
      this.#revision = before.revision
      this.#log.rolledBack(before.compacted)
      for (const { reject } of queue) reject(error)
      return
    }
    let rows = 0
    for (const { commit } of queue) rows += commit.put.length + commit.delete.length
    this.#checkpoints.wrote(rows)
  }

  /** The result, or why this one was refused while others of the transaction go on. */
  #applied(commit: Commit): CommitResult | NetpluginError {
    try {
      for (const { lease } of commit.put) this.#leases.check(lease)
    } catch (error) {
      return asNetpluginError(error)
    }
    return this.#apply(commit)
  }

  #apply(commit: Commit): CommitResult {
    const log = this.#log
    for (const { key, revision } of commit.expect) {
      if (!meets(log.revisionOf(key), revision)) return { ok: false, conflict: key }
    }
    const revision = ++this.#revision
    for (const key of commit.delete) {
      if (log.revisionOf(key) === 0) continue
      log.append({ key, revision, value: null })
      this.#leasedRows.set(key, false)
    }
    for (const { key, value, lease } of commit.put) {
      log.append({ key, revision, value: JSON.stringify(value) })
      this.#leasedRows.set(key, lease !== undefined)
    }
    return { ok: true, revision }
  }

  #commitsAfter(from: number): StoreCommit[] {
    const commits: { revision: number; changes: StoreChange[] }[] = []
    const rows = this.#log.after(from, watchBatch)
    for (const row of rows) {
      const last = commits.at(-1)
      if (last?.revision === row.revision) last.changes.push(changeOf(row))
      else commits.push({ revision: row.revision, changes: [changeOf(row)] })
    }
    // A full page may end inside a commit: leave that one for the next page, unless it fills the page by itself.
    const last = commits.at(-1)
    if (rows.length < watchBatch || last === undefined) return commits
    if (commits.length > 1) return commits.slice(0, -1)
    return [{ revision: last.revision, changes: this.#log.of(last.revision).map(changeOf) }]
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

function changeOf({ key, value }: LogRow): StoreChange {
  return { key, value: value === null ? null : parseValue(value) }
}

function parseValue(text: string): StoreValue {
  const value: unknown = JSON.parse(text)
  if (value === null || value === undefined) {
    throw new NetpluginError('unavailable', 'STORE_DAMAGED', 'the store holds a null value')
  }
  return value as StoreValue
}
