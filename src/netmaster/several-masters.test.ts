// Several masters on one store that is slow, forgets to answer, and tells the news late; masters die at any moment. What they
// decided is what one master would have decided, one thing after the other.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { setImmediate as nextTurn } from 'node:timers/promises'
import fc from 'fast-check'
import { MemoryStore, type Store } from '../drivers/store/index.ts'
import { type Clock, systemClock } from '../lib/clock.ts'
import { asNetpluginError, NetpluginError } from '../lib/errors.ts'
import { FakeClock } from '../lib/fake-clock.ts'
import { silentLog } from '../lib/log.ts'
import { problem } from '../model/body.ts'
import type { NodeRecord } from '../model/state.ts'
import { Cluster } from './cluster.ts'
import { type Decide, unchanged } from './decision.ts'
import { loadTables } from './load.ts'
import { decodeEntry } from './store-keys.ts'

const newStore = () => new MemoryStore({ historyLimit: 100_000 }, { newEpoch: () => 'epoch-of-a-test' })

/** What one master sees of the store: each thing happens some turns later, and answers get lost. */
class UnreliableStore implements Store {
  readonly #inner: Store
  readonly #random: () => number
  loses = false
  isAway = false

  constructor(inner: Store, random: () => number) {
    this.#inner = inner
    this.#random = random
  }

  async get(key: string) {
    await this.#pause()
    const found = await this.#inner.get(key)
    await this.#pause()
    return found
  }

  snapshot = () => this.#inner.snapshot()
  lease: Store['lease'] = (ttlMs) => this.#inner.lease(ttlMs)
  close = async () => {}

  async commit(commit: Parameters<Store['commit']>[0]) {
    await this.#pause()
    if (this.loses && this.#random() < 0.1) throw lost()
    const result = await this.#inner.commit(commit)
    await this.#pause()
    if (this.loses && this.#random() < 0.1) throw lost()
    return result
  }

  async *watch(from: number, signal: AbortSignal) {
    for await (const commit of this.#inner.watch(from, signal)) {
      await this.#pause()
      yield commit
    }
  }

  async #pause(): Promise<void> {
    if (this.isAway) throw lost()
    for (let turns = Math.floor(this.#random() * 4); turns > 0; turns--) await nextTurn()
  }
}

function lost(): NetpluginError {
  return new NetpluginError('unavailable', 'STORE_UNREACHABLE', 'the store did not answer')
}

const open = async (store: Store, writer: string, clock: Clock = systemClock) =>
  new Cluster({ historyLimit: 1_000, isShared: true, writer }, { store, clock, log: silentLog }, await store.snapshot())

const range = { first: 1, last: 1_000 }

/** Takes the lowest free number and writes it down; refused when that was done. */
const take =
  (name: string): Decide<number> =>
  (view) => {
    if (view.nodes.has(name)) return problem('conflict', 'TAKEN', `${name} has one`)
    const number = view.numbers['network-id'].lowestFree(range) ?? 0
    const record: NodeRecord = { node: name, controlAddress: '', vtep: String(number), bootId: '', version: '' }
    return {
      records: [{ kind: 'node', key: name, value: record }],
      grants: [{ kind: 'number', pool: 'network-id', number, owner: name }],
      result: number,
    }
  }

const giveBack =
  (name: string): Decide<number> =>
  (view) => {
    const record = view.nodes.get(name)
    if (record === undefined) return problem('not-found', 'NODE_NOT_FOUND', `${name} has none`)
    return {
      records: [{ kind: 'node', key: name, value: null }],
      grants: [{ kind: 'number', pool: 'network-id', number: Number(record.vtep), owner: null }],
      result: Number(record.vtep),
    }
  }

/** Plays all commits again, one decision after the other: each must have taken what was the lowest then. */
async function assertSerial(store: Store): Promise<void> {
  const { revision } = await store.snapshot()
  if (revision === 0) return
  const held = new Map<number, string>()
  for await (const commit of store.watch(0, AbortSignal.timeout(10_000))) {
    for (const { key, value } of commit.changes) {
      const decoded = decodeEntry(key, value)
      if (decoded.type !== 'grant' || decoded.grant.kind !== 'number') continue
      const { number, owner } = decoded.grant
      if (owner === null) held.delete(number)
      else {
        assert.ok(!held.has(number), `${number} was given to ${owner} while ${held.get(number)} had it`)
        held.set(number, owner)
      }
    }
    if (commit.revision === revision) return
  }
}

const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('take' as const), at: fc.nat(2), name: fc.nat(30) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('give' as const), at: fc.nat(2), name: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('wait' as const), turns: fc.nat(8) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('crash' as const), at: fc.nat(2) }) },
)

test('whatever masters decide at the same time, and whichever die: as one after the other, and all know the same', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), fc.infiniteStream(fc.double({ min: 0, max: 0.999 })), run),
    { numRuns: 300 },
  )
})

async function run(
  steps: readonly (typeof step extends fc.Arbitrary<infer S> ? S : never)[],
  numbers: Iterator<number>,
): Promise<void> {
  const random = () => numbers.next().value ?? 0
  const inner = newStore()
  const clock = new FakeClock()
  /** Time passes as long as something is under way. */
  const until = async (work: Promise<unknown>) => {
    let isOver = false
    const over = work.finally(() => {
      isOver = true
    })
    for (; !isOver; clock.advance(10)) await nextTurn()
    await over
  }
  let born = 0
  const birth = async () => {
    const store = new UnreliableStore(inner, random)
    const cluster = await open(store, `master${born++}`, clock)
    store.loses = true
    return { cluster, store, isDead: false }
  }
  const masters = [await birth(), await birth(), await birth()]
  const everybody = [...masters]
  const acknowledged = new Map<string, number>()
  const asked: Promise<void>[] = []
  const ask = (at: number, kind: 'take' | 'give', name: string) => {
    const master = masters[at]
    assert.ok(master)
    const outcome = async () => {
      try {
        const { result, revision } = await master.cluster.transact(kind === 'take' ? take(name) : giveBack(name))
        if (master.isDead) return
        if (kind === 'take') acknowledged.set(`${name}@${revision}`, result)
        assert.ok(master.cluster.revision >= revision)
      } catch (error) {
        const { code } = asNetpluginError(error)
        assert.ok(['TAKEN', 'NODE_NOT_FOUND', 'STORE_UNREACHABLE', 'STORE_BEHIND'].includes(code), code)
      }
    }
    asked.push(outcome())
  }
  for (const each of steps) {
    if (each.kind === 'wait') for (let turns = each.turns; turns > 0; turns--) await nextTurn()
    else if (each.kind === 'crash') {
      const victim = masters[each.at]
      if (victim !== undefined) Object.assign(victim, { isDead: true }).store.isAway = true
      const heir = await birth()
      masters[each.at] = heir
      everybody.push(heir)
    } else ask(each.at, each.kind, `n${each.name}`)
  }
  await until(Promise.all(asked))
  await assertSerial(inner)
  const { entries } = await inner.snapshot()
  const truth = loadTables(entries)
  const sorted = (all: readonly unknown[]) => all.map((each) => JSON.stringify(each)).sort()
  for (const { cluster, store } of masters) {
    store.loses = false
    await until(cluster.fresh())
    assert.deepEqual(sorted(cluster.records()), sorted(truth.records()))
    assert.deepEqual(sorted(cluster.view.copy().grants()), sorted(truth.grants()))
  }
  assert.equal(new Set(masters.map(({ cluster }) => cluster.revision)).size, 1)
  // What they decide on is the same, too.
  for (const [at, { cluster }] of masters.entries()) {
    const free = truth.numbers['network-id'].lowestFree({ first: 1, last: 1_000 })
    const decided = async () => {
      await cluster.fresh()
      await cluster.transact((view) => {
        assert.deepEqual(sorted(view.copy().records()), sorted(truth.records()))
        assert.deepEqual(sorted(view.copy().grants()), sorted(truth.grants()))
        return unchanged(undefined)
      })
      assert.equal((await cluster.transact(take(`last${at}`))).result, free)
      await cluster.transact(giveBack(`last${at}`))
    }
    await until(decided())
  }
  for (const { cluster, store } of everybody) {
    store.isAway = false
    await until(cluster.close())
  }
}

test('what was written at one master is read at another, and refusals rest on the newest state', async () => {
  const inner = newStore()
  let turn = 0
  const masters = await Promise.all(
    ['a', 'b'].map((name) => open(new UnreliableStore(inner, () => (turn++ % 7) / 7), name)),
  )
  const [one, two] = masters
  assert.ok(one && two)
  for (let n = 0; n < 20; n++) {
    await one.transact(take(`n${n}`))
    await two.fresh()
    assert.ok(two.view.nodes.has(`n${n}`))
    await two.transact(giveBack(`n${n}`))
    await assert.rejects(one.transact(giveBack(`n${n}`)), (error) => asNetpluginError(error).code === 'NODE_NOT_FOUND')
  }
  await Promise.all(masters.map((cluster) => cluster.close()))
})

test('a decision behind a fence is refused when the fence is gone, and others that went along are not', async () => {
  const inner = newStore()
  const cluster = await open(inner, 'a')
  await inner.commit({ expect: [], put: [{ key: 'lock', value: 'a' }], delete: [] })
  await cluster.transact(take('first'), { key: 'lock', revision: 1 })
  await inner.commit({ expect: [], put: [{ key: 'lock', value: 'b' }], delete: [] })
  const outcomes = await Promise.allSettled([
    cluster.transact(take('fenced'), { key: 'lock', revision: 1 }),
    cluster.transact(take('free')),
  ])
  assert.deepEqual(
    outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason.code : outcome.value.result)),
    ['FENCED', 2],
  )
  assert.equal(cluster.view.nodes.has('fenced'), false)
  await cluster.close()
})

test('a master without its store says so, and knows everything again when the store is back', async () => {
  const clock = new FakeClock()
  const inner = newStore()
  const store = new UnreliableStore(inner, () => 0)
  const cut = await open(store, 'a', clock)
  const other = await open(inner, 'b')
  store.isAway = true
  await assert.rejects(cut.fresh(), (error) => asNetpluginError(error).kind === 'unavailable')
  const turned = cut.changed(AbortSignal.timeout(5_000))
  clock.advance(1_000)
  await turned
  assert.equal(cut.isCutOff, true)
  await other.transact(take('meanwhile'))
  store.isAway = false
  while (cut.isCutOff || !cut.view.nodes.has('meanwhile')) {
    clock.advance(1_000)
    await nextTurn()
  }
  await Promise.all([cut.close(), other.close()])
})
