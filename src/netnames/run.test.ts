// How long the server lives. What it answers is tested elsewhere: here its address is on no machine.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { FakeClock } from '../lib/fake-clock.ts'
import { silentLog } from '../lib/log.ts'
import { runNetnames } from './run.ts'

async function start(t: TestContext, addresses: () => ReadonlySet<string> = () => new Set()) {
  const dir = mkdtempSync(join(tmpdir(), 'netnames-test-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const socket = join(dir, 'names.sock')
  const clock = new FakeClock()
  const stop = new AbortController()
  const state = { ended: false }
  const running = runNetnames(
    { socket, resolvConf: join(dir, 'resolv.conf'), rate: 0, program: 'p' },
    {
      pid: 7,
      hostAddresses: addresses,
      exchange: () => Promise.reject(new Error('nobody')),
      clock,
      log: silentLog,
      random: () => 0.5,
    },
    stop.signal,
  ).then(() => {
    state.ended = true
  })
  t.after(async () => {
    stop.abort()
    await running
  })
  const netplugin = async (): Promise<Socket> => {
    const client = connect(socket)
    client.on('error', () => {})
    t.after(() => client.destroy())
    await once(client, 'data', { signal: AbortSignal.timeout(5_000) })
    return client
  }
  /** Time goes by, second after second; whether the server ended meanwhile. */
  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds && !state.ended; second++) {
      clock.advance(1_000)
      for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve))
    }
    return state.ended
  }
  const firstTimer = async () => {
    while (clock.waiting === 0) await new Promise((resolve) => setImmediate(resolve))
  }
  await firstTimer()
  return { socket, dir, netplugin, pass, running }
}

async function say(client: Socket, ...lines: readonly unknown[]): Promise<void> {
  client.write([...lines, { type: 'ping' }].map((line) => `${JSON.stringify(line)}\n`).join(''))
  await once(client, 'data', { signal: AbortSignal.timeout(5_000) })
}

test('without netplugin, and without the port of the switch, it ends after a minute', async (t) => {
  const { pass } = await start(t)
  assert.equal(await pass(58), false)
  assert.equal(await pass(10), true)
})

test('while a netplugin feeds it, it stays; a minute after that one is gone it ends', async (t) => {
  const { netplugin, pass } = await start(t)
  const client = await netplugin()
  await say(client, { type: 'begin' })
  assert.equal(await pass(300), false)
  client.destroy()
  await once(client, 'close')
  assert.equal(await pass(50), false)
  assert.equal(await pass(20), true)
})

test('who only looks does not keep it alive', async (t) => {
  const { netplugin, pass } = await start(t)
  await say(await netplugin())
  assert.equal(await pass(70), true)
})

test('one that was to be replaced goes with the netplugin that wanted it so', async (t) => {
  const { netplugin, running } = await start(t)
  const client = await netplugin()
  await say(client, { type: 'yield' })
  client.destroy()
  await running
})

test('one whose socket is not its own any more ends, and leaves the socket to its owner', async (t) => {
  const { socket, dir, pass, running } = await start(t)
  writeFileSync(join(dir, 'other'), 'other')
  renameSync(join(dir, 'other'), socket)
  assert.equal(await pass(5), true)
  await running
})

test('a line that is no message ends the connection, not the server', async (t) => {
  const { netplugin, pass } = await start(t)
  for (const line of ['{', '{"type":"greet"}', 'x'.repeat(100)]) {
    const client = await netplugin()
    const closed = once(client, 'close', { signal: AbortSignal.timeout(5_000) })
    client.write(`${line}\n`)
    await closed
  }
  await say(await netplugin())
  assert.equal(await pass(5), false)
})
