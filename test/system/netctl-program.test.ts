// The netctl program: what a shell sees of it.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { open } from 'node:fs/promises'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { startNetmaster } from '../support/netmaster.ts'

interface Outcome {
  readonly status: number
  readonly out: string
  readonly err: string
}

const program = fileURLToPath(new URL('../../bin/netctl', import.meta.url))

async function start(args: readonly string[], env: Readonly<Record<string, string>>): Promise<Outcome> {
  const child = spawn(program, args, {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
  })
  const outcome = { status: -1, out: '', err: '' }
  child.stdout.on('data', (chunk) => {
    outcome.out += chunk
  })
  child.stderr.on('data', (chunk) => {
    outcome.err += chunk
  })
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => {
      outcome.status = code ?? -1
      resolve()
    })
  })
  return outcome
}

test('the program passes on output, errors and exit statuses', async (t) => {
  const url = await startNetmaster(t)
  const env = { NETMASTER: url }
  const version = await start(['version'], env)
  assert.equal(version.status, 0)
  assert.match(
    version.out,
    /^Client Version:\nVersion: (\S+)\nGitCommit: \S+\nBuildTime: .+\n\nServer Version:\nVersion: \1\n/,
  )
  assert.deepEqual(await start(['tenant', 'ls', '-q'], env), { status: 0, out: 'default\n', err: '' })
  const wrong = await start(['tenant', 'lss'], env)
  assert.equal(wrong.status, 1)
  assert.match(wrong.err, /^netctl: netctl tenant has no 'lss'; did you mean 'ls'\?\n\nUsage: netctl tenant COMMAND/)
  const away = await start(['tenant', 'ls'], { NETMASTER: 'http://127.0.0.1:1' })
  assert.equal(away.status, 2)
  assert.match(away.err, /^netctl: cannot reach netmaster at http:\/\/127\.0\.0\.1:1: .*\n$/)
  const refused = await start(['tenant', 'inspect', 'nope'], env)
  assert.deepEqual({ status: refused.status, out: refused.out }, { status: 3, out: '' })
})

test('a full disk behind standard output is an error, a reader that went away is none', async () => {
  const full = await open('/dev/full', 'w')
  const child = spawn(program, ['--help'], { stdio: ['ignore', full.fd, 'ignore'], timeout: 20_000 })
  const status = await new Promise((resolve) => child.once('close', resolve))
  await full.close()
  assert.equal(status, 4)
  const closed = spawn('bash', ['-o', 'pipefail', '-c', '"$0" --help | true', program], { timeout: 20_000 })
  assert.equal(await new Promise((resolve) => closed.once('close', resolve)), 0)
})
