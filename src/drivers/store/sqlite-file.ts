// The file of the embedded store: who may open it, its tables and their version.
//
// Layout (schema version 1): `meta(name, value)`: schema, epoch, revision, compacted; `entries(key, value, revision)`:
// values as JSON text, rows in the order they came, so that new keys at random change few pages; `history(revision,
// sequence, key, value)`: what each commit wrote, NULL for a deletion.

import { DatabaseSync } from 'node:sqlite'
import { asError, NetpluginError } from '../../lib/errors.ts'
import type { StoreDeps } from './store.ts'

const schemaVersion = 1

const tables = `
  CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
  CREATE TABLE IF NOT EXISTS entries (key TEXT PRIMARY KEY, value TEXT NOT NULL, revision INTEGER NOT NULL) STRICT;
  CREATE TABLE IF NOT EXISTS history (
    revision INTEGER NOT NULL, sequence INTEGER NOT NULL, key TEXT NOT NULL, value TEXT,
    PRIMARY KEY (revision, sequence)
  ) STRICT, WITHOUT ROWID;
`

export interface SqliteFiles {
  readonly database: DatabaseSync
  close(): void
}

/** Opens the file for this process alone; the lock goes with the process, however it ends. */
export function openDatabase(path: string, deps: StoreDeps): SqliteFiles {
  const lock = takeLock(`${path}.lock`, path)
  try {
    const database = new DatabaseSync(path)
    try {
      database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -8000')
      createTables(database, path, deps)
    } catch (error) {
      database.close()
      throw error
    }
    return {
      database,
      close: () => {
        database.close()
        lock.close()
      },
    }
  } catch (error) {
    lock.close()
    if (error instanceof NetpluginError) throw error
    const message = `cannot open the store ${path}: ${asError(error).message}; check the file, or move it away to start anew`
    throw new NetpluginError('unavailable', 'STORE_DAMAGED', message, { cause: error, details: { path } })
  }
}

/** An exclusive transaction on a file beside the store: readers of the store itself are not kept out. */
function takeLock(lockPath: string, path: string): DatabaseSync {
  let lock: DatabaseSync
  try {
    lock = new DatabaseSync(lockPath, { timeout: 0 })
  } catch (cause) {
    const message = `cannot open the store ${path}: ${asError(cause).message}; does the directory exist, and may we write there?`
    throw new NetpluginError('unavailable', 'STORE_DAMAGED', message, { cause, details: { path } })
  }
  try {
    lock.exec('BEGIN EXCLUSIVE')
    return lock
  } catch (cause) {
    lock.close()
    const message = `another netmaster uses the store ${path}; stop it, or choose another --state-dir`
    throw new NetpluginError('conflict', 'STORE_IN_USE', message, { cause, details: { path } })
  }
}

function createTables(database: DatabaseSync, path: string, deps: StoreDeps): void {
  database.exec('BEGIN IMMEDIATE')
  database.exec(tables)
  const found = database.prepare("SELECT value FROM meta WHERE name = 'schema'").get()?.value
  if (found === undefined) {
    const insert = database.prepare('INSERT INTO meta (name, value) VALUES (?, ?)')
    insert.run('schema', schemaVersion)
    insert.run('epoch', deps.newEpoch())
    insert.run('revision', 0)
    insert.run('compacted', 0)
  } else if (Number(found) > schemaVersion) {
    const message = `the store ${path} has schema ${found}, made by a newer version; this one reads up to ${schemaVersion}`
    throw new NetpluginError('conflict', 'STORE_TOO_NEW', message, { details: { path } })
  }
  database.exec('COMMIT')
}
