// A bridge beside ours on the same switch, for as long as a measurement takes.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { OpenFlowConnection } from '../../src/protocols/openflow/index.ts'

const runDir = '/var/run/openvswitch'

export function must(command: string, ...args: readonly string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`)
}

export async function withScratchBridge<T>(
  bridge: string,
  measure: (connection: OpenFlowConnection, runDir: string) => Promise<T>,
): Promise<T> {
  const type = existsSync('/sys/module/openvswitch') ? 'system' : 'netdev'
  const kind = [`datapath_type=${type}`, 'fail_mode=secure']
  must('ovs-vsctl', '--may-exist', 'add-br', bridge, '--', 'set', 'bridge', bridge, ...kind)
  try {
    const path = `${runDir}/${bridge}.mgmt`
    const connection = await OpenFlowConnection.connect({ path }, { log: silentLog, clock: systemClock })
    try {
      return await measure(connection, runDir)
    } finally {
      connection.close()
    }
  } finally {
    must('ovs-vsctl', '--if-exists', 'del-br', bridge)
  }
}
