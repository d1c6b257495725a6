// The driver's own share of a start: its calls as dockerd makes them, without dockerd.

import { type Benchmark, measureInside, network } from '../bench.ts'
import type { AttachTimes } from '../inside/attach.ts'
import { median, pairedRatio, spread } from '../result.ts'

const parallelCount = 100

export const attach: Benchmark = {
  name: 'attach',
  about: 'calls of the Docker driver: latency one by one, and rate with 4 in parallel',
  async run(lab) {
    const measure = (count: number, parallel: number, mode: 'churn' | 'fill' | 'hand') =>
      measureInside<AttachTimes>(lab, 'node1', 'attach', [network.name, network.subnet, count, parallel, mode])
    // As in a daemon that has run for a while: the first calls compile code.
    await measure(50, 1, 'fill')
    const single = await measure(60, 1, 'fill')
    const mixed = await measure(30, 1, 'hand')
    const churn = await measure(60, 1, 'churn')
    const four = await measure(parallelCount, 4, 'fill')
    const perSecond = (ms: number) => median([(parallelCount * 1000) / ms])
    return [
      { what: 'RequestAddress', unit: 'ms', ours: spread(single.address) },
      {
        what: 'CreateEndpoint + Join',
        unit: 'ms',
        ours: spread(single.attach),
        goal: { of: 'value', atMost: 15 },
      },
      {
        what: 'the same, in turn with work by hand',
        unit: 'ms',
        ours: spread(mixed.attach),
        peer: {
          name: 'ip link and ovs-vsctl by hand',
          ...spread(mixed.byHand),
          ratio: pairedRatio(mixed.attach, mixed.byHand),
        },
      },
      { what: 'the same, each detached before the next', unit: 'ms', ours: spread(churn.attach) },
      { what: 'Leave + DeleteEndpoint + ReleaseAddress', unit: 'ms', ours: spread(single.detach) },
      {
        what: 'attach, 4 in parallel',
        unit: '1/s',
        ours: perSecond(four.attachTotal),
        goal: { of: 'value', atLeast: 100 },
      },
      { what: 'detach, 4 in parallel', unit: '1/s', ours: perSecond(four.detachTotal) },
    ]
  },
}
