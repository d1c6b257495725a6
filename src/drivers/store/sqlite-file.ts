// The file of the embedded store: who may open it, its tables and their version.
//
// Layout (schema version 2): `meta(name, value)`: schema, epoch, revision, compacted; `log(id, revision, key, value)`: what
// each commit wrote, as JSON text, NULL for a deletion (see sqlite-log.ts); `leased(key)`: keys that end with the process that
// has the file open. The view `entries` shows the newest of each key.

import { DatabaseSync } from 'node:sqlite'
import { asError, NetpluginError } from '../../lib/errors.ts'
import type { StoreDeps } from './store.ts'

const schemaVersion = 2

const metaTable = 'CREATE TABLE IF NOT EXISTS meta (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;'

/** Older versions do not know it and leave it alone, and the keys in it too. */
const leasedTable = 'CREATE TABLE IF NOT EXISTS leased (key TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;'

const tables = `
  CREATE TABLE log (id INTEGER PRIMARY KEY, revision INTEGER NOT NULL, key TEXT NOT NULL, value TEXT) STRICT;
  CREATE INDEX log_revision ON log (revision);
  CREATE VIEW entries AS SELECT key, value, revision FROM log
    WHERE id IN (SELECT max(id) FROM log GROUP BY key) AND value IS NOT NULL ORDER BY key;
`

/** Version 1 kept the newest of each key in a table and what commits wrote in another. */
const fromVersion1 = `
  ALTER TABLE entries RENAME TO old_entries;
  ${tables}
  INSERT INTO log (revision, key, value) SELECT revision, key, value FROM (
    SELECT revision, 0 AS sequence, key, value FROM old_entries
      WHERE revision <= (SELECT value FROM meta WHERE name = 'compacted')
    UNION ALL SELECT revision, sequence, key, value FROM history
  ) ORDER BY revision, sequence;
  DROP TABLE old_entries;
  DROP TABLE history;
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
  database.exec(metaTable + leasedTable)
  const set = database.prepare('INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?)')
  const found = database.prepare("SELECT value FROM meta WHERE name = 'schema'").get()?.value
  if (found === undefined) {
    database.exec(tables)
    set.run('epoch', deps.newEpoch())
    set.run('revision', 0)
    set.run('compacted', 0)
  } else if (Number(found) > schemaVersion) {
    const message = `the store ${path} has schema ${found}, made by a newer version; this one reads up to ${schemaVersion}`
    throw new NetpluginError('conflict', 'STORE_TOO_NEW', message, { details: { path } })
  } else if (Number(found) === 1) {
    database.exec(fromVersion1)
  }
  if (found !== schemaVersion) set.run('schema', schemaVersion)
  database.exec('COMMIT')
}
