// A cluster moves from the embedded store to etcd and back by `netmaster store`, as a program, with certificates and a password that
// no process list shows.

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { openStore } from '../../src/drivers/store/index.ts'
import { startTestNetmaster } from '../../src/netmaster/testing.ts'
import { EtcdCluster } from '../support/etcd.ts'

const program = fileURLToPath(new URL('../../bin/netmaster', import.meta.url))

async function run(...args: readonly string[]): Promise<{ readonly status: number; readonly text: string }> {
  const child = spawn(program, ['store', ...args], { stdio: ['ignore', 'pipe', 'pipe'], timeout: 30_000 })
  let text = ''
  const add = (piece: Buffer) => {
    text += piece.toString()
  }
  child.stdout.on('data', add)
  child.stderr.on('data', add)
  const [status] = (await once(child, 'close')) as [number | null]
  return { status: status ?? -1, text }
}

test('a cluster is copied to etcd, backed up there, checked, and restored into a file', async () => {
  const directory = mkdtempSync(join(tmpdir(), 'netplugin-store-move-'))
  const etcd = await EtcdCluster.start({ members: 1, password: 'a word of a test' })
  try {
    const from = join(directory, 'from')
    const store = await openStore({ kind: 'sqlite', directory: from }, { newEpoch: () => 'epoch-of-a-test' })
    const netmaster = await startTestNetmaster({ store })
    const endpoints = Array.from({ length: 1_500 }, (_, at) => ({ Container: `c${at}` }))
    const tenant = { Name: 'blue', Networks: [{ Name: 'orange', SubnetCIDR: '10.1.0.0/16', Endpoints: endpoints }] }
    await netmaster.ok('POST', '/desired-config', { Tenants: [tenant] })
    await netmaster.stop()

    const { caFile, clientCertFile, clientKeyFile } = etcd.certificates
    const passwordFile = join(directory, 'password')
    writeFileSync(passwordFile, 'a word of a test\n', { mode: 0o600 })
    const access = [
      ...['--store-ca', caFile, '--store-cert', clientCertFile, '--store-key', clientKeyFile],
      ...['--store-user', 'root', '--store-password-file', passwordFile],
    ]
    const url = `etcd://${etcd.endpoints.join(',')}/moved`
    const copied = await run('copy', `sqlite:${from}`, url, ...access)
    assert.equal(copied.status, 0, copied.text)
    assert.match(copied.text, /^3\d\d\d entries in etcd:\/\/127/)
    const checked = await run('check', url, ...access)
    assert.match(checked.text, /: nothing wrong\n$/)
    const again = await run('copy', `sqlite:${from}`, url, ...access)
    assert.deepEqual([again.status, /--force/.test(again.text)], [1, true])

    const file = join(directory, 'backup')
    assert.equal((await run('backup', file, '--store-url', url, ...access)).status, 0)
    const restored = join(directory, 'restored')
    assert.equal((await run('restore', file, '--state-dir', restored)).status, 0)
    const second = join(directory, 'second')
    await run('backup', second, '--state-dir', restored)
    const body = (path: string) => readFileSync(path, 'utf8').split('\n').slice(1, -2)
    assert.ok(body(file).length > 3_000)
    assert.deepEqual(body(second), body(file))
    assert.deepEqual((await run('burn')).status, 22)
  } finally {
    await etcd.close()
    rmSync(directory, { recursive: true })
  }
})
