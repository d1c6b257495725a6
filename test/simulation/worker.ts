// Runs in a thread of its own, where the test runner does not follow each promise: that would take half of the time.

import { parentPort, workerData } from 'node:worker_threads'
import { Simulation } from './simulation.ts'

/** Seeds `first`, `first + step`, and so on, before `end`. */
export interface Share {
  readonly first: number
  readonly step: number
  readonly end: number
  /** Of this thread's processor: no other run is begun after that. */
  readonly seconds: number
}

/** What is said when it has ended; `failed`: at the first seed with which something was wrong. */
export interface ShareDone {
  readonly done: number
  readonly seconds: number
  readonly failed?: { readonly seed: number; readonly wrong: readonly string[] }
}

// Errors that nobody reads are made by the thousand.
Error.stackTraceLimit = 0
const { first, step, end, seconds } = workerData as Share
// What is loaded on demand is loaded then, and takes no time in any run that counts.
await new Simulation(0).run()
const start = process.threadCpuUsage()
const spent = () => {
  const { user, system } = process.threadCpuUsage(start)
  return (user + system) / 1e6
}
const startedAt = performance.now()
let done = 0
let failed: ShareDone['failed']
// On a busy machine it comes to an end, too, and before the test runner loses its patience.
const isOver = () => spent() >= seconds || performance.now() - startedAt >= 1_300 * seconds
for (let seed = first; seed < end && failed === undefined && !isOver(); seed += step) {
  const { wrong } = await new Simulation(seed).run()
  if (wrong.length > 0) failed = { seed, wrong }
  done++
}
parentPort?.postMessage({ done, seconds: spent(), ...(failed && { failed }) } satisfies ShareDone)
