// Several programs write to three members of etcd while these are killed and paused at random, or have slow disks. Whoever reads what was
// acknowledged sees it; afterwards each such write is there, none that was refused, and counters say that nobody wrote on what was no longer so.

import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { openStore, type Store, type StoreEntry } from '../../src/drivers/store/index.ts'
import { NetpluginError } from '../../src/lib/errors.ts'
import { EtcdCluster } from '../support/etcd.ts'

const seconds = Number(process.env.STORE_SECONDS ?? 20)
const seed = Number(process.env.STORE_SEED ?? Date.now() % 1_000_000)
const writers = 4
const counters = 3

/** mulberry32: the same numbers for the same seed. */
function randomOf(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

type Fate = 'done' | 'refused' | 'unknown'

interface Write {
  readonly name: string
  readonly counter: number
  /** What it counted to. */
  readonly to: number
  readonly fate: Fate
  readonly revision: number
}

/** Counts on, and leaves a note of its own in the same commit; from time to time a large one. */
async function write(store: Store, name: string, random: () => number): Promise<Write | undefined> {
  const counter = Math.floor(random() * counters)
  const key = `counter/${counter}`
  const size = random() < 0.05 ? 4_000 : 1
  try {
    const before = await store.get(key)
    const to = Number(before?.value ?? 0) + 1
    const notes = Array.from({ length: size }, (_, at) => ({ key: `note/${name}/${at}`, value: to }))
    const commit = {
      expect: [{ key, revision: before?.revision ?? 0 }],
      put: [{ key, value: to }, ...notes],
      delete: [],
    }
    try {
      const result = await store.commit(commit)
      return { name, counter, to, fate: result.ok ? 'done' : 'refused', revision: result.ok ? result.revision : 0 }
    } catch (error) {
      assert.ok(error instanceof NetpluginError && error.kind === 'unavailable', String(error))
      return { name, counter, to, fate: 'unknown', revision: 0 }
    }
  } catch (error) {
    if (error instanceof NetpluginError && error.kind === 'unavailable') return undefined
    throw error
  }
}

async function disturb(etcd: EtcdCluster, random: () => number, over: () => boolean): Promise<number> {
  let faults = 0
  while (!over()) {
    await delay(300 + 1_200 * random())
    const member = Math.floor(random() * 3)
    const other = (member + 1) % 3
    const how = random()
    faults++
    if (how < 0.4) {
      await etcd.kill(member)
      await delay(1_500 * random())
      etcd.restart(member)
    } else if (how < 0.8) {
      etcd.pause(member)
      await delay(3_000 * random())
      etcd.resume(member)
    } else {
      // No majority for a moment.
      await Promise.all([etcd.kill(member), etcd.kill(other)])
      await delay(1_000 * random())
      etcd.restart(member)
      etcd.restart(other)
    }
  }
  return faults
}

/** Each disk in turn, the leader's, or all of them take long for each write, for a moment. */
async function slowDisks(etcd: EtcdCluster, random: () => number, over: () => boolean): Promise<number> {
  let faults = 0
  while (!over()) {
    const which =
      faults % 3 === 2 ? [0, 1, 2] : [faults % 3 === 0 ? await etcd.leader().catch(() => 0) : Math.floor(random() * 3)]
    faults++
    const calledOff = await Promise.all(which.map((member) => etcd.slowDisk(member, 300)))
    await delay(2_000 + 2_000 * random())
    await Promise.all(calledOff.map((callOff) => callOff()))
    await delay(500 * random())
  }
  return faults
}

interface History {
  readonly seconds: number
  /** Acknowledged writes that there must be at least. */
  readonly least: number
  readonly syncs: boolean
  readonly disturb: typeof disturb
}

async function history(context: TestContext, { seconds, least, syncs, disturb }: History): Promise<void> {
  const etcd = await EtcdCluster.start({ members: 3, syncs })
  try {
    const target = etcd.target()
    const deps = { newEpoch: () => 'epoch-of-a-test' }
    const stores = await Promise.all(Array.from({ length: writers }, () => openStore(target, deps)))
    const end = performance.now() + seconds * 1_000
    const over = () => performance.now() > end
    const writes: Write[] = []
    const work = stores.map(async (store, number) => {
      const random = randomOf(seed + number)
      const other = stores[(number + 1) % writers] ?? store
      for (let at = 0; !over(); at++) {
        const done = await write(store, `${number}.${at}`, random)
        if (done === undefined) continue
        writes.push(done)
        if (done.fate === 'done' && random() < 0.2) await readsIt(other, done)
      }
    })
    const [faults] = await Promise.all([disturb(etcd, randomOf(seed + 99), over), ...work])
    await etcd.healthy()
    const reader = await openStore(target, deps)
    const { entries } = await reader.snapshot()
    await Promise.all([reader, ...stores].map((store) => store.close()))
    check(writes, entries)
    const count = (fate: Fate) => writes.filter((each) => each.fate === fate).length
    const summary = `${count('done')} done, ${count('refused')} refused, ${count('unknown')} unknown, ${faults} faults`
    context.diagnostic(summary)
    assert.ok(count('done') > least, summary)
  } finally {
    await etcd.close()
  }
}

/** Whoever asks after the answer sees it, or something newer. */
async function readsIt(store: Store, { name, counter, to }: Write): Promise<void> {
  try {
    const seen = Number((await store.get(`counter/${counter}`))?.value ?? 0)
    assert.ok(seen >= to, `${name} counted to ${to}, and ${seen} was read afterwards`)
  } catch (error) {
    if (!(error instanceof NetpluginError) || error.kind !== 'unavailable') throw error
  }
}

function check(writes: readonly Write[], entries: readonly StoreEntry[]): void {
  const notes = new Map<string, number>()
  for (const { key } of entries) {
    const [kind, name = ''] = key.split('/')
    if (kind === 'note') notes.set(name, (notes.get(name) ?? 0) + 1)
  }
  for (const [name, count] of notes) assert.ok(count === 1 || count === 4_000, `${name} is in pieces: ${count}`)
  const reached = new Map(entries.map(({ key, value }) => [key, Number(value)]))
  for (const { name, fate } of writes) {
    if (fate === 'done') assert.ok(notes.has(name), `${name} was acknowledged and is lost`)
    if (fate === 'refused') assert.ok(!notes.has(name), `${name} was refused and is there`)
  }
  for (let counter = 0; counter < counters; counter++) {
    const there = writes.filter((each) => each.counter === counter && notes.has(each.name)).sort((a, b) => a.to - b.to)
    // Each step once, without a gap, up to where the counter is.
    assert.deepEqual(
      there.map(({ to }) => to),
      Array.from({ length: reached.get(`counter/${counter}`) ?? 0 }, (_, at) => at + 1),
    )
    const revisions = there.filter(({ fate }) => fate === 'done').map(({ revision }) => revision)
    assert.deepEqual(
      revisions,
      revisions.toSorted((a, b) => a - b),
    )
  }
}

test(`each acknowledged write is there after random faults (seed ${seed}, ${seconds} s)`, (context) =>
  history(context, { seconds, least: seconds, syncs: false, disturb }))

test(`and after disks on which each write takes 0.3 s (seed ${seed}, ${seconds} s)`, (context) =>
  history(context, { seconds, least: seconds / 2, syncs: true, disturb: slowDisks }))
