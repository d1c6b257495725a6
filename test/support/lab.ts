// Labs for system tests: `withLab` brings one up under a name of its own and takes it down again, whatever happens.

import assert from 'node:assert/strict'
import { type ChildProcessByStdio, spawn } from 'node:child_process'
import type { Readable } from 'node:stream'
import { systemClock } from '../../src/lib/clock.ts'
import type { CommandResult } from '../../src/lib/command.ts'
import { killProgram, runningPid, startProgram } from '../../src/netlab/daemon.ts'
import { hostDirectory, labRoot } from '../../src/netlab/directory.ts'
import { bringDown, bringUp, findMachine, findPlace, type Lab } from '../../src/netlab/lab.ts'
import { enterArguments, insideEnvironment, runInside, tail } from '../../src/netlab/namespace.ts'
import { parseLabOptions } from '../../src/netlab/options.ts'
import { setPartitions } from '../../src/netlab/partition.ts'
import { type ProgramName, resolveHostName } from '../../src/netlab/plan.ts'
import { patient, until } from '../../src/netlab/wait.ts'

export interface TestLabOptions {
  /** Unique among labs that are up at the same time; also names the folder. */
  readonly name: string
  readonly hosts?: number
  /** How many of the first hosts run netmaster; several need a store that they can share. */
  readonly masters?: number
  readonly store?: 'sqlite' | 'etcd'
  readonly netMode?: 'vxlan' | 'vlan' | 'both'
  readonly fwdMode?: 'bridge' | 'routing'
  readonly uplinks?: number
  readonly mtu?: number
  /** Parts to leave out: ovs, docker, netmaster, netplugin, images. */
  readonly without?: readonly string[]
  /** What it has besides: cni. */
  readonly with?: readonly string[]
  readonly logLevel?: 'debug' | 'info' | 'warn' | 'error'
}

export interface ExecOptions {
  readonly timeoutMs?: number
  readonly input?: string
}

/** A running lab. Hosts are named as on the command line: netplugin-node1, node1, 1, underlay. */
export interface TestLab {
  readonly name: string
  /** Runs a command in a host; a string is a line for sh. Bounded: 30 s unless told. */
  exec(host: string, command: string | readonly string[], options?: ExecOptions): Promise<CommandResult>
  /** The same, and fails the test with what the command said when its exit code is not 0. Returns its standard output. */
  execOk(host: string, command: string | readonly string[], options?: ExecOptions): Promise<string>
  /** Starts a command that goes on running in a host. It ends with this process, or when the caller kills it (KILL). */
  spawn(host: string, argv: readonly string[]): ChildProcessByStdio<null, Readable, Readable>
  /** Sends KILL (or another signal) and waits for the program to be gone. */
  kill(host: string, program: ProgramName, signalName?: string): Promise<void>
  /** Starts a program and waits until it answers. */
  start(host: string, program: ProgramName): Promise<void>
  running(host: string, program: ProgramName): boolean
  partition(a: string, b: string, links?: 'control' | 'data' | 'both'): Promise<void>
  heal(): Promise<void>
  /** Asks again until the probe gives something, 10 s unless told; `what` completes "waited for …". */
  until<T>(what: string, probe: () => Promise<T | undefined> | T | undefined, timeoutMs?: number): Promise<T>
  /** Pid, on this machine, of a host's first process. */
  pid(host: string): number
  /** The host's folder: logs in log/, netmaster's and netplugin's files in netplugin/. */
  directory(host: string): string
}

/** Why no lab can be made here, for the `skip` option of a test; false when one can. */
export const labSkip: string | false = process.getuid?.() === 0 ? false : 'needs root for namespaces'

/**
 * Brings a lab up, runs `work` with it, and takes it down; resolves with what
 * `work` gave. A failing test shows the end of our programs' logs.
 */
export async function withLab<T>(options: TestLabOptions, work: (lab: TestLab) => Promise<T>): Promise<T> {
  const root = labRoot(process.env)
  const deps = { clock: systemClock, progress: () => {} }
  const lab = await bringUp(
    root,
    parseLabOptions({
      name: options.name,
      hosts: String(options.hosts ?? 2),
      masters: String(options.masters ?? 1),
      store: options.store ?? 'sqlite',
      without: (options.without ?? []).join(','),
      with: (options.with ?? []).join(','),
      ...(options.netMode === undefined ? {} : { netMode: options.netMode }),
      ...(options.fwdMode === undefined ? {} : { fwdMode: options.fwdMode }),
      ...(options.uplinks === undefined ? {} : { uplinks: String(options.uplinks) }),
      ...(options.mtu === undefined ? {} : { mtu: String(options.mtu) }),
      ...(options.logLevel === undefined ? {} : { logLevel: options.logLevel }),
    }),
    deps,
    AbortSignal.timeout(patient(90_000)),
  )
  try {
    return await work(testLab(lab))
  } catch (error) {
    showOwnLogs(lab)
    throw error
  } finally {
    await bringDown(root, options.name, deps, AbortSignal.timeout(patient(60_000)))
  }
}

function testLab(first: Lab): TestLab {
  const held = { lab: first }
  const { context } = first
  const machine = (host: string) => findMachine(first, resolveHostName(context.plan, host))
  const exec: TestLab['exec'] = (host, command, options = {}) => {
    const argv = typeof command === 'string' ? ['sh', '-c', command] : command
    const target = machine(host)
    const environment = insideEnvironment(context.environment, target.name)
    // pdeathsig: a command that is cut off must not live on in the host.
    const wrapped = ['setpriv', '--pdeathsig', 'KILL', ...argv]
    const signal = AbortSignal.timeout(patient(options.timeoutMs ?? 30_000))
    return runInside(target, wrapped, { environment, input: options.input ?? '' }, signal)
  }
  return {
    name: first.state.options.name,
    exec,
    execOk: async (host, command, options) => {
      const result = await exec(host, command, options)
      const line = typeof command === 'string' ? command : command.join(' ')
      assert.equal(result.code, 0, `${host}$ ${line}\n${result.stdout}${result.stderr}`)
      return result.stdout
    },
    spawn: (host, argv) => {
      const target = machine(host)
      // pdeathsig on both sides of the namespace: what enters it waits outside for what runs inside.
      const dies = ['setpriv', '--pdeathsig', 'KILL']
      const [file = '', ...rest] = [...dies, ...enterArguments(target.pid), ...dies, ...argv]
      const env = { ...insideEnvironment(context.environment, target.name) }
      return spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'], env })
    },
    kill: (host, program, signalName = 'KILL') =>
      killProgram(context, machine(host), program, signalName, AbortSignal.timeout(patient(30_000))),
    start: (host, program) =>
      startProgram(
        context,
        findPlace(first, resolveHostName(context.plan, host)),
        program,
        AbortSignal.timeout(patient(60_000)),
      ),
    running: (host, program) => runningPid(context, machine(host), program) !== undefined,
    partition: async (a, b, links = 'both') => {
      const added = { a: resolveHostName(context.plan, a), b: resolveHostName(context.plan, b), links }
      const partitions = [...held.lab.state.partitions, added]
      held.lab = { context, state: await setPartitions(held.lab, partitions, AbortSignal.timeout(patient(10_000))) }
    },
    heal: async () => {
      held.lab = { context, state: await setPartitions(held.lab, [], AbortSignal.timeout(patient(10_000))) }
    },
    until: (what, probe, timeoutMs = 10_000) =>
      until(
        probe,
        { what, timeoutMs, everyMs: 50 },
        { clock: systemClock },
        AbortSignal.timeout(patient(timeoutMs + 30_000)),
      ),
    pid: (host) => machine(host).pid,
    directory: (host) => hostDirectory(context.directory, resolveHostName(context.plan, host)),
  }
}

function showOwnLogs(lab: Lab): void {
  for (const host of lab.context.plan.hosts) {
    for (const program of ['netmaster', 'netplugin']) {
      const file = `${hostDirectory(lab.context.directory, host.name)}/log/${program}.log`
      const end = tail(file, 15)
      if (end !== '(nothing logged)') console.error(`--- ${host.name} ${program}.log\n${end}`)
    }
  }
}
