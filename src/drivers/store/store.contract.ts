// What every store must do: run over each driver by its own test file.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NetpluginError } from '../../lib/errors.ts'
import type { Commit, Store, StoreCommit } from './store.ts'

export interface StoreUnderTest {
  readonly name: string
  /** A new, empty store that keeps about 20 changes of history. */
  readonly open: () => Promise<Store>
}

const put = (key: string, value: unknown, expected?: number): Commit => ({
  expect: expected === undefined ? [] : [{ key, revision: expected }],
  put: [{ key, value: value as Commit['put'][number]['value'] }],
  delete: [],
})

const remove = (...keys: string[]): Commit => ({ expect: [], put: [], delete: keys })

async function take(commits: AsyncIterable<StoreCommit>, count: number): Promise<StoreCommit[]> {
  const taken: StoreCommit[] = []
  for await (const commit of commits) {
    taken.push(commit)
    if (taken.length === count) break
  }
  return taken
}

const deadline = () => AbortSignal.timeout(5_000)

export function testStore(subject: StoreUnderTest): void {
  const scenario = (title: string, body: (store: Store) => Promise<void>) =>
    test(`${subject.name}: ${title}`, async () => {
      const store = await subject.open()
      try {
        await body(store)
      } finally {
        await store.close()
      }
    })

  scenario('a new store is empty, at revision 0, with an epoch', async (store) => {
    const snapshot = await store.snapshot()
    assert.deepEqual({ revision: snapshot.revision, entries: snapshot.entries }, { revision: 0, entries: [] })
    assert.ok(snapshot.epoch.length >= 8)
  })

  scenario('a snapshot holds what was committed, sorted by key, with the revision of each entry', async (store) => {
    await store.commit({
      expect: [],
      put: [
        { key: 'b', value: { n: 1 } },
        { key: 'a', value: [1, 'x'] },
      ],
      delete: [],
    })
    await store.commit(put('b', 'second'))
    const { revision, entries } = await store.snapshot()
    assert.equal(revision, 2)
    assert.deepEqual(entries, [
      { key: 'a', value: [1, 'x'], revision: 1 },
      { key: 'b', value: 'second', revision: 2 },
    ])
  })

  scenario('an expectation that does not hold refuses the whole commit and names the key', async (store) => {
    await store.commit(put('a', 1))
    const result = await store.commit({
      expect: [
        { key: 'new', revision: 0 },
        { key: 'a', revision: 0 },
      ],
      put: [{ key: 'new', value: 1 }],
      delete: ['a'],
    })
    assert.deepEqual(result, { ok: false, conflict: 'a' })
    const { revision, entries } = await store.snapshot()
    assert.equal(revision, 1)
    assert.deepEqual(
      entries.map((entry) => entry.key),
      ['a'],
    )
  })

  scenario('an absent key can be claimed once by many at the same time', async (store) => {
    const results = await Promise.all(Array.from({ length: 20 }, (_, n) => store.commit(put('grant/1', n, 0))))
    assert.equal(results.filter((result) => result.ok).length, 1)
    assert.equal((await store.snapshot()).revision, 1)
  })

  scenario('a deleted key is absent again', async (store) => {
    await store.commit(put('a', 1))
    assert.equal((await store.commit(remove('a', 'never there'))).ok, true)
    assert.deepEqual(await store.commit(put('a', 2, 0)), { ok: true, revision: 3 })
  })

  scenario('each commit of one turn has a revision of its own, in order', async (store) => {
    const results = await Promise.all(['a', 'b', 'c'].map((key) => store.commit(put(key, key))))
    assert.deepEqual(
      results,
      [1, 2, 3].map((revision) => ({ ok: true, revision })),
    )
  })

  scenario('a value is not changed by what the caller does to it afterwards', async (store) => {
    const value = { list: [1] }
    await store.commit(put('a', value))
    value.list.push(2)
    assert.deepEqual((await store.snapshot()).entries[0]?.value, { list: [1] })
  })

  scenario('keys and values keep every character', async (store) => {
    const key = `record/x/ü:ß 'quote" \u0001 𝒳`
    await store.commit(put(key, { text: key }))
    assert.deepEqual((await store.snapshot()).entries, [{ key, value: { text: key }, revision: 1 }])
  })

  scenario('a watch gives the past after a revision, then what comes, in order', async (store) => {
    await store.commit(put('a', 1))
    await store.commit(put('b', 2))
    const watching = take(store.watch(1, deadline()), 3)
    await store.commit(remove('a'))
    await store.commit(put('c', { x: 3 }))
    assert.deepEqual(await watching, [
      { revision: 2, changes: [{ key: 'b', value: 2 }] },
      { revision: 3, changes: [{ key: 'a', value: null }] },
      { revision: 4, changes: [{ key: 'c', value: { x: 3 } }] },
    ])
  })

  scenario('a watcher sees a commit of many changes as one', async (store) => {
    const many = Array.from({ length: 2_500 }, (_, n) => ({ key: `k${n}`, value: n }))
    const watching = take(store.watch(0, deadline()), 1)
    await store.commit({ expect: [], put: many, delete: [] })
    assert.equal((await watching)[0]?.changes.length, 2_500)
  })

  scenario('a watch ends when its signal aborts', async (store) => {
    const controller = new AbortController()
    const watching = take(store.watch(0, controller.signal), 1)
    controller.abort()
    assert.deepEqual(await watching, [])
  })

  scenario('a watch from a past that is no longer kept says so, and a recent one works', async (store) => {
    for (let n = 0; n < 200; n++) await store.commit(put('a', n))
    await assert.rejects(
      take(store.watch(1, deadline()), 1),
      (error) => error instanceof NetpluginError && error.code === 'COMPACTED',
    )
    assert.deepEqual(await take(store.watch(199, deadline()), 1), [
      { revision: 200, changes: [{ key: 'a', value: 199 }] },
    ])
    assert.equal((await store.snapshot()).entries.length, 1)
  })

  test(`${subject.name}: a closed store refuses work`, async () => {
    const store = await subject.open()
    await store.close()
    for (const attempt of [() => store.commit(put('a', 1)), () => store.snapshot()]) {
      await assert.rejects(attempt(), (error) => error instanceof NetpluginError && error.code === 'STORE_CLOSED')
    }
  })
}
