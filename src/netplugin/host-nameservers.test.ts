import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { HostNameservers } from './host-nameservers.ts'

test('servers that only the host can ask are left out, changes are seen, and no file is no server', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'nameservers-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = join(folder, 'resolv.conf')
  const servers = new HostNameservers({ path })
  assert.deepEqual(servers.list(), [])
  await writeFile(path, 'nameserver 127.0.0.53\nnameserver 192.0.2.2\nnameserver fe80::1\nnameserver 192.0.2.1\n')
  assert.deepEqual(servers.list(), ['192.0.2.1', '192.0.2.2'])
  assert.equal(servers.list(), servers.list())
  // As programs do that replace it.
  await writeFile(`${path}.new`, 'nameserver 192.0.2.3\nnameserver 192.0.2.4\n')
  await rename(`${path}.new`, path)
  assert.deepEqual(servers.list(), ['192.0.2.3', '192.0.2.4'])
  await rm(path)
  assert.deepEqual(servers.list(), [])
})
