import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import fc from 'fast-check'
import { NetpluginError } from '../../lib/errors.ts'
import { MemoryStore } from './memory.ts'
import { SqliteStore } from './sqlite.ts'
import { testStore } from './store.contract.ts'

const directory = mkdtempSync(join(tmpdir(), 'netplugin-store-'))
after(() => rmSync(directory, { recursive: true }))

let files = 0
const newPath = () => join(directory, `state-${files++}.sqlite`)
const open = (path: string, epoch = 'epoch-of-a-test') =>
  new SqliteStore({ historyLimit: 20, path }, { newEpoch: () => epoch })

testStore({ name: 'sqlite store', open: async () => open(newPath()) })

const code = (expected: string) => (error: unknown) => error instanceof NetpluginError && error.code === expected

test('sqlite store: entries, revision, epoch and history are there after opening the file again', async () => {
  const path = newPath()
  const first = open(path)
  await first.commit({ expect: [], put: [{ key: 'a', value: 1 }], delete: [] })
  await first.commit({ expect: [], put: [{ key: 'b', value: 2 }], delete: ['a'] })
  await first.close()
  const second = open(path, 'another epoch')
  const snapshot = await second.snapshot()
  assert.deepEqual(snapshot, {
    revision: 2,
    epoch: 'epoch-of-a-test',
    entries: [{ key: 'b', value: 2, revision: 2 }],
  })
  const seen = []
  for await (const commit of second.watch(0, AbortSignal.timeout(5_000))) {
    seen.push(commit.revision)
    if (commit.revision === 2) break
  }
  assert.deepEqual(seen, [1, 2])
  await second.close()
})

test('sqlite store: a second opener of the same file is refused, and may open it after the first has closed', async () => {
  const path = newPath()
  const first = open(path)
  assert.throws(() => open(path), code('STORE_IN_USE'))
  await first.close()
  await open(path).close()
})

test('sqlite store: a file that is no database is refused with its path', () => {
  const path = newPath()
  writeFileSync(path, 'this is not a database at all, but long enough to be looked at '.repeat(20))
  assert.throws(
    () => open(path),
    (error) => code('STORE_DAMAGED')(error) && String(error).includes(path),
  )
})

test('sqlite store: a file of a newer schema is refused and left alone', async () => {
  const path = newPath()
  await open(path).close()
  const database = new DatabaseSync(path)
  database.exec("UPDATE meta SET value = 99 WHERE name = 'schema'")
  database.close()
  assert.throws(() => open(path), code('STORE_TOO_NEW'))
})

test('sqlite store: a directory that does not exist is named', () => {
  assert.throws(() => open('/nonexistent/dir/state.sqlite'), code('STORE_DAMAGED'))
})

test('sqlite store: keys of a lease whose process was killed are gone when the file is opened again', async () => {
  const path = newPath()
  const first = open(path)
  const lease = await first.lease(1_000)
  const put = ['a', 'b', 'c'].map((key) => ({ key, value: 1, lease: lease.id }))
  await first.commit({ expect: [], put: [...put, { key: 'kept', value: 1 }], delete: [] })
  await first.commit({ expect: [], put: [{ key: 'b', value: 2 }], delete: ['c'] })
  // What a kill leaves: the files as they are now.
  const copy = newPath()
  for (const end of ['', '-wal']) copyFileSync(path + end, copy + end)
  const second = open(copy)
  const { entries } = await second.snapshot()
  assert.deepEqual(
    entries.map(({ key }) => key),
    ['b', 'kept'],
  )
  assert.deepEqual(await commitsAfter(second, 2, 3), [{ revision: 3, changes: [{ key: 'a', value: null }] }])
  await Promise.all([first.close(), second.close()])
})

// The child commits as fast as it can and prints each number once the commit is acknowledged; it is killed in the middle.
const writer = `
  import { SqliteStore } from ${JSON.stringify(new URL('./sqlite.ts', import.meta.url).href)}
  const store = new SqliteStore({ historyLimit: 1000, path: process.argv[1] }, { newEpoch: () => 'crash-test' })
  let n = 0
  while (true) {
    const batch = [n++, n++, n++]
    await Promise.all(batch.map((i) =>
      store.commit({ expect: [{ key: 'k' + i, revision: 0 }], put: [{ key: 'k' + i, value: i }], delete: [] })
        .then(() => process.stdout.write(i + '\\n'))))
  }
`

test('sqlite store: every acknowledged commit is there after kill -9', async () => {
  const path = newPath()
  const child = spawn(process.execPath, ['--input-type=module', '-e', writer, path], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const exited = once(child, 'exit')
  const acknowledged: number[] = []
  for await (const line of createInterface(child.stdout)) {
    acknowledged.push(Number(line))
    if (acknowledged.length === 300) child.kill('SIGKILL')
  }
  await exited
  assert.ok(acknowledged.length >= 300)
  const store = open(path)
  const kept = new Set((await store.snapshot()).entries.map((entry) => entry.value))
  assert.deepEqual(
    acknowledged.filter((n) => !kept.has(n)),
    [],
  )
  await store.close()
})

const version1 = `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value ANY) STRICT, WITHOUT ROWID;
  CREATE TABLE entries (key TEXT PRIMARY KEY, value TEXT NOT NULL, revision INTEGER NOT NULL) STRICT;
  CREATE TABLE history (
    revision INTEGER NOT NULL, sequence INTEGER NOT NULL, key TEXT NOT NULL, value TEXT,
    PRIMARY KEY (revision, sequence)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO meta VALUES ('schema', 1), ('epoch', 'of old'), ('revision', 5), ('compacted', 2);
  INSERT INTO entries VALUES ('new', '"n"', 4), ('ancient', '{"a":1}', 1), ('b', '3', 5);
  INSERT INTO history VALUES (3, 0, 'b', '2'), (3, 1, 'gone', '0'), (4, 0, 'gone', NULL), (4, 1, 'new', '"n"'), (5, 0, 'b', '3');
`

test('sqlite store: a file of schema 1 is read, with its history, and written on', async () => {
  const path = newPath()
  const database = new DatabaseSync(path)
  database.exec(version1)
  database.close()
  const store = open(path)
  const { revision, epoch, entries } = await store.snapshot()
  assert.deepEqual([revision, epoch], [5, 'of old'])
  assert.deepEqual(entries, [
    { key: 'ancient', value: { a: 1 }, revision: 1 },
    { key: 'b', value: 3, revision: 5 },
    { key: 'new', value: 'n', revision: 4 },
  ])
  assert.deepEqual(await store.commit({ expect: [{ key: 'b', revision: 5 }], put: [], delete: ['b'] }), {
    ok: true,
    revision: 6,
  })
  assert.deepEqual(await commitsAfter(store, 2, 6), [
    {
      revision: 3,
      changes: [
        { key: 'b', value: 2 },
        { key: 'gone', value: 0 },
      ],
    },
    {
      revision: 4,
      changes: [
        { key: 'gone', value: null },
        { key: 'new', value: 'n' },
      ],
    },
    { revision: 5, changes: [{ key: 'b', value: 3 }] },
    { revision: 6, changes: [{ key: 'b', value: null }] },
  ])
  await assert.rejects(commitsAfter(store, 1, 6), code('COMPACTED'))
  await store.close()
  const again = open(path)
  assert.deepEqual(
    (await again.snapshot()).entries.map(({ key }) => key),
    ['ancient', 'new'],
  )
  await again.close()
})

test('sqlite store: what a failed write replaced is there as before, and can be written again', async () => {
  const path = newPath()
  const store = open(path)
  await store.commit({
    expect: [],
    put: [
      { key: 'a', value: 1 },
      { key: 'b', value: 1 },
    ],
    delete: [],
  })
  const other = new DatabaseSync(path)
  other.exec("CREATE TRIGGER full BEFORE INSERT ON log WHEN NEW.key = 'no' BEGIN SELECT RAISE(ABORT, 'no space'); END")
  const put = [
    { key: 'a', value: 2 },
    { key: 'c', value: 2 },
    { key: 'no', value: 2 },
  ]
  await assert.rejects(store.commit({ expect: [], put, delete: ['b'] }), code('STORE_WRITE_FAILED'))
  other.exec('DROP TRIGGER full')
  other.close()
  const expect = [
    { key: 'a', revision: 1 },
    { key: 'b', revision: 1 },
    { key: 'c', revision: 0 },
  ]
  assert.deepEqual(await store.commit({ expect, put, delete: ['b'] }), { ok: true, revision: 2 })
  const keys = (await store.snapshot()).entries.map(({ key, revision }) => [key, revision])
  assert.deepEqual(keys, [
    ['a', 2],
    ['c', 2],
    ['no', 2],
  ])
  await store.close()
})

test('sqlite store: random commits, with the file opened again in between: as the memory store, and no old rows left', async () => {
  const key = fc.constantFrom('a', 'b', 'c', 'd', 'e')
  const commit = fc.record({
    put: fc.uniqueArray(key, { maxLength: 4 }),
    remove: fc.uniqueArray(key, { maxLength: 2 }),
  })
  const step = fc.oneof({ weight: 9, arbitrary: commit }, { weight: 1, arbitrary: fc.constant('reopen' as const) })
  const limit = 6
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 150 }), async (steps) => {
      const path = newPath()
      const reopen = () => new SqliteStore({ historyLimit: limit, path }, { newEpoch: () => 'e' })
      let store = reopen()
      const model = new MemoryStore({ historyLimit: limit }, { newEpoch: () => 'e' })
      let number = 0
      for (const each of steps) {
        if (each === 'reopen') {
          await store.close()
          store = reopen()
          continue
        }
        const put = each.put.map((name) => ({ key: name, value: number++ }))
        const wanted = { expect: [], put, delete: each.remove.filter((name) => !each.put.includes(name)) }
        assert.deepEqual(await store.commit(wanted), await model.commit(wanted))
      }
      const snapshot = await store.snapshot()
      assert.deepEqual(snapshot, await model.snapshot())
      await store.close()
      const database = new DatabaseSync(path)
      const seen = database.prepare('SELECT key, value, revision FROM entries').all()
      const rows = Number(database.prepare('SELECT count(*) AS n FROM log').get()?.n)
      database.close()
      const inFile = seen.map(({ key, value, revision }) => ({ key, value: JSON.parse(String(value)), revision }))
      assert.deepEqual(inFile, snapshot.entries)
      // Compaction lags by 100 changes and a commit.
      assert.ok(rows <= snapshot.entries.length + limit + 106, `${rows} rows`)
    }),
    { numRuns: 30 },
  )
})

async function commitsAfter(store: SqliteStore, from: number, until: number) {
  const seen = []
  for await (const commit of store.watch(from, AbortSignal.timeout(5_000))) {
    seen.push(commit)
    if (commit.revision === until) break
  }
  return seen
}
