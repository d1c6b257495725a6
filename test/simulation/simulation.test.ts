// See README.md. SIMULATION_RUNS: how many runs; SIMULATION_SEED: the first seed. A failure is run again by its seed.

import assert from 'node:assert/strict'
import { before, test } from 'node:test'
import { Simulation } from './simulation.ts'

const { SIMULATION_SEED: askedSeed = '', SIMULATION_RUNS: askedRuns = '' } = process.env
const isReplay = askedSeed !== '' && askedRuns === ''
// The same ones each time: a change is to be blamed for what it broke.
const firstSeed = askedSeed === '' ? 1 : Number(askedSeed)
const runs = askedRuns === '' ? 5_000 : Number(askedRuns)
/** Of the processor, unless a number of runs was asked for. */
const enoughSeconds = askedRuns === '' ? 60 : Number.POSITIVE_INFINITY

// What is loaded on demand is loaded then, and takes no time in any run that counts.
before(() => new Simulation(0).run())

test('whatever dies, is late or cut off: nothing is given twice, nothing that was answered is lost, nothing is left', async (t) => {
  // Errors that nobody reads are made by the thousand.
  Error.stackTraceLimit = isReplay ? 10 : 0
  const start = process.cpuUsage()
  const startedAt = performance.now()
  const seconds = () => {
    const { user, system } = process.cpuUsage(start)
    // On a busy machine it comes to an end, too.
    return Math.max((user + system) / 1e6, (performance.now() - startedAt) / 2_000)
  }
  let done = 0
  for (; done < (isReplay ? 1 : runs) && seconds() < enoughSeconds; done++) {
    const seed = firstSeed + done
    const { wrong, story } = await new Simulation(seed).run()
    if (wrong.length === 0) continue
    if (isReplay) for (const line of story) t.diagnostic(line)
    assert.fail(`again with SIMULATION_SEED=${seed} node --test test/simulation: ${wrong.join('; ')}`)
  }
  t.diagnostic(`${done} runs from seed ${firstSeed}, ${seconds().toFixed(0)} s of the processor`)
})

test('the same seed gives the same run', async () => {
  const { happened, story } = await new Simulation(firstSeed).run()
  const again = await new Simulation(firstSeed).run()
  assert.deepEqual([again.happened, again.story], [happened, story])
})
