// What our programs cost while nothing happens.
//
//   node bench/inside/footprint.ts SECONDS         one JSON document: program -> memory and processor time

import { readFileSync } from 'node:fs'
import { setTimeout as after } from 'node:timers/promises'
import { programs } from '../../src/netlab/program.ts'

export interface Footprint {
  /** Resident memory, MiB. */
  readonly residentMiB: number
  /** Share of one processor over the time of the measurement. */
  readonly cpu: number
}

const measured = ['netplugin', 'netmaster'] as const
export type Footprints = Readonly<Record<(typeof measured)[number], Footprint>>

const seconds = Number(process.argv[2] ?? '1')
/** Of /proc/PID/stat, on every Linux that Node runs on. */
const ticksPerSecond = 100

function pidOf(program: (typeof measured)[number]): string {
  return readFileSync(programs[program].pidFile, 'utf8').trim()
}

function residentMiB(pid: string): number {
  const line = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line?.[1]) / 1024
}

function cpuSeconds(pid: string): number {
  // After the name, which may hold spaces: state is field 3, user and system time are fields 14 and 15 (proc(5)).
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) / ticksPerSecond
}

const pids = measured.map((program) => ({ program, pid: pidOf(program) }))
const before = pids.map(({ pid }) => cpuSeconds(pid))
await after(seconds * 1000)
const found = pids.map(({ program, pid }, index) => {
  const cpu = (cpuSeconds(pid) - (before[index] ?? 0)) / seconds
  return [program, { residentMiB: residentMiB(pid), cpu }]
})
process.stdout.write(JSON.stringify(Object.fromEntries(found)))
