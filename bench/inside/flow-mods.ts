// Puts many flows into a scratch bridge in one bundle, by our OpenFlow connection and by ovs-ofctl in turn.
//
//   node bench/inside/flow-mods.ts COUNT ROUNDS         one JSON document on standard output

import { rmSync, writeFileSync } from 'node:fs'
import type { Modification, OpenFlowConnection } from '../../src/protocols/openflow/index.ts'
import { must, withScratchBridge } from './scratch-bridge.ts'

/** Milliseconds of each round. */
export interface FlowTimes {
  readonly ours: readonly number[]
  readonly ofctl: readonly number[]
}

const [countText = '0', rounds = '1'] = process.argv.slice(2)
const count = Number(countText)
const bridge = 'bench-flows'
const flowFile = '/run/bench-flows.txt'

interface Rule {
  readonly source: string
  readonly destination: string
  readonly port: number
}

function makeRules(): Rule[] {
  return Array.from({ length: count }, (_, index) => ({
    source: `10.${(index >> 16) & 255}.${(index >> 8) & 255}.${index & 255}`,
    destination: `20.0.${(index >> 12) & 255}.${(index >> 4) & 255}`,
    port: 1 + (index % 60_000),
  }))
}

function asModification({ source, destination, port }: Rule): Modification {
  const match = { eth_type: 0x800, ip_proto: 6, ipv4_src: source, ipv4_dst: destination, tcp_dst: port }
  return { op: 'add-flow', flow: { table: 10, priority: 100, cookie: 1n, match, actions: [], goto: 11 } }
}

/** As ovs-ofctl(8) reads it. */
function asText({ source, destination, port }: Rule): string {
  const match = `tcp,nw_src=${source},nw_dst=${destination},tp_dst=${port}`
  return `table=10,priority=100,cookie=1,${match},actions=goto_table:11\n`
}

async function measure(connection: OpenFlowConnection): Promise<FlowTimes> {
  const rules = makeRules()
  writeFileSync(flowFile, rules.map(asText).join(''))
  const modifications = rules.map(asModification)
  const times = { ours: [] as number[], ofctl: [] as number[] }
  try {
    for (let round = 0; round < Number(rounds); round++) {
      for (const side of ['ours', 'ofctl'] as const) {
        await connection.bundle([{ op: 'delete-flows' }])
        const start = performance.now()
        if (side === 'ours') await connection.bundle(modifications)
        else must('ovs-ofctl', '-O', 'OpenFlow14', '--bundle', 'add-flows', bridge, flowFile)
        times[side].push(performance.now() - start)
        const found = (await connection.flows()).length
        if (found !== count) throw new Error(`${side}: the switch has ${found} flows instead of ${count}`)
      }
    }
    return times
  } finally {
    rmSync(flowFile, { force: true })
  }
}

process.stdout.write(JSON.stringify(await withScratchBridge(bridge, measure)))
