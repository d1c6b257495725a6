// What a lab could leave behind on the machine, for tests that look whether it did.

import assert from 'node:assert/strict'
import { existsSync, globSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { join } from 'node:path'
import { labDirectory, labRoot } from '../../src/netlab/directory.ts'
import { findByToken } from '../../src/netlab/process-scan.ts'
import { readState } from '../../src/netlab/state.ts'

export interface Traces {
  readonly links: readonly string[]
  readonly mounts: readonly string[]
}

export function traces(name: string): Traces {
  const root = labRoot(process.env)
  return {
    links: readdirSync('/sys/class/net').sort(),
    mounts: readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .map((line) => line.split(' ')[4] ?? '')
      .filter((path) => path.startsWith(join(root, name))),
  }
}

/** The processes that live in the namespaces of a lab, with the pid namespace of each: both must be gone afterwards. */
export function inhabitants(name: string): ReadonlyMap<string, string> {
  const spaces = new Set(stateOf(name).machines.map(({ pid }) => readlinkSync(`/proc/${pid}/ns/pid_for_children`)))
  const found = new Map<string, string>()
  for (const link of globSync('/proc/[0-9]*/ns/pid')) {
    const target = readlink(link)
    if (target !== undefined && spaces.has(target)) found.set(link, target)
  }
  assert.ok(found.size > spaces.size, 'the test does not see the processes of the lab')
  return found
}

/** undefined when the process has ended while we looked. */
function readlink(path: string): string | undefined {
  try {
    return readlinkSync(path)
  } catch {
    return undefined
  }
}

export function cgroupsOf(name: string): readonly string[] {
  return globSync(`/sys/fs/cgroup/{netlab-${name}-*,*/netlab-${name}-*}`)
}

/** Asserts that nothing of a lab is left; `token` and `processes` are those it had. */
export function assertNothingLeft(
  name: string,
  before: Traces,
  token: string,
  processes: ReadonlyMap<string, string>,
): void {
  assert.deepEqual(traces(name), before)
  assert.deepEqual(findByToken(token), [], 'processes with the token are left')
  const left = [...processes].filter(([link, space]) => readlink(link) === space)
  assert.deepEqual(left, [], 'processes in the namespaces are left')
  assert.deepEqual(cgroupsOf(name), [], 'cgroups are left')
  assert.ok(!existsSync(labDirectory(labRoot(process.env), name).lab), 'the folder is left')
}

export function stateOf(name: string) {
  const state = readState(labDirectory(labRoot(process.env), name).stateFile)
  assert.ok(state !== undefined, `lab ${name} has no state`)
  return state
}
