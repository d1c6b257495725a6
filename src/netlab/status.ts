// What a lab is doing now, for people and for scripts.

import { type Column, textTable } from '../lib/text-table.ts'
import { plannedPrograms, runningPid } from './daemon.ts'
import type { Lab } from './lab.ts'
import { hasTunnels, type ProgramName } from './plan.ts'
import type { Partition } from './state.ts'

export interface ProgramStatus {
  readonly name: ProgramName
  /** As the host counts; null when the program is not running. */
  readonly pid: number | null
}

export interface MachineStatus {
  readonly name: string
  readonly pid: number
  readonly controlAddress: string | null
  readonly dataAddress: string | null
  readonly programs: readonly ProgramStatus[]
}

export interface LabStatus {
  readonly name: string
  readonly createdAt: string
  readonly netMode: string
  readonly forwardMode: string
  readonly datapath: string
  readonly store: string
  readonly machines: readonly MachineStatus[]
  readonly partitions: readonly Partition[]
}

export function labStatus(lab: Lab): LabStatus {
  const { state, context } = lab
  const machines = state.machines.map((machine): MachineStatus => {
    const host = context.plan.hosts.find((candidate) => candidate.name === machine.name)
    return {
      ...machine,
      controlAddress: host?.controlAddress ?? null,
      dataAddress: hasTunnels(state.options) ? (host?.dataAddress ?? null) : null,
      programs: plannedPrograms(context.plan, machine.name).map((name) => ({
        name,
        pid: runningPid(context, machine, name) ?? null,
      })),
    }
  })
  return {
    name: state.options.name,
    createdAt: state.createdAt,
    netMode: state.options.netMode,
    forwardMode: state.options.forwardMode,
    datapath: state.datapath,
    store: state.options.store,
    machines: machines.sort((a, b) => a.name.localeCompare(b.name, 'en', { numeric: true })),
    partitions: state.partitions,
  }
}

export function everythingRuns(status: LabStatus): boolean {
  return status.machines.every((machine) => machine.programs.every((program) => program.pid !== null))
}

const columns: readonly Column[] = [{ title: 'HOST' }, { title: 'CONTROL' }, { title: 'DATA' }, { title: 'PROGRAMS' }]

export function printStatus(status: LabStatus): string {
  const rows = status.machines.map((machine) => [
    machine.name,
    machine.controlAddress ?? '-',
    machine.dataAddress ?? '-',
    machine.programs.map(({ name, pid }) => (pid === null ? `${name} (not running)` : name)).join(', '),
  ])
  const parted = status.partitions.map(
    ({ a, b, links }) => `parted: ${a} and ${b}${links === 'both' ? '' : ` (${links})`}\n`,
  )
  const head = `lab ${status.name}: ${status.netMode}, ${status.forwardMode}, ${status.datapath} datapath, ${status.store} store\n`
  return `${head}${textTable(columns, rows)}${parted.join('')}`
}
