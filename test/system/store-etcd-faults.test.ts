// A store on three members of etcd, of which some are away, silent, paused, or forget the past.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { openStore, type Store, type StoreCommit, type StoreTarget } from '../../src/drivers/store/index.ts'
import { NetpluginError } from '../../src/lib/errors.ts'
import { EtcdCluster } from '../support/etcd.ts'

let etcd: EtcdCluster
before(async () => {
  etcd = await EtcdCluster.start({ members: 3 })
})
after(() => etcd.close())

const deps = { newEpoch: () => 'epoch-of-a-test' }
const put = (key: string, value: number, expected?: number) => ({
  expect: expected === undefined ? [] : [{ key, revision: expected }],
  put: [{ key, value }],
  delete: [],
})
const code = (expected: string) => (error: unknown) => error instanceof NetpluginError && error.code === expected

async function using(target: StoreTarget, body: (store: Store) => Promise<void>): Promise<void> {
  const store = await openStore(target, deps)
  try {
    await body(store)
  } finally {
    await store.close()
  }
}

/** What the store tells from now on, until `stop`. */
async function listen(store: Store): Promise<{ readonly seen: StoreCommit[]; stop(): Promise<void> }> {
  const seen: StoreCommit[] = []
  const ended = new AbortController()
  const { revision } = await store.snapshot()
  const listening = (async () => {
    for await (const commit of store.watch(revision, ended.signal)) seen.push(commit)
  })()
  return {
    seen,
    stop: () => {
      ended.abort()
      return listening
    },
  }
}

async function until(what: string, holds: () => boolean, ms = 15_000): Promise<void> {
  const end = performance.now() + ms
  while (!holds()) {
    if (performance.now() > end) assert.fail(`not within ${ms} ms: ${what}`)
    await delay(20)
  }
}

/** Writes `key` until the store takes it; answers the ms that took. */
async function writeAgain(store: Store, key: string, ms = 20_000): Promise<number> {
  const began = performance.now()
  for (;;) {
    try {
      assert.ok((await store.commit(put(key, 1))).ok)
      return performance.now() - began
    } catch (error) {
      assert.ok(error instanceof NetpluginError && error.kind === 'unavailable', String(error))
      if (performance.now() - began > ms) throw error
    }
  }
}

/** Takes connections and says nothing. */
async function silentServer(): Promise<{ readonly endpoint: string; close(): void }> {
  const sockets: Socket[] = []
  const server: Server = createServer((socket) => sockets.push(socket.on('error', () => {})))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  const close = () => {
    server.close()
    for (const socket of sockets) socket.destroy()
  }
  return { endpoint: `127.0.0.1:${address.port}`, close }
}

test('endpoints that are dead, or take connections and never answer, hold nothing up', async () => {
  const silent = await silentServer()
  try {
    const target = etcd.target()
    const began = performance.now()
    await using({ ...target, endpoints: ['127.0.0.1:1', silent.endpoint, ...target.endpoints] }, async (store) => {
      assert.ok((await store.commit(put('a', 1))).ok)
      assert.equal((await store.get('a'))?.value, 1)
    })
    assert.ok(performance.now() - began < 2_500, `${performance.now() - began} ms`)
    await assert.rejects(openStore({ ...target, endpoints: [silent.endpoint] }, deps), code('STORE_UNREACHABLE'))
  } finally {
    silent.close()
  }
})

test('the leader dies and comes back: writes and watches go on by themselves', async () => {
  await using(etcd.target(), async (store) => {
    const { seen, stop } = await listen(store)
    assert.ok((await store.commit(put('before', 1))).ok)
    const leader = await etcd.leader()
    await etcd.kill(leader)
    const paused = await writeAgain(store, 'after')
    assert.ok(paused < 10_000, `${paused} ms`)
    await until('the watch tells it', () => seen.at(-1)?.changes[0]?.key === 'after')
    assert.deepEqual(
      seen.flatMap(({ changes }) => changes.map(({ key }) => key)),
      ['before', 'after'],
    )
    etcd.restart(leader)
    await etcd.healthy()
    await stop()
  })
})

test('without a majority writes and reads are refused as unavailable; with it they come back by themselves', async () => {
  await using(etcd.target(), async (store) => {
    const { seen, stop } = await listen(store)
    await store.commit(put('before', 1))
    await Promise.all([etcd.kill(0), etcd.kill(1)])
    const began = performance.now()
    const unavailable = (error: unknown) => error instanceof NetpluginError && error.kind === 'unavailable'
    await Promise.all([
      assert.rejects(store.commit(put('meanwhile', 1)), unavailable),
      assert.rejects(store.get('before'), code('STORE_UNREACHABLE')),
      assert.rejects(store.snapshot(), code('STORE_UNREACHABLE')),
    ])
    assert.ok(performance.now() - began < 30_000)
    etcd.restart(0)
    etcd.restart(1)
    await writeAgain(store, 'after')
    await until('the watch tells it', () => seen.some(({ changes }) => changes[0]?.key === 'after'))
    await stop()
    await etcd.healthy()
  })
})

test('a member that is paused is left for another one, and what a lease holds stays', async () => {
  const endpoints = etcd.endpoints
  for (const number of [0, 1, 2]) {
    // It alone answers at first.
    await using({ ...etcd.target(), endpoints: [endpoints[number] ?? '', ...endpoints] }, async (store) => {
      const { seen, stop } = await listen(store)
      const lease = await store.lease(6_000)
      await store.commit({ expect: [], put: [{ key: 'alive', value: 1, lease: lease.id }], delete: [] })
      etcd.pause(number)
      try {
        const paused = await writeAgain(store, `of ${number}`)
        assert.ok(paused < 12_000, `${paused} ms`)
        await until('the watch tells it', () => seen.at(-1)?.changes[0]?.key === `of ${number}`)
        // Longer than the lease.
        if (number === 0) await delay(7_000)
        assert.deepEqual([(await store.get('alive'))?.value, lease.lost.aborted], [1, false])
      } finally {
        etcd.resume(number)
      }
      await stop()
      await etcd.healthy()
    })
  }
})

test('what etcd has forgotten is told as COMPACTED; a watch that has kept up goes on', async () => {
  await using(etcd.target(), async (store) => {
    const { revision } = await store.snapshot()
    const { seen, stop } = await listen(store)
    for (let n = 0; n < 20; n++) await store.commit(put('a', n))
    await until('the watch keeps up', () => seen.length === 20)
    await etcd.compact()
    await assert.rejects(
      (async () => {
        for await (const commit of store.watch(revision, AbortSignal.timeout(5_000)))
          assert.fail(JSON.stringify(commit))
      })(),
      code('COMPACTED'),
    )
    await store.commit(put('a', 20))
    await until('the watch goes on', () => seen.at(-1)?.changes[0]?.value === 20)
    await stop()
    assert.equal((await store.snapshot()).entries[0]?.value, 20)
  })
})

test('a lease ends by itself when its store is cut off from etcd, and its holder knows first', async () => {
  const gone = await openStore(etcd.target(), deps)
  const lease = await gone.lease(2_000)
  await gone.commit({ expect: [], put: [{ key: 'alive', value: 1, lease: lease.id }], delete: [] })
  await Promise.all([etcd.kill(0), etcd.kill(1), etcd.kill(2)])
  await until('the holder knows', () => lease.lost.aborted, 4_000)
  for (const number of [0, 1, 2]) etcd.restart(number)
  await etcd.healthy()
  const end = performance.now() + 15_000
  while ((await gone.get('alive')) !== undefined) {
    assert.ok(performance.now() < end, 'the key outlives its lease')
    await delay(100)
  }
  await gone.close()
})
