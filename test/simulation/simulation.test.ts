// See README.md. SIMULATION_RUNS: how many runs; SIMULATION_SEED: the first seed. A failure is run again by its seed.

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { before, test } from 'node:test'
import { Worker } from 'node:worker_threads'
import { Simulation } from './simulation.ts'
import type { Share, ShareDone } from './worker.ts'

const { SIMULATION_SEED: askedSeed = '', SIMULATION_RUNS: askedRuns = '' } = process.env
const isReplay = askedSeed !== '' && askedRuns === ''
// The same ones each time: a change is to be blamed for what it broke.
const firstSeed = askedSeed === '' ? 1 : Number(askedSeed)
const runs = askedRuns === '' ? 2_500 : Number(askedRuns)
/** Of each processor, unless a number of runs was asked for. */
const enoughSeconds = askedRuns === '' ? 100 : 1e9

// Modules that are loaded in the middle of a run change its order.
before(() => new Simulation(0).run())

test('whatever dies, is late or cut off: nothing is given twice, nothing that was answered is lost, nothing is left', async (t) => {
  if (isReplay) return replay(firstSeed, (line) => t.diagnostic(line))
  const step = Math.max(1, Math.min(availableParallelism(), runs))
  const shares = Array.from({ length: step }, (_, at) => {
    return runShare({ first: firstSeed + at, step, end: firstSeed + runs, seconds: enoughSeconds })
  })
  const ended = await Promise.all(shares)
  const done = ended.reduce((sum, share) => sum + share.done, 0)
  const seconds = ended.reduce((sum, share) => sum + share.seconds, 0)
  t.diagnostic(`${done} of ${runs} runs from seed ${firstSeed}, ${seconds.toFixed(0)} s of the processor`)
  const failures = ended.flatMap(({ failed }) => failed ?? [])
  const said = failures.map(
    ({ seed, wrong }) => `SIMULATION_SEED=${seed} node --test test/simulation: ${wrong.join('; ')}`,
  )
  assert.equal(said.length, 0, `again with ${said.join('\nand with ')}`)
})

test('the same seed gives the same run', async () => {
  const { happened, story } = await new Simulation(firstSeed).run()
  const again = await new Simulation(firstSeed).run()
  assert.deepEqual([again.happened, again.story], [happened, story])
})

async function runShare(share: Share): Promise<ShareDone> {
  const worker = new Worker(new URL('./worker.ts', import.meta.url), { workerData: share })
  const [done] = (await once(worker, 'message')) as [ShareDone]
  await worker.terminate()
  return done
}

async function replay(seed: number, tell: (line: string) => void): Promise<void> {
  const { wrong, story } = await new Simulation(seed).run()
  if (wrong.length > 0) for (const line of story) tell(line)
  assert.deepEqual(wrong, [])
}
