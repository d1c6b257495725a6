// The OVSDB client against a real Open vSwitch.

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { silentLog } from '../../src/lib/log.ts'
import { describeOvsdbServer } from '../../src/protocols/ovsdb/ovsdb.contract.ts'
import { startOpenVswitch } from '../support/open-vswitch.ts'

describeOvsdbServer('a real Open vSwitch', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'ovsdb-oracle-'))
  const ovs = await startOpenVswitch(join(dir, 'ovs'), { log: silentLog })
  const stop = async () => {
    await ovs.stop()
    await rm(dir, { recursive: true, force: true })
  }
  return { path: ovs.dbSocket, stop }
})
