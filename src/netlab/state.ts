// What is known about a lab between two commands: one JSON file, replaced as a whole.

import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import { NetpluginError } from '../lib/errors.ts'
import type { LabOptions } from './options.ts'
import type { Datapath } from './plan.ts'

export interface MachineState {
  readonly name: string
  /** Pid of its first process, as the machine around the lab counts. */
  readonly pid: number
}

export interface Partition {
  readonly a: string
  readonly b: string
  readonly links: 'control' | 'data' | 'both'
}

export interface LabState {
  readonly version: 1
  readonly status: 'starting' | 'up'
  /** In the environment of everything the lab starts: what is ended must carry it. */
  readonly token: string
  readonly createdAt: string
  readonly cgroupParent: string
  readonly options: LabOptions
  readonly datapath: Datapath
  /** Hosts and underlay, in the order they were started. */
  readonly machines: readonly MachineState[]
  readonly partitions: readonly Partition[]
}

export function writeState(file: string, state: LabState): void {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 })
  writeFileSync(`${file}.new`, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600 })
  renameSync(`${file}.new`, file)
}

/** The state of a lab, or undefined when there is none. A file that is not ours to read is an error, not "no lab". */
export function readState(file: string): LabState | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw new NetpluginError('unavailable', 'LAB_STATE_UNREADABLE', `cannot read ${file}`, { cause: error })
  }
  return parseState(text, file)
}

/** Throws `invalid` (code LAB_STATE_BROKEN) for text that is no state of this version. */
export function parseState(text: string, file: string): LabState {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw broken(file, cause)
  }
  if (!isState(value)) throw broken(file)
  return value
}

/** Looks at what later commands act on: whom to end, which cgroups to remove. */
function isState(value: unknown): value is LabState {
  if (!isObject(value)) return false
  return (
    value.version === 1 &&
    (value.status === 'starting' || value.status === 'up') &&
    (value.datapath === 'system' || value.datapath === 'netdev') &&
    typeof value.token === 'string' &&
    /^[0-9a-f]{32}$/.test(value.token) &&
    typeof value.cgroupParent === 'string' &&
    /^\/netlab-[a-z0-9-]+$/.test(value.cgroupParent) &&
    isObject(value.options) &&
    Array.isArray(value.machines) &&
    value.machines.every((machine: unknown) => isObject(machine) && Number.isInteger(machine.pid)) &&
    Array.isArray(value.partitions)
  )
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function broken(file: string, cause?: unknown): NetpluginError {
  return new NetpluginError(
    'invalid',
    'LAB_STATE_BROKEN',
    `${file} is not the state of a lab this netlab can read; end its processes by hand and remove the folder`,
    { cause },
  )
}
