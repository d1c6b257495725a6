// Starting, watching and ending the programs of a host. A program is known by its pid file inside the host, and believed
// only while the process carries the lab's token and the program's name in its environment.

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Clock } from '../lib/clock.ts'
import { NetpluginError } from '../lib/errors.ts'
import { findConsul } from './consul-program.ts'
import { certificateDirectory, hostDirectory, type LabDirectory, logFile } from './directory.ts'
import { answers, engineAnswers } from './engine.ts'
import {
  insideEnvironment,
  type Machine,
  type MachineEnvironment,
  mustRunInside,
  pathInside,
  runInside,
  tail,
} from './namespace.ts'
import {
  type HostPlan,
  hasTunnels,
  type LabPlan,
  netmasterPort,
  type ProgramName,
  prefixLength,
  underlayName,
} from './plan.ts'
import { readEnvironment } from './process-scan.ts'
import { type BackgroundProgram, dockerSocket, pluginSocket, programCommand, programs } from './program.ts'
import { certificateFiles, consulUrl, etcdUrl } from './store-servers.ts'
import { patient, until } from './wait.ts'

/** Everything the functions here need to know about the lab they work in. */
export interface LabContext {
  readonly plan: LabPlan
  readonly directory: LabDirectory
  readonly environment: MachineEnvironment
  readonly cgroupParent: string
  readonly clock: Clock
}

/** A machine with the part of the plan it plays; the underlay has addresses but no uplinks. */
export interface Place {
  readonly machine: Machine
  readonly host: Pick<HostPlan, 'name' | 'controlAddress' | 'dataAddress' | 'uplinks'>
}

const unseenTooOften = 5

export const shellFolder = fileURLToPath(new URL('./shell', import.meta.url))

/** The pid of a running program, as the host counts; undefined when it is not running. */
export function runningPid(lab: LabContext, machine: Machine, name: ProgramName): number | undefined {
  const program = programs[name]
  let text: string
  try {
    text = readFileSync(pathInside(machine, program.pidFile), 'utf8')
  } catch {
    return undefined
  }
  const pid = Number(text.trim() || Number.NaN)
  if (!Number.isInteger(pid) || pid <= 1) return undefined
  const proc = pathInside(machine, '/proc')
  const ours =
    readEnvironment(pid, 'NETLAB_TOKEN', proc) === lab.environment.token &&
    readEnvironment(pid, 'NETLAB_PROGRAM', proc) === program.marker
  return ours ? pid : undefined
}

/** Starts a program and resolves when it answers. Throws when it runs already or does not come up in time. */
export async function startProgram(
  lab: LabContext,
  place: Place,
  name: ProgramName,
  signal: AbortSignal,
): Promise<void> {
  const running = runningPid(lab, place.machine, name)
  if (running !== undefined) {
    throw new NetpluginError(
      'conflict',
      'PROGRAM_RUNS',
      `${name} is already running on ${place.machine.name} (pid ${running} there)`,
    )
  }
  switch (name) {
    case 'containerd':
      throw new NetpluginError('invalid', 'PROGRAM_NOT_STARTED', 'dockerd starts containerd: start or restart dockerd')
    case 'ovsdb-server':
      return startSwitch(lab, place, ['ovsdb-server'], signal)
    case 'ovs-vswitchd':
      return startSwitch(lab, place, ['ovs-vswitchd', ...physicalBridge(lab.plan)], signal)
    case 'etcd':
    case 'consul':
    case 'netmaster':
    case 'netplugin':
    case 'dockerd':
      return startInBackground(lab, place, name, signal)
  }
}

/** Parts of Open vSwitch in one go: `up` starts all, `start` one. */
export async function startSwitch(
  lab: LabContext,
  { machine, host }: Place,
  parts: readonly string[],
  signal: AbortSignal,
): Promise<void> {
  const environment = {
    ...insideEnvironment(lab.environment, machine.name),
    NETLAB_DATAPATH: lab.plan.datapath,
    NETLAB_MTU: String(lab.plan.options.mtu),
    NETLAB_UPLINK_ADDRESS: `${host.dataAddress}/${prefixLength}`,
  }
  const command = ['timeout', String(patient(20_000) / 1000), 'sh', `${shellFolder}/open-vswitch.sh`, ...parts]
  const { code, stderr } = await runInside(machine, command, { environment }, signal)
  if (code === 0) return
  const why = code === 124 ? 'it did not answer within 20 s' : stderr.trim() || `exit code ${code}`
  const log = logFile(lab.directory, machine.name, programs['ovs-vswitchd'].logFile)
  throw new NetpluginError(
    'unavailable',
    'PROGRAM_START_FAILED',
    `Open vSwitch did not start on ${machine.name}: ${why}; last lines of ${log}:\n${tail(log, 5)}`,
  )
}

/** With the userspace datapath and tunnels, the uplink belongs to a bridge of its own. */
export function physicalBridge(plan: LabPlan): readonly string[] {
  return plan.datapath === 'netdev' && hasTunnels(plan.options) ? ['physical-bridge'] : []
}

async function startInBackground(
  lab: LabContext,
  place: Place,
  name: BackgroundProgram,
  signal: AbortSignal,
): Promise<void> {
  const { machine } = place
  const environment = insideEnvironment(lab.environment, machine.name)
  const program = programs[name]
  const log = logFile(lab.directory, machine.name, program.logFile)
  const command = programCommand(name, place.host, lab.plan, {
    repository: lab.environment.repository,
    hostDirectory: hostDirectory(lab.directory, machine.name),
    certificates: certificateDirectory(lab.directory),
    ...(name === 'consul' ? { consul: findConsul(lab.environment.repository) } : {}),
    cgroupParent: `${lab.cgroupParent}/${machine.name}`,
  })
  // A killed dockerd leaves its pid file, and takes any process with that number for itself.
  if (name === 'dockerd') await mustRunInside(machine, ['rm', '-f', '/run/docker.pid'], { environment }, signal)
  await mustRunInside(
    machine,
    ['sh', `${shellFolder}/background.sh`, name, program.pidFile, log, ...command],
    { environment },
    signal,
  )
  const failed = (why: string) =>
    new NetpluginError(
      'unavailable',
      'PROGRAM_START_FAILED',
      `${name} on ${machine.name} ${why}; last lines of ${log}:\n${tail(log, 8)}`,
    )
  let unseen = 0
  await until(
    async () => {
      if (await isReady(lab, place, name, environment, signal)) return true
      // A process shows no environment for a moment while it becomes its program.
      unseen = runningPid(lab, machine, name) === undefined ? unseen + 1 : 0
      if (unseen >= unseenTooOften) throw failed('ended at once')
      return undefined
    },
    { what: `${name} on ${machine.name}`, timeoutMs: 30_000, everyMs: 40 },
    { clock: lab.clock },
    signal,
  ).catch((error: unknown) => {
    if (error instanceof NetpluginError && error.code === 'WAIT_TIMEOUT') throw failed('did not answer within 30 s')
    throw error
  })
}

async function isReady(
  lab: LabContext,
  { machine, host }: Place,
  name: BackgroundProgram,
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<boolean> {
  switch (name) {
    case 'dockerd':
      return (await answers(machine, dockerSocket)) && (await engineAnswers(machine, signal))
    case 'netplugin':
      return answers(machine, pluginSocket)
    case 'netmaster':
      return httpAnswers(machine, `http://${host.controlAddress}:${netmasterPort}/healthz`, environment, signal)
    case 'consul':
      // Says so when there is a leader; else 500.
      return httpAnswers(machine, `${consulUrl(host)}/v1/catalog/nodes?consistent`, environment, signal)
    case 'etcd':
      // Answers when a majority of the members has found together.
      return httpAnswers(machine, `${etcdUrl(host)}/health`, environment, signal, clientTls(lab))
  }
}

/** How curl shows itself to the store. */
function clientTls({ directory }: LabContext): readonly string[] {
  const { ca, clientCert, clientKey } = certificateFiles(certificateDirectory(directory))
  return ['--cacert', ca, '--cert', clientCert, '--key', clientKey]
}

async function httpAnswers(
  machine: Machine,
  url: string,
  environment: Readonly<Record<string, string>>,
  signal: AbortSignal,
  tls: readonly string[] = [],
): Promise<boolean> {
  const command = ['curl', '--silent', '--fail', '--output', '/dev/null', '--max-time', '2', ...tls, url]
  return (await runInside(machine, command, { environment }, signal)).code === 0
}

/**
 * Sends a signal. For one that ends a program (all but STOP, CONT, HUP, USR1, USR2) it resolves when the process is gone.
 * Throws `not-found` (code PROGRAM_STOPPED) when the program is not running.
 */
export async function killProgram(
  lab: LabContext,
  machine: Machine,
  name: ProgramName,
  signalName: string,
  signal: AbortSignal,
): Promise<void> {
  const pid = runningPid(lab, machine, name)
  if (pid === undefined) {
    throw new NetpluginError('not-found', 'PROGRAM_STOPPED', `${name} is not running on ${machine.name}`)
  }
  const environment = insideEnvironment(lab.environment, machine.name)
  await mustRunInside(machine, ['sh', '-c', 'kill -s "$0" "$1"', signalName, String(pid)], { environment }, signal)
  if (['STOP', 'CONT', 'HUP', 'USR1', 'USR2', '0'].includes(signalName)) return
  await until(
    () => (runningPid(lab, machine, name) === pid ? undefined : true),
    { what: `${name} on ${machine.name} to end after SIG${signalName}`, timeoutMs: 20_000, everyMs: 10 },
    { clock: lab.clock },
    signal,
  )
}

/** The programs a machine of the lab is meant to run. */
export function plannedPrograms(plan: LabPlan, machine: string): readonly ProgramName[] {
  if (machine === underlayName) return []
  return plan.hosts.find((host) => host.name === machine)?.programs ?? []
}
