import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { SqliteStore } from './sqlite.ts'

const directory = mkdtempSync(join(tmpdir(), 'netplugin-checkpoint-'))
after(() => rmSync(directory, { recursive: true }))

const open = (path: string) => new SqliteStore({ path, historyLimit: 1_000 }, { newEpoch: () => 'epoch' })

async function write(store: SqliteStore, from: number, to: number): Promise<void> {
  for (let first = from; first < to; first += 100) {
    const put = Array.from({ length: 100 }, (_, at) => ({ key: `k${first + at}`, value: 'x'.repeat(400) }))
    await store.commit({ expect: [], put, delete: [] })
  }
}

test('what was written reaches the file while the store is open, and is all there afterwards', async () => {
  const path = join(directory, 'state.sqlite')
  const store = open(path)
  await write(store, 0, 4_000)
  const until = performance.now() + 10_000
  while (statSync(path).size < 1_000_000 && performance.now() < until) await delay(5)
  assert.ok(statSync(path).size >= 1_000_000, 'the log was not copied into the file')
  await write(store, 4_000, 4_200)
  await store.close()
  const again = open(path)
  assert.equal((await again.snapshot()).entries.length, 4_200)
  await again.close()
})

test('a store that is closed in the middle of a pass loses nothing', async () => {
  const path = join(directory, 'closed.sqlite')
  const store = open(path)
  await write(store, 0, 2_500)
  await store.close()
  const again = open(path)
  assert.equal((await again.snapshot()).entries.length, 2_500)
  await again.close()
})
