// The program itself: what it writes where, and its exit statuses. What it does is tested on labs (test/system).

import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
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

test('cni install puts executable and configuration in place, and says what it cannot do', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cni-install-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const place = [`--bin-dir=${folder}/bin`, `--conf-dir=${folder}/conf`]
  const { status, stdout } = run(['cni', 'install', ...place, '--network=web', '--tenant=blue', '--group=front'])
  assert.deepEqual([status, stdout.split('\n').length], [0, 3])
  assert.equal(statSync(`${folder}/bin/netplugin-cni`).mode & 0o111, 0o111)
  assert.deepEqual(JSON.parse(readFileSync(`${folder}/conf/10-web.conflist`, 'utf8')), {
    cniVersion: '1.0.0',
    name: 'web',
    plugins: [
      {
        type: 'netplugin-cni',
        tenant: 'blue',
        network: 'web',
        group: 'front',
        capabilities: { ips: true, mac: true, portMappings: true, bandwidth: true, dns: true },
      },
    ],
  })
  assert.equal(run(['cni', 'install', ...place, '--cni-version=9']).status, 22)
  assert.match(run(['cni', 'remove']).stderr, /netplugin cni knows 'install', not 'remove'/)
  assert.match(run(['cni', 'install', '--help']).stdout, /--bin-dir DIR/)
})
