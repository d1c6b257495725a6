import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../lib/clock.ts'
import { DatapathCache } from './datapath-cache.ts'
import { recordingLog } from './testing.ts'

/** A cache of a daemon that answers as told, and what happened in order. */
async function cacheOf(t: TestContext, answer: (method: string) => object | Promise<object>, wake = async () => {}) {
  const runDir = await mkdtemp(join(tmpdir(), 'datapath-cache-'))
  const sockets = new Set<Socket>()
  const events: string[] = []
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('data', async (bytes) => {
      const { id, method } = JSON.parse(bytes.toString()) as { readonly id: number; readonly method: string }
      events.push(method)
      socket.write(JSON.stringify({ id, result: '', error: null, ...(await answer(method)) }))
    })
  })
  await new Promise<void>((resolve) => server.listen(join(runDir, 'ovs-vswitchd.7.ctl'), resolve))
  await writeFile(join(runDir, 'ovs-vswitchd.pid'), '7')
  const { log, lines } = recordingLog()
  const cache = new DatapathCache({ runDir, patienceMs: 5_000 }, { log, clock: systemClock })
  t.after(async () => {
    cache.close()
    for (const socket of sockets) socket.destroy()
    server.close()
    await rm(runDir, { recursive: true })
  })
  const soon = AbortSignal.timeout(5_000)
  return { forget: () => cache.forget(soon), round: () => cache.round(wake, soon), events, lines, runDir }
}

test('all decisions are dropped by one command', async (t) => {
  const { forget, events } = await cacheOf(t, () => ({}))
  await forget()
  assert.deepEqual(events, ['upcall/enable-megaflows'])
})

test('a daemon that tells of a round only when it is awake is woken until it does', async (t) => {
  const wakings: (() => void)[] = []
  const answer = () => new Promise<object>((resolve) => wakings.push(() => resolve({})))
  let woken = 0
  // Not by the first that it hears of.
  const { round } = await cacheOf(t, answer, async () => {
    if (++woken % 3 === 0) for (const tell of wakings.splice(0)) tell()
  })
  await round()
  assert.ok(woken >= 3)
})

test('a daemon that refuses to wait has no rounds to wait for', async (t) => {
  const { round } = await cacheOf(t, () => ({ error: 'cannot wait' }))
  await round()
})

test('decisions that could not be dropped are an error, a daemon that listens elsewhere a warning', async (t) => {
  const { forget } = await cacheOf(t, () => ({ error: 'no' }))
  await assert.rejects(forget(), { code: 'CONTROL_REFUSED' })
  const elsewhere = await cacheOf(t, () => ({}))
  await rm(join(elsewhere.runDir, 'ovs-vswitchd.pid'))
  await elsewhere.forget()
  assert.match(JSON.stringify(elsewhere.lines), /decisions of an older policy may stay/)
})
