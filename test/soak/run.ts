// `make soak`: three hosts with three netmasters on etcd; first the numbers that are asked for, then a random walk of containers,
// intents and faults, with everything checked after each step.
//
//   SOAK_MINUTES=10 SOAK_SEED=7 node test/soak/run.ts
//   SOAK_MINUTES=0 node test/soak/run.ts R1 R5          only these numbers, and no walk
//
// The seed gives the same choices; what they meet is as real, and so as different, as machines are. SOAK_LAB names the lab.

import { setTimeout as delay } from 'node:timers/promises'
import { systemClock } from '../../src/lib/clock.ts'
import { asError } from '../../src/lib/errors.ts'
import { labRoot } from '../../src/netlab/directory.ts'
import { bringDown } from '../../src/netlab/lab.ts'
import { type Inventory, settledInventory, untilAsBefore } from '../support/inventory.ts'
import { type TestLab, withLab } from '../support/lab.ts'
import { type Numbers, numbersFrom } from '../support/numbers.ts'
import { leftBehind, twice, whatIsWrong } from './checks.ts'
import { Cluster, hosts } from './cluster.ts'
import { beginFault } from './faults.ts'
import { Measured } from './goals.ts'
import { measureAll } from './measures/all.ts'
import type { Measuring } from './measures/measuring.ts'
import { reclaim } from './measures/reclaim.ts'
import { reliabilityTable } from './table.ts'

const { SOAK_MINUTES = '10', SOAK_SEED = String(Date.now() % 1_000_000), SOAK_LAB = 'soak' } = process.env
const seed = Number(SOAK_SEED)
const started = performance.now()
const until = started + Number(SOAK_MINUTES) * 60_000
/** For what nobody told: an agent that was away finds out by looking, each half minute, twice. */
const settleMs = 75_000
/** More is worth a word. */
const slowMs = 3_000
/** A container starts in about so long. */
const midstMs = 600
/** Kept for the end: everything is removed and compared. */
const endMs = 60_000

const say = (text: string) =>
  process.stdout.write(`${((performance.now() - started) / 1000).toFixed(0).padStart(4)} s  ${text}\n`)

/** Waits until all is as expected; answers how many seconds that was since a moment. Throws what is still wrong. */
async function untilRight(lab: TestLab, cluster: Cluster, since = performance.now()): Promise<number> {
  for (let last: readonly string[] = []; ; ) {
    const wrong = await whatIsWrong(lab, cluster)
    const ms = performance.now() - since
    if (wrong.length === 0) {
      if (ms > slowMs) say(`  the last that came right: ${last.slice(0, 3).join('; ')}`)
      return ms / 1000
    }
    last = wrong
    if (ms > settleMs) throw new Error(`still wrong after ${(ms / 1000).toFixed(0)} s:\n  ${wrong.join('\n  ')}`)
    await delay(200)
  }
}

async function step({ lab, cluster, measured }: Measuring, chance: Numbers): Promise<void> {
  // Half of the faults begin in the middle of something.
  const midst = chance.chance(0.5) ? cluster.act() : undefined
  midst?.catch(() => {})
  if (midst !== undefined) await delay(chance.below(midstMs))
  const fault = await beginFault(lab, chance)
  say(fault.what)
  try {
    if (midst !== undefined) say(`  meanwhile: ${await midst}`)
    for (let actions = 1 + chance.below(3); actions > 0; actions--) say(`  ${await cluster.act()}`)
    measured.add('twice', twice(cluster).length)
    await delay(chance.below(3_000))
  } finally {
    await fault.end()
  }
  const since = performance.now()
  const { restarts } = fault
  if (restarts !== undefined) {
    await lab.until(`containers of ${restarts} to run again`, () => cluster.refresh(restarts), 60_000)
  }
  await lab.until('the intents without an answer', () => settled(cluster), 60_000)
  await lab.until('what could not be removed to go', () => cluster.removeLeft(), 60_000)
  const took = await untilRight(lab, cluster, since)
  measured.add('settled', took)
  measured.add('leaked', (await leftBehind(lab, cluster)).length)
  const lost = await cluster.lostIntents()
  measured.add('forgotten', lost.length)
  measured.add('twice', twice(cluster).length)
  if (lost.length > 0) throw new Error(`intents are lost:\n  ${lost.join('\n  ')}`)
  say(`  all as expected after ${took.toFixed(1)} s: ${cluster.containers.size} containers`)
}

async function settled(cluster: Cluster): Promise<true | undefined> {
  try {
    await cluster.settleIntents()
    return true
  } catch {
    return undefined
  }
}

async function clear(measuring: Measuring, before: Inventory): Promise<void> {
  const { lab, cluster } = measuring
  say('everything is removed, and compared with the beginning')
  for (const name of [...cluster.containers.keys()]) await cluster.stop(name)
  for (const path of [...cluster.intents.keys()].filter((each) => /net\d|rules/.test(each))) {
    await cluster.ask('DELETE', path)
  }
  // Addresses that were reserved and not used are free after a minute.
  await untilAsBefore(lab, before, 100_000)
}

async function soak(measured: Measured): Promise<void> {
  say(`seed ${seed}: bringing up three hosts with three netmasters on etcd`)
  await withLab({ name: SOAK_LAB, hosts: 3, masters: 3, store: 'etcd' }, async (lab) => {
    const chance = numbersFrom(seed)
    const cluster = new Cluster(lab, chance)
    const measuring = { lab, cluster, measured, say }
    await cluster.setUp()
    const before = await settledInventory(lab, hosts)
    await measureAll(measuring, process.argv.slice(2))
    await untilRight(lab, cluster)
    let steps = 0
    for (; performance.now() < until - endMs; steps++) await step(measuring, chance)
    say(`${steps} steps`)
    await clear(measuring, before)
    await cluster.run('node3')
    say('R6: node3 is given up')
    await reclaim(measuring)
  })
}

/** Interrupted: the lab goes all the same. */
async function giveUp(): Promise<never> {
  const deps = { clock: systemClock, progress: () => {} }
  await bringDown(labRoot(process.env), SOAK_LAB, deps, AbortSignal.timeout(60_000)).catch(() => {})
  process.exit(130)
}

for (const name of ['SIGINT', 'SIGTERM'] as const) process.once(name, () => void giveUp())
const measured = new Measured()
try {
  if (process.getuid?.() !== 0) throw new Error('labs need root: sudo make soak')
  await soak(measured)
} catch (error) {
  process.exitCode = 1
  process.stdout.write(`FAILED: ${asError(error).message}\nagain with SOAK_SEED=${seed}\n`)
}
process.stdout.write(`\n${reliabilityTable(measured)}\n`)
process.stdout.write(`Seed ${seed}. The goal is for the worst.\n`)
const missed = measured.missed()
if (missed.length > 0) {
  process.stdout.write(`Missed: ${missed.join('; ')}\n`)
}
