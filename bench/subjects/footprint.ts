// What our programs cost while nothing happens, and how long the command line takes to start.

import { type Benchmark, measureInside } from '../bench.ts'
import type { Footprints } from '../inside/footprint.ts'
import { median, type Row, spread } from '../result.ts'

const idleSeconds = 10

export const footprint: Benchmark = {
  name: 'footprint',
  about: 'memory and idle processor time of netplugin, netnames and netmaster; start of netctl',
  async run(lab) {
    const commands = ['netctl network ls', 'docker network ls']
    type Times = Readonly<Record<string, readonly number[]>>
    const times = await measureInside<Times>(lab, 'node1', 'commands', [10, ...commands])
    const [ours = [], docker = []] = commands.map((command) => times[command])
    const found = await measureInside<Footprints>(lab, 'node1', 'footprint', [idleSeconds])
    const rows: Row[] = []
    for (const [program, { residentMiB, cpu }] of Object.entries(found)) {
      rows.push(
        {
          what: `${program}, resident memory`,
          unit: 'MiB',
          ours: median([residentMiB]),
          goal: { of: 'value', atMost: 120 },
        },
        {
          what: `${program}, idle for ${idleSeconds} s`,
          unit: 'cores',
          ours: median([cpu]),
          goal: { of: 'value', atMost: 0.02 },
        },
      )
    }
    rows.push({
      what: 'netctl network ls',
      unit: 'ms',
      ours: spread(ours),
      peer: { name: 'docker network ls', ...spread(docker) },
      goal: { of: 'value', atMost: 120 },
    })
    return rows
  },
}
