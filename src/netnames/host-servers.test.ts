import assert from 'node:assert/strict'
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { FakeClock } from '../lib/fake-clock.ts'
import { HostServers } from './host-servers.ts'

test('the servers are those of the file, also when it is replaced, removed and made again', (t) => {
  const dir = mkdtempSync(join(tmpdir(), 'netnames-test-'))
  t.after(() => rmSync(dir, { recursive: true }))
  const path = join(dir, 'resolv.conf')
  const clock = new FakeClock()
  const servers = new HostServers(path, { clock })
  const write = (text: string) => {
    writeFileSync(`${path}.new`, text)
    renameSync(`${path}.new`, path)
  }
  const later = () => {
    clock.advance(1_000)
    return servers.get()
  }
  assert.deepEqual(servers.get(), [])
  write('nameserver 127.0.0.53\nnameserver fd00::53\n')
  assert.deepEqual(servers.get(), [], 'within a second nobody looks again')
  assert.deepEqual(later(), ['127.0.0.53', 'fd00::53'])
  write('nameserver 192.0.2.1\n')
  assert.deepEqual(later(), ['192.0.2.1'])
  rmSync(path)
  assert.deepEqual(later(), [])
})
