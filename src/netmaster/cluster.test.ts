// The writer of the cluster's state: order, durability, failure, and other writers on the same store.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryStore, type Store } from '../drivers/store/index.ts'
import { systemClock } from '../lib/clock.ts'
import { NetpluginError } from '../lib/errors.ts'
import { silentLog } from '../lib/log.ts'
import { problem } from '../model/body.ts'
import type { NodeRecord } from '../model/state.ts'
import { Cluster } from './cluster.ts'
import type { Decide } from './decision.ts'

const newStore = () => new MemoryStore({ historyLimit: 1_000 }, { newEpoch: () => 'epoch-of-a-test' })
const open = async (store: Store, historyLimit = 1_000) =>
  new Cluster({ historyLimit, writer: 'a' }, { store, clock: systemClock, log: silentLog }, await store.snapshot())

const record = (node: string): NodeRecord => ({ node, controlAddress: '', vtep: '', bootId: '', version: '' })

/** Takes the lowest free network id for a node of that name. */
const take =
  (node: string): Decide<number> =>
  (view) => {
    const number = view.numbers['network-id'].lowestFree({ first: 1, last: 100 })
    if (number === undefined) return problem('exhausted', 'NONE_LEFT', 'none left')
    return {
      records: [{ kind: 'node', key: node, value: record(node) }],
      grants: [{ kind: 'number', pool: 'network-id', number, owner: node }],
      result: number,
    }
  }

/** A store whose commits wait until they are let through, or fail. */
class GatedStore implements Store {
  readonly inner = newStore()
  commits = 0
  fail: NetpluginError | undefined
  gate: Promise<void> = Promise.resolve()

  snapshot = () => this.inner.snapshot()
  get: Store['get'] = (key) => this.inner.get(key)
  watch: Store['watch'] = (from, signal) => this.inner.watch(from, signal)
  lease: Store['lease'] = (ttlMs) => this.inner.lease(ttlMs)
  close = () => this.inner.close()
  commit: Store['commit'] = async (commit) => {
    this.commits++
    await this.gate
    if (this.fail !== undefined) throw this.fail
    return this.inner.commit(commit)
  }
}

const numbers = (cluster: Cluster) => cluster.view.numbers['network-id'].intervals()

test('decisions made while a commit is under way see each other and go together in the next one', async () => {
  const store = new GatedStore()
  const cluster = await open(store)
  let openGate = () => {}
  store.gate = new Promise((resolve) => {
    openGate = resolve
  })
  const first = cluster.transact(take('a'))
  await new Promise((resolve) => setImmediate(resolve))
  const others = ['b', 'c', 'd'].map((node) => cluster.transact(take(node)))
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(numbers(cluster), [], 'nothing is visible before it is durable')
  openGate()
  assert.deepEqual(
    (await Promise.all([first, ...others])).map(({ result }) => result),
    [1, 2, 3, 4],
  )
  assert.equal(store.commits, 2)
  assert.deepEqual(numbers(cluster), [{ first: 1, last: 4 }])
  await cluster.close()
})

test('an answer that changes nothing but rests on an undurable change waits for it', async () => {
  const store = new GatedStore()
  const cluster = await open(store)
  const change = cluster.transact(take('a'))
  const look = cluster.transact((view) => ({ records: [], grants: [], result: view.nodes.size }))
  const [{ revision }, looked] = await Promise.all([change, look])
  assert.deepEqual(looked, { result: 1, revision })
  await cluster.close()
})

test('a refusal that rests on an undurable change waits for it, and is none when that fails', async () => {
  const store = new GatedStore()
  const cluster = await open(store)
  const refuse: Decide<number> = (view) => {
    return view.nodes.has('a') ? problem('conflict', 'THERE', 'it is there') : { records: [], grants: [], result: 0 }
  }
  store.fail = new NetpluginError('unavailable', 'STORE_WRITE_FAILED', 'disk full')
  const failing = [cluster.transact(take('a')), cluster.transact(refuse)]
  for (const each of failing) await assert.rejects(each, { code: 'STORE_WRITE_FAILED' })
  store.fail = undefined
  const order: string[] = []
  const change = cluster.transact(take('a')).then(() => order.push('done'))
  await assert.rejects(cluster.transact(refuse), { code: 'THERE' })
  order.push('refused')
  await change
  assert.deepEqual(order, ['done', 'refused'])
  assert.equal((await cluster.transact(take('b'))).result, 2)
  await cluster.close()
})

test('when the store fails, everything decided on top fails too, and nothing of it stays', async () => {
  const store = new GatedStore()
  const cluster = await open(store)
  store.fail = new NetpluginError('unavailable', 'STORE_WRITE_FAILED', 'disk full')
  const outcomes = await Promise.allSettled(['a', 'b'].map((node) => cluster.transact(take(node))))
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : 'done')),
    ['STORE_WRITE_FAILED', 'STORE_WRITE_FAILED'],
  )
  store.fail = undefined
  assert.equal((await cluster.transact(take('c'))).result, 1)
  assert.deepEqual([...cluster.view.nodes.keys()], ['c'])
  await cluster.close()
})

test('who joins a batch while it is decided again is answered too when the store then fails', async () => {
  const store = new GatedStore()
  const cluster = await open(store)
  const other = await open(store.inner)
  let openGate = () => {}
  store.gate = new Promise((resolve) => {
    openGate = resolve
  })
  const first = cluster.transact(take('a'))
  await new Promise((resolve) => setImmediate(resolve))
  await other.transact(take('faster'))
  const late = cluster.transact(take('late'))
  // The first commit finds that another writer was faster, the second one fails.
  const snapshot = store.snapshot
  store.snapshot = async () => {
    store.fail = new NetpluginError('unavailable', 'STORE_WRITE_FAILED', 'disk full')
    return snapshot()
  }
  openGate()
  const outcomes = await Promise.allSettled([first, late])
  assert.deepEqual(
    outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code),
    ['STORE_WRITE_FAILED', 'STORE_WRITE_FAILED'],
  )
  await cluster.close()
})

test('a refused decision rejects with its problem and changes nothing', async () => {
  const cluster = await open(newStore())
  const refused = cluster.transact(() => problem('conflict', 'NO', 'no'))
  await assert.rejects(refused, (error) => error instanceof NetpluginError && error.code === 'NO')
  assert.equal(cluster.revision, 0)
  await cluster.close()
})

test('a decision that throws is an error of its own, not of the others', async () => {
  const cluster = await open(newStore())
  const broken = cluster.transact(() => {
    throw new TypeError('oops')
  })
  const fine = cluster.transact(take('a'))
  await assert.rejects(broken, (error) => error instanceof NetpluginError && error.kind === 'internal')
  assert.equal((await fine).result, 1)
  await cluster.close()
})

test('two writers on one store never give a number twice', async () => {
  const store = newStore()
  const [one, two] = [await open(store), await open(store)]
  const asks = Array.from({ length: 40 }, (_, n) => (n % 2 === 0 ? one : two).transact(take(`node${n}`)))
  const given = (await Promise.all(asks)).map(({ result }) => result)
  assert.deepEqual(
    given.sort((a, b) => a - b),
    Array.from({ length: 40 }, (_, n) => n + 1),
  )
  const nodes = await Promise.all([one, two].map(async (cluster) => (await cluster.transact(take('last'))).result))
  assert.deepEqual(nodes.sort(), [41, 42])
})

test('a change of grants alone is durable and answered, but is no news for nodes', async () => {
  const store = newStore()
  const cluster = await open(store)
  await cluster.transact(take('a'))
  const grant = { kind: 'number', pool: 'vni', number: 7, owner: 'x' } as const
  const { revision } = await cluster.transact(() => ({ records: [], grants: [grant], result: undefined }))
  assert.deepEqual([revision, cluster.revision, (await store.snapshot()).revision], [1, 1, 2])
  assert.deepEqual(cluster.changesAfter(1), [])
  const again = await open(store)
  assert.equal(again.view.numbers.vni.ownerOf(7), 'x')
  assert.equal(again.revision, 1)
  await again.transact(take('b'))
  assert.deepEqual([again.revision, (await open(store)).revision], [3, 3])
})

test('a cluster opened again has the same records and grants', async () => {
  const store = newStore()
  const before = await open(store)
  for (const node of ['a', 'b', 'c']) await before.transact(take(node))
  await before.transact(() => ({
    records: [{ kind: 'node', key: 'b', value: null }],
    grants: [{ kind: 'number', pool: 'network-id', number: 2, owner: null }],
    result: undefined,
  }))
  const after = await open(store)
  assert.deepEqual(after.records(), before.records())
  assert.equal(after.revision, before.revision)
  assert.equal((await after.transact(take('d'))).result, 2)
})

test('changes after a revision come from memory, then from the store, then not at all', async () => {
  const store = newStore()
  const cluster = await open(store, 10)
  for (let n = 0; n < 60; n++) await cluster.transact(take(`node${n}`))
  const recent = cluster.changesAfter(cluster.revision - 3)
  assert.deepEqual(
    recent?.map((entry) => entry.revision),
    [58, 59, 60],
  )
  assert.equal(cluster.changesAfter(5), undefined)
  const backlog = await cluster.backlog(5, AbortSignal.timeout(5_000))
  assert.equal(backlog?.[0]?.revision, 6)
  assert.equal(backlog?.at(-1)?.revision, cluster.historyStart)
  assert.deepEqual(cluster.changesAfter(cluster.historyStart)?.[0]?.revision, cluster.historyStart + 1)
  const forgetful = new MemoryStore({ historyLimit: 20 }, { newEpoch: () => 'epoch-of-a-test' })
  const other = await open(forgetful, 10)
  for (let n = 0; n < 60; n++) await other.transact(take(`node${n}`))
  assert.equal(await other.backlog(5, AbortSignal.timeout(5_000)), undefined)
})
