// Reads the file of the embedded store while netmaster has it open, or not: at one point in time, changing nothing.

import { existsSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { asError, NetpluginError } from '../../lib/errors.ts'
import type { StoreEntry, StoreSnapshot, StoreValue } from './store.ts'

/** Without the keys that end with the process that has it open. Throws `not-found` NO_STORE, STORE_DAMAGED. */
export function readSqlite(path: string): StoreSnapshot {
  if (!existsSync(path)) {
    const message = `there is no store ${path}; check the directory (--state-dir, or sqlite:DIRECTORY)`
    throw new NetpluginError('not-found', 'NO_STORE', message, { details: { path } })
  }
  try {
    const database = new DatabaseSync(path, { readOnly: true })
    try {
      database.exec('BEGIN')
      const rows = database.prepare('SELECT name, value FROM meta').all()
      const meta = new Map(rows.map(({ name, value }) => [String(name), value]))
      const leased = database.prepare("SELECT name FROM sqlite_schema WHERE name = 'leased'").get() !== undefined
      const but = leased ? 'WHERE key NOT IN (SELECT key FROM leased)' : ''
      const found = database.prepare(`SELECT key, value, revision FROM entries ${but} ORDER BY key`).all()
      const entries = found.map(
        ({ key, value, revision }): StoreEntry => ({
          key: String(key),
          value: JSON.parse(String(value)) as StoreValue,
          revision: Number(revision),
        }),
      )
      return { revision: Number(meta.get('revision')), epoch: String(meta.get('epoch')), entries }
    } finally {
      database.close()
    }
  } catch (cause) {
    const message = `cannot read the store ${path}: ${asError(cause).message}; is it a store of netmaster, and may you read it?`
    throw new NetpluginError('unavailable', 'STORE_DAMAGED', message, { cause, details: { path } })
  }
}
