// Which keys of the file end with this process: rows of `leased`, changed in the transaction that writes the key.

import type { DatabaseSync, StatementSync } from 'node:sqlite'

export class LeasedRows {
  readonly #select: StatementSync
  readonly #insert: StatementSync
  readonly #remove: StatementSync
  /** What the table holds, the open transaction included. */
  #rows: Set<string>

  constructor(database: DatabaseSync) {
    this.#select = database.prepare('SELECT key FROM leased')
    this.#insert = database.prepare('INSERT INTO leased (key) VALUES (?)')
    this.#remove = database.prepare('DELETE FROM leased WHERE key = ?')
    this.#rows = this.#read()
  }

  keys(): readonly string[] {
    return [...this.#rows]
  }

  /** Within the transaction. */
  set(key: string, leased: boolean): void {
    if (this.#rows.has(key) === leased) return
    if (leased) this.#rows.add(key)
    else this.#rows.delete(key)
    const statement = leased ? this.#insert : this.#remove
    statement.run(key)
  }

  /** The transaction did not happen. */
  rolledBack(): void {
    this.#rows = this.#read()
  }

  #read(): Set<string> {
    return new Set(this.#select.all().map(({ key }) => String(key)))
  }
}
