// The contract over a networked store that takes next to nothing at once; and random commits of several programs while everything
// that can go wrong does.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { systemClock } from '../../lib/clock.ts'
import { NetpluginError } from '../../lib/errors.ts'
import { FakeClock } from '../../lib/fake-clock.ts'
import { silentLog } from '../../lib/log.ts'
import { FakeKvServer, type Fault } from './fake-kv.ts'
import { splitWrites } from './kv-journal.ts'
import { KvKeys } from './kv-keys.ts'
import { KvStore } from './kv-store.ts'
import { testStore } from './store.contract.ts'
import type { Commit, CommitResult, StoreCommit } from './store.ts'

const limits = { conditions: 8, writes: 8, operations: 12, bytes: 2_000 }
const keys = new KvKeys('/t/')
const deps = { keys, log: silentLog, newEpoch: () => 'epoch-of-a-test' }

testStore({
  name: 'networked store with small transactions',
  open: () => {
    const kv = new FakeKvServer({ ...limits, writes: 60, operations: 80 }, { clock: systemClock }).connect()
    return KvStore.open({ historyLimit: 20 }, { ...deps, kv, clock: systemClock })
  },
  leaseMs: 60,
})

test('parts hold every write once, in order, and each is small enough', () => {
  const write = fc.record({
    key: fc.string({ minLength: 1, maxLength: 30 }),
    value: fc.option(fc.string({ maxLength: 600 })),
  })
  fc.assert(
    fc.property(fc.array(write, { maxLength: 60 }), (writes) => {
      const parts = splitWrites(writes, { ...limits, bytes: 6_000 })
      assert.deepEqual(parts.flat(), writes)
      for (const part of parts) {
        assert.ok(part.length > 0 && part.length + 4 <= limits.writes)
        assert.ok(Buffer.byteLength(JSON.stringify(part)) <= 6_002)
      }
    }),
  )
  assert.throws(
    () => splitWrites([{ key: 'k', value: 'x'.repeat(3_000) }], limits),
    (error) => error instanceof NetpluginError && error.code === 'STORE_VALUE_TOO_LARGE',
  )
})

interface Wish {
  /** How many keys of its own it writes. */
  readonly size: number
  /** A number that it claims, of few. */
  readonly claim: number
  /** It is taken back when it was done. */
  readonly undo: boolean
}

type Fate = { readonly is: 'done'; readonly revision: number } | { readonly is: 'refused' | 'unknown' }

const wish = fc.record({ size: fc.integer({ min: 1, max: 20 }), claim: fc.nat({ max: 12 }), undo: fc.boolean() })
const fault = fc.oneof(
  { weight: 40, arbitrary: fc.constant<Fault>('none') },
  { weight: 8, arbitrary: fc.constantFrom<Fault>('lost', 'unanswered', 'late') },
  { weight: 1, arbitrary: fc.constant<Fault>('dead') },
)

function commitOf(name: string, { size, claim }: Wish): Commit {
  const own = Array.from({ length: size }, (_, at) => ({
    key: `own/${name}/${at}`,
    value: `${name} ${'x'.repeat(90)}`,
  }))
  return {
    expect: [{ key: `claim/${claim}`, revision: 0 }, ...own.map(({ key }) => ({ key, revision: 0 }))],
    put: [...own, { key: `claim/${claim}`, value: name }],
    delete: [],
  }
}

function undoOf(name: string, wished: Wish): Commit {
  const { put } = commitOf(name, wished)
  return { expect: [], put: [], delete: put.map(({ key }) => key) }
}

async function fateOf(commit: Promise<CommitResult>): Promise<Fate> {
  try {
    const result = await commit
    return result.ok ? { is: 'done', revision: result.revision } : { is: 'refused' }
  } catch (error) {
    assert.ok(error instanceof NetpluginError && error.kind === 'unavailable', String(error))
    return { is: 'unknown' }
  }
}

/** How many keys of its own each commit has here. */
function countOwn(names: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>()
  for (const key of names) {
    const [kind, name = ''] = key.split('/')
    if (kind === 'own') counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return counts
}

/** Lets time run while something is under way. */
async function running<T>(clock: FakeClock, work: Promise<T>): Promise<T> {
  let over = false
  const ended = () => {
    over = true
  }
  work.then(ended, ended)
  while (!over) {
    await new Promise((resolve) => setImmediate(resolve))
    clock.advance(25)
  }
  return work
}

test('whatever is lost, late or dies in the middle: commits are whole or not there, and those that were answered are there', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.array(wish, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 3 }),
      fc.infiniteStream(fault),
      async (programs, faults) => {
        const clock = new FakeClock()
        const server = new FakeKvServer(limits, { clock })
        const open = (next?: () => Fault) =>
          KvStore.open({ historyLimit: 10_000 }, { ...deps, kv: server.connect(next), clock })
        const reader = await running(clock, open())
        const start = (await running(clock, reader.snapshot())).revision
        const seen: StoreCommit[] = []
        const stop = new AbortController()
        const watching = (async () => {
          for await (const commit of reader.watch(start, stop.signal)) seen.push(commit)
        })()
        const wishes = new Map<string, Wish>([['last', { size: 1, claim: 99, undo: false }]])
        const fates = new Map<string, Fate>()
        const undone = new Map<string, Fate>()
        const whole = (names: Iterable<string>) => {
          for (const [name, count] of countOwn(names))
            assert.equal(count, wishes.get(name)?.size, `${name} is in pieces`)
        }
        const run = async (program: readonly Wish[], number: number) => {
          const store = await open(() => faults.next().value ?? 'none')
          for (const [at, each] of program.entries()) {
            const name = `${number}.${at}`
            wishes.set(name, each)
            const fate = await fateOf(store.commit(commitOf(name, each)))
            fates.set(name, fate)
            if (fate.is === 'done' && each.undo) undone.set(name, await fateOf(store.commit(undoOf(name, each))))
          }
        }
        const looking = async () => {
          while (!stop.signal.aborted) whole((await reader.snapshot()).entries.map(({ key }) => key))
        }
        const opened = programs.map((program, number) => run(program, number).catch(ignoreAway))
        const looked = looking()
        await running(clock, Promise.all(opened))
        // What is late comes, and the lock of the dead ends.
        for (let n = 0; n < 40; n++) server.passTime()
        clock.advance(11_000)
        const last = await running(clock, fateOf(reader.commit(commitOf('last', { size: 1, claim: 99, undo: false }))))
        assert.equal(last.is, 'done')
        const { entries, revision } = await running(clock, reader.snapshot())
        await running(clock, reached(seen, revision))
        stop.abort()
        await Promise.all([watching, looked])
        whole(entries.map(({ key }) => key))
        const there = countOwn(entries.map(({ key }) => key))
        for (const [name, fate] of fates) {
          const undo = undone.get(name)?.is
          if (fate.is === 'done' && undo === undefined) assert.ok(there.has(name), `${name} was answered and is lost`)
          if (undo === 'done') assert.ok(!there.has(name), `${name} was taken back and is there`)
          if (fate.is === 'refused') assert.ok(!there.has(name), `${name} was refused and is there`)
          const told = seen.filter(({ changes }) => changes.some(({ key }) => key.startsWith(`own/${name}/`)))
          assert.ok(told.length <= (undo === undefined ? 1 : 2), `${name} was told ${told.length} times`)
          if (fate.is === 'done') assert.equal(told[0]?.revision, fate.revision)
          for (const { changes } of told) whole(changes.map(({ key }) => key))
        }
        const values = new Map(entries.map(({ key, value }) => [key, value]))
        for (const name of there.keys()) assert.equal(values.get(`claim/${wishes.get(name)?.claim}`), name)
      },
    ),
    { numRuns: Number(process.env.STORE_RUNS ?? 60) },
  )
})

function ignoreAway(error: unknown): void {
  // A program that cannot even start.
  if (!(error instanceof NetpluginError) || error.kind !== 'unavailable') throw error
}

async function reached(seen: readonly StoreCommit[], revision: number): Promise<void> {
  for (let tries = 0; tries < 10_000 && (seen.at(-1)?.revision ?? 0) < revision; tries++) {
    await new Promise((resolve) => setImmediate(resolve))
  }
}
