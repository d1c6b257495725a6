// Policy worked out at a size that no lab has, and how many flows a rule takes.

import { type Benchmark, measureInside } from '../bench.ts'
import type { PolicyCoreTimes } from '../inside/policy-core.ts'
import { median, quantile, type Row, spread } from '../result.ts'

const rules = 75_000
const endpoints = 100_000
const changes = 500

export const policyCore: Benchmark = {
  name: 'policy-core',
  about: `${rules / 1_000}k rules over ${endpoints / 1_000}k endpoints worked out for one host, without a switch; flows of a rule`,
  async run(lab) {
    const times = await measureInside<PolicyCoreTimes>(lab, 'node1', 'policy-core', [rules, endpoints, changes])
    const size = `${rules / 1_000}k rules, ${endpoints / 1_000}k endpoints`
    const atMost = (bound: number) => ({ of: 'value', atMost: bound }) as const
    return [
      { what: `${size}: worked out from nothing`, unit: 's', ours: median([times.allMs / 1_000]), goal: atMost(12) },
      { what: '  of it processor time', unit: 's', ours: median([times.allCpuMs / 1_000]) },
      { what: `${size}: memory`, unit: 'MiB', ours: median([times.residentMiB]), goal: atMost(1_500) },
      { what: `  after ${changes} changes`, unit: 'MiB', ours: median([times.changedResidentMiB]) },
      { what: `${size}: one rule changed`, unit: 'ms', ours: spread(times.changes) },
      {
        what: '  99th percentile',
        unit: 'ms',
        ours: median([quantile(times.changes, 0.99)]),
        goal: atMost(5),
      },
      { what: '  of it processor time', unit: 'ms', ours: spread(times.changesCpu) },
      ...times.shapes.map(({ sources, destinations, services, flows }): Row => {
        const what = `flows of a rule: ${sources} sources, ${destinations} groups, ${services} services`
        return { what, unit: 'flows', ours: median([flows]), goal: atMost(sources + destinations + services + 1) }
      }),
    ]
  },
}
