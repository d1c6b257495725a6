// The program itself: what it writes where, and its exit statuses. What it does is tested on labs (test/system).

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('./netplugin.ts', import.meta.url))

const run = (args: readonly string[], env: Record<string, string> = {}) =>
  spawnSync(process.execPath, [program, ...args], {
    encoding: 'utf8',
    timeout: 30_000,
    env: { ...process.env, ...env },
  })

test('a flag that it cannot use ends it with status 22 and a message', () => {
  const { status, stdout, stderr } = run(['--vtep-ip', 'here'])
  assert.deepEqual([status, stdout], [22, ''])
  assert.match(stderr, /^netplugin: --vtep-ip here is not an IPv4 address\n/)
})

test('so does an environment variable', () => {
  const { status, stderr } = run([], { CONTIV_NETPLUGIN_VTEP_IP: 'there' })
  assert.equal(status, 22)
  assert.match(stderr, /--vtep-ip there is not/)
})

test('help and version go to standard output with status 0', () => {
  const help = run(['--help'])
  assert.deepEqual([help.status, help.stderr], [0, ''])
  assert.match(help.stdout, /^netplugin: the agent of one host\.\n/)
  const version = run(['--version'])
  assert.deepEqual([version.status, version.stderr], [0, ''])
  assert.match(version.stdout, /^netplugin \d+\.\d+\.\d+ \(/)
})
