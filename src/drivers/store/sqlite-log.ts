// The rows of the embedded store: every change at the end of one table, the newest of a key being its value. Where that is,
// memory knows: nobody else has the file open. A commit so writes a few pages at the end, however its keys are spread.
//
// A row that is no longer the newest of its key stays as long as watchers may ask for it, and is deleted when history is
// compacted beyond it, or when it is replaced later than that.

import type { DatabaseSync, StatementSync } from 'node:sqlite'

export interface LogRow {
  readonly key: string
  readonly revision: number
  /** JSON text; null: deleted. */
  readonly value: string | null
}

/** The newest row of a key. */
interface Newest {
  readonly id: number
  readonly revision: number
}

/** Changes of the history that are compacted at once, so that the cost is spread. */
const maxSlice = 1_000

export class SqliteLog {
  readonly #statements: Statements
  readonly #newest = new Map<string, Newest>()
  /** What the open transaction replaced, in order. */
  #replaced: { readonly key: string; readonly before: Newest | undefined }[] = []
  #lastId = 0
  /** Rows after `compacted`. */
  #kept: number
  #compacted: number

  constructor(database: DatabaseSync, compacted: number) {
    this.#statements = prepare(database)
    this.#compacted = compacted
    this.#kept = Number(this.#statements.countAfter.get(compacted)?.n)
    for (const row of this.#statements.keys.iterate()) {
      const key = String(row.key)
      this.#lastId = Number(row.id)
      if (row.gone === 1) this.#newest.delete(key)
      else this.#newest.set(key, { id: this.#lastId, revision: Number(row.revision) })
    }
  }

  /** The revision up to which changes are no longer kept. */
  get compacted(): number {
    return this.#compacted
  }

  /** Of the commit that wrote the key last; 0: it does not exist. */
  revisionOf(key: string): number {
    return this.#newest.get(key)?.revision ?? 0
  }

  /** The newest row of a key; undefined: it does not exist. */
  newest(key: string): LogRow | undefined {
    const newest = this.#newest.get(key)
    const row = newest && this.#statements.one.get(newest.id)
    return row && changeOf(row)
  }

  append({ key, revision, value }: LogRow): void {
    const id = ++this.#lastId
    const before = this.#newest.get(key)
    this.#statements.append.run(id, revision, key, value)
    this.#replaced.push({ key, before })
    this.#kept++
    if (value === null) this.#newest.delete(key)
    else this.#newest.set(key, { id, revision })
    if (before !== undefined && before.revision <= this.#compacted) this.#statements.remove.run(before.id)
  }

  /** Within the transaction, forgets some of what lies further back than `limit` changes and before `revision`. */
  compact(limit: number, revision: number): void {
    if (this.#kept <= limit + Math.min(limit * 0.1 + 100, maxSlice)) return
    const from = this.#compacted
    const row = this.#statements.edge.get(from, this.#kept - limit)
    const edge = Math.min(Number(row?.revision ?? 0), revision - 1)
    if (edge <= from) return
    for (const { id, key } of this.#statements.between.all(from, edge)) {
      if (this.#newest.get(String(key))?.id !== id) this.#statements.remove.run(Number(id))
      this.#kept--
    }
    this.#compacted = edge
  }

  /** The transaction is durable. */
  committed(): void {
    this.#replaced = []
  }

  /** The transaction did not happen; `compacted` as it was before. */
  rolledBack(compacted: number): void {
    for (const { key, before } of this.#replaced.reverse()) {
      if (before === undefined) this.#newest.delete(key)
      else this.#newest.set(key, before)
    }
    this.#replaced = []
    this.#compacted = compacted
    this.#kept = Number(this.#statements.countAfter.get(compacted)?.n)
  }

  /** What is there now, in order of writing. */
  *current(): Iterable<LogRow & { readonly value: string }> {
    for (const row of this.#statements.all.iterate()) {
      const key = String(row.key)
      const newest = this.#newest.get(key)
      if (newest !== undefined && newest.id === row.id) {
        yield { key, revision: newest.revision, value: String(row.value) }
      }
    }
  }

  /** At most `limit` changes after a revision. */
  after(revision: number, limit: number): LogRow[] {
    return this.#statements.after.all(revision, limit).map(changeOf)
  }

  /** The changes of one commit. */
  of(revision: number): LogRow[] {
    return this.#statements.of.all(revision).map(changeOf)
  }
}

function changeOf(row: Record<string, unknown>): LogRow {
  return { key: String(row.key), revision: Number(row.revision), value: row.value === null ? null : String(row.value) }
}

interface Statements {
  readonly keys: StatementSync
  readonly all: StatementSync
  readonly append: StatementSync
  readonly remove: StatementSync
  readonly after: StatementSync
  readonly of: StatementSync
  readonly one: StatementSync
  readonly countAfter: StatementSync
  readonly edge: StatementSync
  readonly between: StatementSync
}

function prepare(database: DatabaseSync): Statements {
  const sql = (text: string) => database.prepare(text)
  return {
    keys: sql('SELECT id, revision, key, value IS NULL AS gone FROM log ORDER BY id'),
    all: sql('SELECT id, key, value FROM log ORDER BY id'),
    append: sql('INSERT INTO log (id, revision, key, value) VALUES (?, ?, ?, ?)'),
    remove: sql('DELETE FROM log WHERE id = ?'),
    after: sql('SELECT revision, key, value FROM log WHERE revision > ? ORDER BY revision, id LIMIT ?'),
    of: sql('SELECT revision, key, value FROM log WHERE revision = ? ORDER BY id'),
    one: sql('SELECT revision, key, value FROM log WHERE id = ?'),
    countAfter: sql('SELECT count(*) AS n FROM log WHERE revision > ?'),
    edge: sql('SELECT revision FROM log WHERE revision > ? ORDER BY revision, id LIMIT 1 OFFSET ?'),
    between: sql('SELECT id, key FROM log WHERE revision > ? AND revision <= ?'),
  }
}
