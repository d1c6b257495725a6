import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { DatabaseSync } from 'node:sqlite'
import { after, test } from 'node:test'
import { NetpluginError } from '../../lib/errors.ts'
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
