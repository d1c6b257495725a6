// The numbers R1, R2, R4, R5 and R7: one fault each, on a cluster that is otherwise well.

import { drift } from './drift.ts'
import { failovers } from './failovers.ts'
import type { Measuring } from './measuring.ts'
import { partitions } from './partitions.ts'
import { restarts } from './restarts.ts'
import { switchKilled } from './switch-killed.ts'

const measures = [
  ['R1: agents and masters are killed and restarted under traffic', restarts],
  ['R2: the switch is killed with 10,000 flows', switchKilled],
  ['R4: masters are killed under writes', failovers],
  ['R5: partitions heal, with 1,000 endpoints', partitions],
  ['R7: a flow is removed by hand', drift],
] as const

/** `only`: the ids of some. */
export async function measureAll(measuring: Measuring, only: readonly string[]): Promise<void> {
  for (const [what, measure] of measures) {
    if (only.length > 0 && !only.some((id) => what.startsWith(`${id}:`))) continue
    measuring.say(what)
    await measure(measuring)
  }
}
