// What a switch alone takes for a change of policy: two flows replaced in a bundle, and decisions of before dropped. No agent
// can be quicker.
//
//   node bench/inside/switch-changes.ts CHANGES         one JSON document on standard output

import { setTimeout as pause } from 'node:timers/promises'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { DatapathCache } from '../../src/netplugin/datapath-cache.ts'
import type { Flow, OpenFlowConnection } from '../../src/protocols/openflow/index.ts'
import { withScratchBridge } from './scratch-bridge.ts'

/** Milliseconds of each change. */
export interface SwitchTimes {
  readonly changed: readonly number[]
}

const changes = Number(process.argv[2] ?? '100')
const patienceMs = 10_000
/** As a client does that waits for one change before it asks for the next. */
const betweenMs = 10

function flow(port: number): Flow {
  const match = { eth_type: 0x800, ip_proto: 6, tcp_dst: port }
  return { table: 10, priority: 100, cookie: 1n, match, actions: [], goto: 11 }
}

async function measure(connection: OpenFlowConnection, runDir: string): Promise<SwitchTimes> {
  const cache = new DatapathCache({ runDir, patienceMs }, { log: silentLog, clock: systemClock })
  const signal = AbortSignal.timeout(changes * 1_000)
  const changed: number[] = []
  for (let change = 0; change < changes; change++) {
    const { table, priority, match } = flow(1_000 + change)
    const start = performance.now()
    await connection.bundle(
      [
        { op: 'delete-flow', table, priority, match },
        { op: 'add-flow', flow: flow(1_001 + change) },
      ],
      signal,
    )
    await cache.forget(signal)
    changed.push(performance.now() - start)
    await pause(betweenMs)
  }
  cache.close()
  return { changed }
}

process.stdout.write(JSON.stringify(await withScratchBridge('bench-changes', measure)))
