// The numbers that are to hold when things go wrong, and what was measured of them.

import { meetsGoal, quantile, type Row } from '../../bench/result.ts'

export interface ReliabilityGoal {
  readonly id: string
  readonly what: string
  readonly unit: string
  readonly atMost: number
}

const row = (id: string, what: string, unit: string, atMost: number): ReliabilityGoal => ({ id, what, unit, atMost })

export const reliabilityGoals = {
  lost: row('R1', 'packets lost at 1,000/s while agents and masters are killed, restarted', 'packets', 0),
  broken: row('R1', 'connections refused or cut meanwhile, new at 100/s and existing', 'connections', 0),
  switchBack: row('R2', 'traffic back after ovs-vswitchd is killed with 10,000 flows', 's', 2.5),
  flowsDiffer: row('R2', 'flows that are not what they were before', 'flows', 0),
  leaked: row('R3', 'left behind by containers, or missing, when settled', 'things', 0),
  twice: row('R3', 'addresses that two containers had', 'addresses', 0),
  settled: row('R3', 'all as expected after a fault with everything restarted', 's', 5),
  failover: row('R4', 'writes answered again after a netmaster is killed', 's', 3),
  forgotten: row('R4', 'answered intents lost', 'intents', 0),
  parted: row('R5', 'ways open or closed wrongly on either side of a partition', 'ways', 0),
  healed: row('R5', 'hosts converged after a partition, 1,000 endpoints', 's', 2),
  reclaimed: row('R6', 'endpoints reclaimed of a host known to be dead', 's', 30),
  drift: row('R7', 'a flow removed by hand is back', 's', 6),
} as const

export type GoalName = keyof typeof reliabilityGoals

export class Measured {
  readonly #samples = new Map<GoalName, number[]>()
  readonly #beside = new Map<GoalName, string[]>()

  /** Seconds, or a count. */
  add(name: GoalName, value: number): void {
    const samples = this.#samples.get(name) ?? []
    this.#samples.set(name, samples)
    samples.push(value)
  }

  /** What the parts underneath do by themselves, measured in the same run. */
  compare(name: GoalName, text: string): void {
    this.#beside.set(name, [...(this.#beside.get(name) ?? []), text])
  }

  /** Rows as of benchmarks, of what was measured; the goal is for the worst. */
  rows(): readonly (Row & { readonly id: string; readonly samples: number; readonly beside: string })[] {
    return Object.entries(reliabilityGoals).flatMap(([name, goal]) => {
      const samples = this.#samples.get(name as GoalName)
      if (samples === undefined) return []
      const { id, what, unit, atMost } = goal
      const beside = this.#beside.get(name as GoalName)?.join('; ') ?? '-'
      const ours = { p50: Math.max(...samples), p99: quantile(samples, 0.5) }
      return [{ id, what, unit, ours, goal: { of: 'value', atMost }, samples: samples.length, beside } as const]
    })
  }

  /** What was not measured, or misses its goal. */
  missed(): readonly string[] {
    return this.rows().flatMap((each) => (meetsGoal(each) === true ? [] : [`${each.id} ${each.what}`]))
  }
}
