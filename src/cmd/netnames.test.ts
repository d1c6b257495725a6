// The program itself: what it writes where, its exit statuses, and its control socket. What it answers is tested with
// real addresses (test/system/names-server.test.ts).

import assert from 'node:assert/strict'
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('./netnames.ts', import.meta.url))

const run = (...args: readonly string[]) =>
  spawnSync(process.execPath, [program, ...args], { encoding: 'utf8', timeout: 30_000 })

/** One that runs and listens at a socket of the test's own. */
async function start(t: TestContext): Promise<{ readonly server: ChildProcess; readonly socket: string }> {
  const dir = mkdtempSync(join(tmpdir(), 'netnames-test-'))
  t.after(() => rmSync(dir, { recursive: true, force: true }))
  const socket = join(dir, 'run', 'names.sock')
  const server = spawn(process.execPath, [program, '--socket', socket], { stdio: ['ignore', 'ignore', 'pipe'] })
  t.after(() => server.kill('SIGKILL'))
  for await (const line of server.stderr) if (String(line).includes('"msg":"ready"')) break
  server.stderr.resume()
  return { server, socket }
}

test('a flag that it cannot use ends it with status 22 and a message', () => {
  for (const [args, message] of [
    [['--rate', '-1'], /^netnames: --rate -1 is less than 0\n/],
    [['--log-level=loud'], /--log-level loud is none of debug/],
    [['word'], /takes no arguments/],
  ] as const) {
    const { status, stdout, stderr } = run(...args)
    assert.deepEqual([status, stdout], [22, ''])
    assert.match(stderr, message)
  }
})

test('help and version go to standard output with status 0', () => {
  const help = run('--help')
  assert.deepEqual([help.status, help.stderr], [0, ''])
  assert.match(help.stdout, /^netnames: answers the DNS questions/)
  const version = run('--version')
  assert.deepEqual([version.status, version.stderr], [0, ''])
  assert.match(version.stdout, /^netnames \d+\.\d+\.\d+ \(/)
})

test('where none runs, asking for its status fails and says why', () => {
  const { status, stdout, stderr } = run('--status', '--socket', '/nowhere/names.sock')
  assert.deepEqual([status, stdout], [1, ''])
  assert.match(stderr, /^netnames: netnames does not answer at \/nowhere\/names\.sock: /)
})

test('it says how it is, ends when told to, and leaves no socket', async (t) => {
  const { server, socket } = await start(t)
  const { status, stdout } = run('--status', '--socket', socket)
  assert.equal(status, 0)
  assert.deepEqual(JSON.parse(stdout), {
    pid: server.pid,
    fed: false,
    address: '',
    members: 0,
    askers: 0,
    asked: 0,
    answeredHere: 0,
    forwarded: 0,
    limited: 0,
  })
  assert.equal(readFileSync(`${socket}.pid`, 'utf8'), `${server.pid}\n`)
  const ended = once(server, 'exit', { signal: AbortSignal.timeout(10_000) })
  assert.equal(run('--stop', '--socket', socket).status, 0)
  assert.deepEqual(await ended, [0, null])
  assert.ok(!existsSync(socket))
})

test('a second one at the same socket does not run; one whose predecessor was killed does', async (t) => {
  const { server, socket } = await start(t)
  const second = run('--socket', socket)
  assert.equal(second.status, 1)
  assert.match(second.stderr, /another process listens at /)
  const ended = once(server, 'exit')
  server.kill('SIGKILL')
  await ended
  assert.ok(existsSync(socket))
  const third = spawn(process.execPath, [program, '--socket', socket], { stdio: ['ignore', 'ignore', 'pipe'] })
  t.after(() => third.kill('SIGKILL'))
  for await (const line of third.stderr) if (String(line).includes('"msg":"ready"')) break
})

test('when nobody reads what it logs any more, it goes on', async (t) => {
  const { server, socket } = await start(t)
  server.stderr?.destroy()
  // What feeds it and leaves is logged.
  const feeder = connect(socket)
  t.after(() => feeder.destroy())
  await once(feeder, 'data')
  feeder.write('{"type":"begin"}\n{"type":"ping"}\n')
  await once(feeder, 'data')
  feeder.destroy()
  assert.equal(run('--status', '--socket', socket).status, 0)
  const ended = once(server, 'exit', { signal: AbortSignal.timeout(10_000) })
  assert.equal(run('--stop', '--socket', socket).status, 0)
  assert.deepEqual(await ended, [0, null])
})
