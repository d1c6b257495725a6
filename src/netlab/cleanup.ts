// Ending a lab, also one that crashed half-way: processes by token, then cgroups, then files. Safe to repeat.

import { existsSync, readdirSync, readFileSync, rmdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { Clock } from '../lib/clock.ts'
import { asError, NetpluginError } from '../lib/errors.ts'
import type { LabDirectory } from './directory.ts'
import { findByToken } from './process-scan.ts'
import type { LabState } from './state.ts'
import { until } from './wait.ts'

export async function removeLab(
  directory: LabDirectory,
  state: LabState | undefined,
  { clock }: { readonly clock: Clock },
  signal: AbortSignal,
): Promise<void> {
  if (state !== undefined) {
    await endProcesses(state.token, { clock }, signal)
    await removeCgroups(state.cgroupParent, { clock }, signal)
  }
  refuseMounts(directory.lab)
  rmSync(directory.lab, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
}

/** Kills the first process of every namespace, which takes the rest along; then whatever still carries the token. */
async function endProcesses(token: string, { clock }: { readonly clock: Clock }, signal: AbortSignal): Promise<void> {
  const began = clock.now()
  await until(
    () => {
      const found = findByToken(token)
      if (found.length === 0) return true
      const patient = clock.now() - began < 2000
      for (const { pid, first } of found) {
        if (first || !patient) kill(pid)
      }
      return undefined
    },
    { what: 'the processes of the lab to end', timeoutMs: 15_000, everyMs: 20 },
    { clock },
    signal,
  )
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It ended by itself since it was found.
  }
}

/** Mount points of cgroup hierarchies: one (version 2) or one per controller (version 1). */
export function cgroupRoots(mountinfo: string): readonly string[] {
  const roots: string[] = []
  for (const line of mountinfo.split('\n')) {
    const [left = '', right = ''] = line.split(' - ')
    const root = left.split(' ')[4]
    if (root !== undefined && /^cgroup2? /.test(right)) roots.push(root)
  }
  return roots
}

/** Cgroups of containers stay behind when their processes die with the namespace; the kernel needs a moment to let go. */
async function removeCgroups(parent: string, { clock }: { readonly clock: Clock }, signal: AbortSignal): Promise<void> {
  const roots = cgroupRoots(readFileSync('/proc/self/mountinfo', 'utf8'))
  await until(
    () => {
      const left = roots.map((root) => join(root, parent)).filter((path) => existsSync(path))
      for (const path of left) removeTree(path)
      return left.some((path) => existsSync(path)) ? undefined : true
    },
    { what: `the cgroups under ${parent} to empty`, timeoutMs: 10_000, everyMs: 50 },
    { clock },
    signal,
  )
}

/** Removes a cgroup with those inside it, deepest first. What is still busy stays for the next try. */
function removeTree(path: string): void {
  try {
    for (const entry of readdirSync(path, { withFileTypes: true })) {
      if (entry.isDirectory()) removeTree(join(path, entry.name))
    }
    rmdirSync(path)
  } catch {
    // Busy, or gone.
  }
}

/** Mounts of a lab live in its own namespaces. One that shows here is somebody else's work and is not deleted into. */
function refuseMounts(folder: string): void {
  const inside = readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .map((line) => line.split(' ')[4] ?? '')
    .filter((mount) => mount === folder || mount.startsWith(`${folder}/`))
  if (inside.length > 0) {
    throw new NetpluginError(
      'conflict',
      'LAB_FOLDER_MOUNTED',
      `something is mounted at ${inside.join(', ')}; unmount it, then run down again`,
    )
  }
}

/** Runs a clean-up on the way out of a failure, so that its own failure does not hide the first. */
export async function cleanUpAfter(failure: unknown, work: () => Promise<void>): Promise<Error> {
  const first = asError(failure)
  try {
    await work()
    return first
  } catch (error) {
    return new AggregateError([first, error], `${first.message}\n(and cleaning up failed: ${asError(error).message})`)
  }
}
