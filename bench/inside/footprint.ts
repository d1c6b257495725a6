// What our programs cost while nothing happens.
//
//   node bench/inside/footprint.ts SECONDS         one JSON document: program -> memory and processor time

import { setTimeout as after } from 'node:timers/promises'
import { cpuMs, peakMiB, pidOf, residentMiB } from './process.ts'

export interface Footprint {
  /** Resident memory, MiB. */
  readonly residentMiB: number
  /** The most that it ever was. */
  readonly peakMiB: number
  /** Share of one processor over the time of the measurement. */
  readonly cpu: number
}

const measured = ['netplugin', 'netnames', 'netmaster'] as const
export type Footprints = Readonly<Record<(typeof measured)[number], Footprint>>

const seconds = Number(process.argv[2] ?? '1')

const pids = measured.map((program) => ({ program, pid: pidOf(program) }))
const before = pids.map(({ pid }) => cpuMs(pid))
await after(seconds * 1000)
const found = pids.map(({ program, pid }, index) => {
  const cpu = (cpuMs(pid) - (before[index] ?? 0)) / (seconds * 1000)
  return [program, { residentMiB: residentMiB(pid), peakMiB: peakMiB(pid), cpu }]
})
process.stdout.write(JSON.stringify(Object.fromEntries(found)))
