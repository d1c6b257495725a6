// What a running program costs, as the kernel counts it (proc(5)).

import { readFileSync } from 'node:fs'
import { programs } from '../../src/netlab/program.ts'
import { pidFileOf } from '../../src/netnames/control.ts'

const namesSocket = '/run/netplugin/netplugin-names.sock'

/** The process of a program of the host. */
export function pidOf(program: 'netplugin' | 'netmaster' | 'netnames'): string {
  const file = program === 'netnames' ? pidFileOf(namesSocket) : programs[program].pidFile
  return readFileSync(file, 'utf8').trim()
}

export function residentMiB(pid: string): number {
  return memoryMiB(pid, 'VmRSS')
}

/** The most that it ever was. */
export function peakMiB(pid: string): number {
  return memoryMiB(pid, 'VmHWM')
}

function memoryMiB(pid: string, what: 'VmRSS' | 'VmHWM'): number {
  const line = new RegExp(`^${what}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return Number(line?.[1]) / 1024
}

/** Processor time so far, in ms: the kernel counts in hundredths of a second, on every Linux that Node runs on. */
export function cpuMs(pid: string): number {
  // After the name, which may hold spaces: state is field 3, user and system time are fields 14 and 15.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ')
  return (Number(fields[11]) + Number(fields[12])) * 10
}
