// How fast the API is: endpoints made at full speed, what one more client notices of it, and long lists.

import { type Benchmark, measureInside } from '../bench.ts'
import type { RestTimes } from '../inside/rest.ts'
import { median, spread } from '../result.ts'

const creates = 10_000
const connections = 64
const rounds = 5

export const rest: Benchmark = {
  name: 'rest',
  about: `endpoints made through REST with ${connections} connections on the embedded store, and lists of them`,
  async run(lab) {
    const times = await measureInside<RestTimes>(lab, 'node1', 'rest', [creates, connections, rounds])
    const atMost = (ms: number) => ({ of: 'value', atMost: ms }) as const
    const thousands = `${creates / 1_000}k`
    return [
      {
        what: `endpoints made, ${connections} connections`,
        unit: '1/s',
        ours: median(times.rates),
        goal: { of: 'value', atLeast: 10_000 },
      },
      { what: 'processor time for each of them', unit: 'us', ours: median(times.cpuUs) },
      {
        what: 'one more client meanwhile, 99th percentile',
        unit: 'ms',
        ours: median(times.loadedP99Ms),
        goal: atMost(20),
      },
      { what: `list of ${thousands} endpoints, first bytes`, unit: 'ms', ours: spread(times.firstByteMs) },
      { what: `list of ${thousands} endpoints, whole`, unit: 'ms', ours: spread(times.listMs) },
      {
        what: 'an endpoint made while lists are read, 99th percentile',
        unit: 'ms',
        ours: median(times.listingP99Ms),
        goal: atMost(20),
      },
    ]
  },
}
