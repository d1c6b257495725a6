import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { FakeServer } from './fake-server.ts'
import { playSwitch } from './fake-switch.ts'
import { describeOvsdbServer } from './ovsdb.contract.ts'

for (const plainMonitorOnly of [false, true]) {
  const name = plainMonitorOnly ? 'a fake server that only knows the plain monitor' : 'a fake server'
  describeOvsdbServer(name, async () => {
    const dir = await mkdtemp(join(tmpdir(), 'ovsdb-fake-'))
    const server = await FakeServer.listen({ path: join(dir, 'db.sock'), plainMonitorOnly })
    const endSwitch = playSwitch(server, { hasDevice: (device) => device !== 'missing0' })
    const stop = async () => {
      endSwitch()
      await server.close()
      await rm(dir, { recursive: true, force: true })
    }
    return { path: server.path, stop }
  })
}
