// R7: the flows of the first table are removed by hand.

import { type Measuring, seconds } from './measuring.ts'

export async function drift({ lab, measured }: Measuring): Promise<void> {
  for (let round = 0; round < 3; round++) {
    const count = async () => (await lab.execOk('node1', 'ovs-ofctl dump-flows np-int | grep -c cookie')).trim()
    const before = await count()
    await lab.execOk('node1', `ovs-ofctl del-flows np-int "table=0"`)
    const since = performance.now()
    await lab.until('the flows to be back', async () => (await count()) === before || undefined, 30_000)
    measured.add('drift', seconds(since))
  }
}
