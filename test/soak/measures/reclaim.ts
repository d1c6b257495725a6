// R6, the last of all: node3 is given up while it is away.

import { type Measuring, seconds } from './measuring.ts'

export async function reclaim({ lab, cluster, measured }: Measuring): Promise<void> {
  await lab.kill('node3', 'netplugin')
  // Refused as long as it may live.
  await lab.until(
    'node3 to be given up',
    async () => (await lab.exec('node1', 'netctl node rm --yes netplugin-node3')).code === 0 || undefined,
    60_000,
  )
  const since = performance.now()
  await lab.until(
    'its endpoints to go',
    async () => {
      const answer = await cluster.ask('GET', '/api/v1/endpoints/')
      return (answer.status === 200 && !answer.body.includes('netplugin-node3')) || undefined
    },
    60_000,
  )
  measured.add('reclaimed', seconds(since))
}
