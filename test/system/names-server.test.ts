// The DNS server of a host as a process, between a netplugin's loop and clients with real sockets, on addresses of the
// loopback: it outlives who started it, is taken over, replaced and healed. With containers: names-life.test.ts.

import assert from 'node:assert/strict'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { decode, encode } from 'dns-packet'
import { NodeCompiler } from '../../src/core/compile/compile-node.ts'
import type { NamesStatus } from '../../src/core/names/feed.ts'
import { askerAddresses, resolverAddresses } from '../../src/core/pipeline/features/names.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { until } from '../../src/netlab/wait.ts'
import { askStatus, askToStop } from '../../src/netnames/ask.ts'
import { namesProcesses } from '../../src/netplugin/names-program.ts'
import { NamesServer } from '../../src/netplugin/names-server.ts'
import { clusterState } from '../support/cluster.ts'

const skip = process.getuid?.() === 0 ? false : 'needs root for port 53'
/** Of the loopback network, where every address is this machine's. */
const pvtSubnet = '127.19.0.0/16'
const entry = fileURLToPath(new URL('../../src/cmd/netnames.ts', import.meta.url))

const state = clusterState({
  tenants: ['red'],
  global: { pvtSubnet },
  networks: [{ key: 'red:front', encap: { kind: 'vxlan', vni: 7 }, subnet: '10.1.0.0/16' }],
  groups: [{ key: 'red:web', network: 'front' }],
  endpoints: [1, 2, 3].map((index) => ({
    id: `e${index}`,
    network: 'red:front',
    node: 'here',
    ipv4: `10.1.0.${index}`,
    group: 'web',
  })),
  nodes: [{ node: 'here', vtep: '10.0.0.1' }],
})

function setup(t: TestContext) {
  const dir = mkdtempSync(join(tmpdir(), 'names-server-'))
  const socket = join(dir, 'names.sock')
  t.after(async () => {
    await askToStop(socket, AbortSignal.timeout(5_000)).catch(() => {})
    rmSync(dir, { recursive: true, force: true })
  })
  const network = new NodeCompiler('here').compile(state)
  const ofPorts = new Map([...network.local.values()].map(({ portName }, index) => [portName, index + 1]))
  /** The part of a netplugin that looks after names; ends without a word to the server. */
  const netplugin = (rate: number) => {
    const flags = ['--rate', String(rate), '--log-level', 'error', '--resolv-conf', join(dir, 'resolv.conf')]
    const processes = namesProcesses({ entry, socket, flags }, { log: silentLog })
    const deps = {
      processes,
      view: () => ({ state, network, ofPorts, others: [] }),
      clock: systemClock,
      random: Math.random,
    }
    const stop = new AbortController()
    const running = new NamesServer({ socket }, { ...deps, log: silentLog }).run(stop.signal)
    const leave = async () => {
      stop.abort()
      await running
    }
    t.after(leave)
    return { leave }
  }
  const status = () => askStatus(socket, AbortSignal.timeout(5_000)).catch(() => undefined)
  const serving = (what: string, fact: (now: NamesStatus) => boolean) =>
    eventually(what, async () => {
      const now = await status()
      return now !== undefined && now.address !== '' && fact(now) ? now : undefined
    })
  return { netplugin, status, serving }
}

function eventually<T>(what: string, probe: () => Promise<T | undefined>): Promise<T> {
  return until(probe, { what, timeoutMs: 20_000, everyMs: 10 }, { clock: systemClock }, AbortSignal.timeout(30_000))
}

/** Asks as a container does whose port has this number; undefined: no answer within the time. */
async function ask(name: string, port = 1, ms = 1_000): Promise<readonly unknown[] | undefined> {
  const socket = createSocket('udp4')
  try {
    await new Promise<void>((resolve) => socket.bind(0, askerAddresses(pvtSubnet, port).ipv4, resolve))
    const answered = once(socket, 'message', { signal: AbortSignal.timeout(ms) })
    const query = encode({ type: 'query', id: 1, flags: 0x100, questions: [{ name, type: 'A' }] })
    socket.send(query, 53, resolverAddresses(pvtSubnet).ipv4)
    const [message] = (await answered) as [Buffer]
    return (decode(message).answers ?? []).map((record) => ('data' in record ? record.data : undefined)).sort()
  } catch {
    return undefined
  } finally {
    socket.close()
  }
}

const members = ['10.1.0.1', '10.1.0.2', '10.1.0.3']

test('names resolve while netplugin is away, and the next one takes the same server over', { skip }, async (t) => {
  const { netplugin, serving } = setup(t)
  const first = netplugin(0)
  const { pid } = await serving('the names', ({ fed }) => fed)
  assert.deepEqual(await ask('web'), members)
  await first.leave()
  await serving('netplugin to be gone', ({ fed }) => !fed)
  assert.deepEqual(await ask('WEB.front'), members)
  netplugin(0)
  const after = await serving('the next netplugin', ({ fed }) => fed)
  assert.deepEqual([after.pid, after.members, after.askers], [pid, 3, 3])
})

test('a server that is killed is there again within about a second', { skip }, async (t) => {
  const { netplugin, serving } = setup(t)
  netplugin(0)
  const { pid } = await serving('the names', ({ fed }) => fed)
  const killed = performance.now()
  process.kill(pid, 'SIGKILL')
  await eventually('an answer', async () => ((await ask('web', 1, 100)) === undefined ? undefined : true))
  const tookMs = performance.now() - killed
  t.diagnostic(`answered again after ${Math.round(tookMs)} ms`)
  assert.ok(tookMs < 4_000, `${tookMs} ms`)
  assert.notEqual((await serving('the next server', ({ fed }) => fed)).pid, pid)
})

test('a server that is stuck is replaced', { skip }, async (t) => {
  const { netplugin, serving } = setup(t)
  netplugin(0)
  const { pid } = await serving('the names', ({ fed }) => fed)
  process.kill(pid, 'SIGSTOP')
  const next = await serving('another server', (now) => now.fed && now.pid !== pid)
  assert.deepEqual(await ask('web'), members)
  assert.notEqual(next.pid, pid)
  assert.throws(() => readFileSync(`/proc/${pid}/status`), 'the stuck one is gone')
})

test('one of other flags is replaced, and no question remains without an answer meanwhile', { skip }, async (t) => {
  const { netplugin, serving } = setup(t)
  const first = netplugin(0)
  const { pid } = await serving('the names', ({ fed }) => fed)
  await first.leave()
  let asked = 0
  let unanswered = 0
  let over = false
  const asking = (async () => {
    while (!over) {
      asked += 1
      // As a C library does, which asks again.
      if ((await ask('web', 1, 500)) === undefined && (await ask('web', 1, 500)) === undefined) unanswered += 1
    }
  })()
  netplugin(1_000_000)
  await serving('the successor', (now) => now.fed && now.pid !== pid)
  await eventually('the predecessor to end', async () => {
    try {
      process.kill(pid, 0)
      return undefined
    } catch {
      return true
    }
  })
  over = true
  await asking
  t.diagnostic(`${asked} questions meanwhile`)
  assert.ok(asked > 10)
  assert.equal(unanswered, 0)
})

test('a container that asks more than it may is not answered for a while, its neighbours are', { skip }, async (t) => {
  const { netplugin, serving } = setup(t)
  netplugin(20)
  await serving('the names', ({ fed }) => fed)
  const answers = await Promise.all(Array.from({ length: 100 }, () => ask('web', 1, 300)))
  const answered = answers.filter((answer) => answer !== undefined).length
  // A second's worth at once, and what comes in while they are asked.
  assert.ok(answered >= 20 && answered <= 60, `${answered} of 100`)
  assert.deepEqual(await ask('web', 2), members)
  assert.equal((await serving('the count', ({ limited }) => limited > 0)).fed, true)
})
