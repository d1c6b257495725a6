// A lab as a whole: bringing it up, finding a running one, ending it.

import type { Clock } from '../lib/clock.ts'
import { NetpluginError } from '../lib/errors.ts'
import { assemble, contextOf, type Lab, type LabDeps, underlayPart } from './assemble.ts'
import { cleanUpAfter, removeLab } from './cleanup.ts'
import type { Place } from './daemon.ts'
import { labDirectory, prepareRoot } from './directory.ts'
import { withLock } from './lock.ts'
import type { Machine } from './namespace.ts'
import type { LabOptions } from './options.ts'
import { carriesToken } from './process-scan.ts'
import { type LabState, readState } from './state.ts'
import { patient } from './wait.ts'

export type { Lab, LabDeps }

/**
 * Brings a lab up and resolves when all of it answers. Remains of a crashed lab of the same name are removed first.
 * Throws `conflict` (code LAB_RUNS) when it is up already. When anything fails, or the signal aborts, nothing is left.
 */
export async function bringUp(root: string, options: LabOptions, deps: LabDeps, signal: AbortSignal): Promise<Lab> {
  prepareRoot(root)
  const directory = labDirectory(root, options.name)
  return withLock(directory.lab, async () => {
    const old = readState(directory.stateFile)
    if (old !== undefined && isRunning(old)) {
      throw new NetpluginError(
        'conflict',
        'LAB_RUNS',
        `lab "${options.name}" is up already: end it with "netlab down --name ${options.name}", or choose another --name`,
      )
    }
    if (old !== undefined) deps.progress(`cleaning up after a lab "${options.name}" that did not end well`)
    await removeLab(directory, old, deps, AbortSignal.timeout(patient(30_000)))
    try {
      return await assemble(directory, options, deps, signal)
    } catch (error) {
      const left = readState(directory.stateFile)
      throw await cleanUpAfter(error, () => removeLab(directory, left, deps, AbortSignal.timeout(patient(30_000))))
    }
  })
}

/** A lab that is up. Throws `not-found` (code LAB_DOWN) when there is none, or when a machine of it has died. */
export function openLab(root: string, name: string, { clock }: { readonly clock: Clock }): Lab {
  const directory = labDirectory(root, name)
  const state = readState(directory.stateFile)
  const fix = `start it with "netlab up${name === 'netplugin' ? '' : ` --name ${name}`}"`
  if (state === undefined) throw new NetpluginError('not-found', 'LAB_DOWN', `lab "${name}" is not up; ${fix}`)
  if (!isRunning(state)) {
    throw new NetpluginError(
      'not-found',
      'LAB_DOWN',
      `lab "${name}" has crashed or is still starting; ${fix}, which cleans up first`,
    )
  }
  return { state, context: contextOf(directory, state, clock) }
}

/** Ends a lab and removes all it made. Returns false when there was none. */
export async function bringDown(root: string, name: string, deps: LabDeps, signal: AbortSignal): Promise<boolean> {
  const directory = labDirectory(root, name)
  return withLock(directory.lab, async () => {
    const state = readState(directory.stateFile)
    await removeLab(directory, state, deps, signal)
    return state !== undefined
  })
}

/** Whether every machine of the lab is there and is the one that was started. */
export function isRunning(state: LabState): boolean {
  return state.status === 'up' && state.machines.every((machine) => carriesToken(machine.pid, state.token))
}

export function findMachine(lab: Lab, name: string): Machine {
  const machine = lab.state.machines.find((candidate) => candidate.name === name)
  if (machine === undefined) throw new NetpluginError('not-found', 'HOST_UNKNOWN', `the lab has no host "${name}"`)
  return machine
}

/** A machine together with its addresses, for starting programs on it. */
export function findPlace(lab: Lab, name: string): Place {
  const host = lab.context.plan.hosts.find((candidate) => candidate.name === name)
  return { machine: findMachine(lab, name), host: host ?? underlayPart }
}
