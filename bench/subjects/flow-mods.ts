// How fast policies can be put into the switch.

import { type Benchmark, measureInside } from '../bench.ts'
import type { FlowTimes } from '../inside/flow-mods.ts'
import { median, pairedRatio } from '../result.ts'

const flows = 30_000
const rounds = 5

export const flowMods: Benchmark = {
  name: 'flow-mods',
  about: 'flows in one bundle into a scratch bridge, against ovs-ofctl --bundle',
  async run(lab) {
    const times = await measureInside<FlowTimes>(lab, 'node1', 'flow-mods', [flows, rounds])
    const rates = (ms: readonly number[]) => ms.map((each) => (flows * 1000) / each)
    const [ours, ofctl] = [rates(times.ours), rates(times.ofctl)]
    return [
      {
        what: `flow modifications, ${flows / 1000}k in one bundle`,
        unit: '1/s',
        ours: median(ours),
        peer: { name: 'ovs-ofctl --bundle', ...median(ofctl), ratio: pairedRatio(ours, ofctl) },
        goal: { of: 'value', atLeast: 30_000 },
      },
    ]
  },
}
