// What every store must do: run over each driver by its own test file.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { NetpluginError } from '../../lib/errors.ts'
import type { Commit, Store, StoreCommit } from './store.ts'

export interface StoreUnderTest {
  readonly name: string
  /** A new, empty store that keeps about 20 changes of history. */
  readonly open: () => Promise<Store>
  /** It may tell several commits as one. */
  readonly merges?: boolean
  /** The shortest life of a lease; left out: 1 s. */
  readonly leaseMs?: number
}

const put = (key: string, value: unknown, expected?: number): Commit => ({
  expect: expected === undefined ? [] : [{ key, revision: expected }],
  put: [{ key, value: value as Commit['put'][number]['value'] }],
  delete: [],
})

const remove = (...keys: string[]): Commit => ({ expect: [], put: [], delete: keys })

async function committed(store: Store, commit: Commit): Promise<number> {
  const result = await store.commit(commit)
  assert.ok(result.ok, 'a commit without expectations was refused')
  return result.revision
}

const growing = (revisions: readonly number[]) =>
  revisions.every((revision, at) => at === 0 || revision > (revisions[at - 1] ?? 0))

async function take(commits: AsyncIterable<StoreCommit>, count: number): Promise<StoreCommit[]> {
  const taken: StoreCommit[] = []
  for await (const commit of commits) {
    taken.push(commit)
    if (taken.length === count) break
  }
  return taken
}

const code = (expected: string) => (error: unknown) => error instanceof NetpluginError && error.code === expected

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

  scenario('a new store is empty, with an epoch that stays', async (store) => {
    const snapshot = await store.snapshot()
    assert.ok(Number.isSafeInteger(snapshot.revision) && snapshot.revision >= 0)
    assert.deepEqual(snapshot.entries, [])
    assert.ok(snapshot.epoch.length >= 8)
    await store.commit(put('a', 1))
    assert.equal((await store.snapshot()).epoch, snapshot.epoch)
  })

  scenario('a snapshot holds what was committed, sorted by key, with the revision of each entry', async (store) => {
    const first = await committed(store, {
      expect: [],
      put: [
        { key: 'b', value: { n: 1 } },
        { key: 'a', value: [1, 'x'] },
      ],
      delete: [],
    })
    const second = await committed(store, put('b', 'second'))
    assert.ok(growing([0, first, second]))
    const { revision, entries } = await store.snapshot()
    assert.equal(revision, second)
    assert.deepEqual(entries, [
      { key: 'a', value: [1, 'x'], revision: first },
      { key: 'b', value: 'second', revision: second },
    ])
  })

  scenario('an expectation that does not hold refuses the whole commit and names the key', async (store) => {
    const before = await committed(store, put('a', 1))
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
    assert.equal(revision, before)
    assert.deepEqual(
      entries.map((entry) => entry.key),
      ['a'],
    )
  })

  scenario('a key that was written or deleted after the expected revision is a conflict', async (store) => {
    const first = await committed(store, put('a', 1))
    const second = await committed(store, put('a', 2, first))
    assert.deepEqual(await store.commit(put('a', 3, first)), { ok: false, conflict: 'a' })
    await committed(store, put('other', 1))
    const third = await committed(store, put('a', 3, second))
    await committed(store, remove('a'))
    assert.deepEqual(await store.commit(put('a', 4, third)), { ok: false, conflict: 'a' })
  })

  scenario('one key is answered as it was written last', async (store) => {
    assert.equal(await store.get('a'), undefined)
    const revision = await committed(store, put('a', { n: 1 }))
    await committed(store, put('b', 1))
    assert.deepEqual(await store.get('a'), { key: 'a', value: { n: 1 }, revision })
    await committed(store, remove('a'))
    assert.equal(await store.get('a'), undefined)
  })

  scenario('an absent key can be claimed once by many at the same time', async (store) => {
    const results = await Promise.all(Array.from({ length: 20 }, (_, n) => store.commit(put('grant/1', n, 0))))
    const [won, ...others] = results.filter((result) => result.ok)
    assert.ok(won !== undefined && others.length === 0)
    assert.equal((await store.snapshot()).entries[0]?.revision, won.revision)
  })

  scenario('a deleted key is absent again', async (store) => {
    const first = await committed(store, put('a', 1))
    const second = await committed(store, remove('a', 'never there'))
    const third = await committed(store, put('a', 2, 0))
    assert.ok(growing([first, second, third]))
  })

  scenario('each commit of one turn has a revision of its own, in order', async (store) => {
    const revisions = await Promise.all(['a', 'b', 'c'].map((key) => committed(store, put(key, key))))
    assert.ok(growing(revisions), String(revisions))
  })

  scenario('a value is not changed by what the caller does to it afterwards', async (store) => {
    const value = { list: [1] }
    await store.commit(put('a', value))
    value.list.push(2)
    assert.deepEqual((await store.snapshot()).entries[0]?.value, { list: [1] })
  })

  scenario('keys and values keep every character', async (store) => {
    const key = `record/x/ü:ß 'quote" \u0001 𝒳`
    const revision = await committed(store, put(key, { text: key }))
    assert.deepEqual((await store.snapshot()).entries, [{ key, value: { text: key }, revision }])
  })

  scenario('a watch gives the past after a revision, then what comes, in order', async (store) => {
    const first = await committed(store, put('a', 1))
    const second = await committed(store, put('b', 2))
    const controller = new AbortController()
    const seen: StoreCommit[] = []
    const watching = (async () => {
      for await (const commit of store.watch(first, AbortSignal.any([controller.signal, deadline()]))) {
        seen.push(commit)
        if (seen.at(-1)?.changes.some(({ key }) => key === 'c')) break
      }
    })()
    const third = await committed(store, remove('a'))
    const fourth = await committed(store, put('c', { x: 3 }))
    await watching
    assert.deepEqual(
      seen.flatMap(({ changes }) => changes),
      [
        { key: 'b', value: 2 },
        { key: 'a', value: null },
        { key: 'c', value: { x: 3 } },
      ],
    )
    const revisions = seen.map(({ revision }) => revision)
    if (subject.merges) assert.ok(growing([first, ...revisions]) && revisions.at(-1) === fourth, String(revisions))
    else assert.deepEqual(revisions, [second, third, fourth])
  })

  scenario('a watch from the revision of a snapshot tells exactly what came after it', async (store) => {
    await committed(store, put('a', 1))
    const { revision } = await store.snapshot()
    const after = await committed(store, put('a', 2))
    assert.deepEqual(await take(store.watch(revision, deadline()), 1), [
      { revision: after, changes: [{ key: 'a', value: 2 }] },
    ])
  })

  scenario('a watcher sees a commit of many changes as one', async (store) => {
    const many = Array.from({ length: 2_500 }, (_, n) => ({ key: `k${n}`, value: n }))
    const { revision } = await store.snapshot()
    const watching = take(store.watch(revision, AbortSignal.timeout(30_000)), 1)
    const written = await committed(store, { expect: [], put: many, delete: [] })
    const [seen] = await watching
    assert.deepEqual([seen?.revision, seen?.changes.length], [written, 2_500])
    const again = { expect: many.map(({ key }) => ({ key, revision: written })), put: [], delete: ['k7', 'k2499'] }
    assert.ok((await store.commit(again)).ok, 'the keys of a large commit are as its revision says')
    assert.deepEqual(await store.commit(again), { ok: false, conflict: 'k7' })
  })

  scenario('a watch ends when its signal aborts', async (store) => {
    const controller = new AbortController()
    const watching = take(store.watch((await store.snapshot()).revision, controller.signal), 1)
    controller.abort()
    assert.deepEqual(await watching, [])
  })

  scenario('a watch from a past that is no longer kept says so, and a recent one works', async (store) => {
    const first = await committed(store, put('a', 0))
    let before = first
    for (let n = 1; n < 199; n++) before = await committed(store, put('a', n))
    const last = await committed(store, put('a', 199))
    await assert.rejects(take(store.watch(first, deadline()), 1), code('COMPACTED'))
    assert.deepEqual(await take(store.watch(before, deadline()), 1), [
      { revision: last, changes: [{ key: 'a', value: 199 }] },
    ])
    assert.equal((await store.snapshot()).entries.length, 1)
  })

  const ttlMs = subject.leaseMs ?? 1_000
  const withLease = (key: string, lease: string): Commit => ({
    expect: [],
    put: [{ key, value: key, lease }],
    delete: [],
  })
  const keys = async (store: Store) => (await store.snapshot()).entries.map(({ key }) => key)

  scenario('keys of a lease vanish when it ends, in a commit; others stay', async (store) => {
    const lease = await store.lease(ttlMs)
    for (const key of ['a', 'b', 'c', 'd']) await committed(store, withLease(key, lease.id))
    await committed(store, put('b', 'without'))
    await committed(store, remove('c'))
    const before = await committed(store, put('c', 'anew'))
    const watching = take(store.watch(before, deadline()), 1)
    await lease.end()
    await lease.end()
    const [seen] = await watching
    assert.ok(seen !== undefined && seen.revision > before)
    assert.deepEqual(
      seen.changes.toSorted((a, b) => (a.key < b.key ? -1 : 1)),
      ['a', 'd'].map((key) => ({ key, value: null })),
    )
    assert.deepEqual(await keys(store), ['b', 'c'])
    assert.equal(lease.lost.aborted, false)
  })

  scenario('a lease is kept alive, and one that has ended takes no keys', async (store) => {
    const lease = await store.lease(ttlMs)
    await committed(store, withLease('a', lease.id))
    await delay(ttlMs * 2.5)
    assert.deepEqual([await keys(store), lease.lost.aborted], [['a'], false])
    await lease.end()
    await assert.rejects(store.commit(withLease('b', lease.id)), code('LEASE_LOST'))
    assert.deepEqual(await keys(store), [])
  })

  test(`${subject.name}: a closed store refuses work`, async () => {
    const store = await subject.open()
    await store.close()
    for (const attempt of [() => store.commit(put('a', 1)), () => store.snapshot(), () => store.lease(ttlMs)]) {
      await assert.rejects(attempt(), code('STORE_CLOSED'))
    }
  })
}
