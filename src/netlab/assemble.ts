// Making a lab from nothing: the underlay, then all hosts side by side, each program as soon as what it needs is there.

import { randomBytes } from 'node:crypto'
import { mkdirSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { Clock } from '../lib/clock.ts'
import { makeCertificates } from './certificates.ts'
import { findConsul } from './consul-program.ts'
import { type LabContext, type Place, physicalBridge, shellFolder, startProgram, startSwitch } from './daemon.ts'
import { chooseDatapath } from './datapath.ts'
import { certificateDirectory, hostDirectory, type LabDirectory, logFile } from './directory.ts'
import { loadImage } from './engine.ts'
import { cachedImages } from './image/cache.ts'
import { connectHost } from './links.ts'
import { insideEnvironment, type Machine, mustRunInside, startMachine } from './namespace.ts'
import type { LabOptions } from './options.ts'
import {
  type HostPlan,
  has,
  hasTunnels,
  hostsFile,
  planLab,
  prefixLength,
  underlayControlAddress,
  underlayDataAddress,
  underlayName,
  uplinkOwner,
} from './plan.ts'
import { type LabState, writeState } from './state.ts'
import { storeMembers } from './store-servers.ts'
import { patient } from './wait.ts'

export interface LabDeps {
  readonly clock: Clock
  /** Told what has just been done, for a person who waits. */
  readonly progress: (line: string) => void
}

/** A lab that is up. */
export interface Lab {
  readonly state: LabState
  readonly context: LabContext
}

const repository = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

/** The underlay's part in starting programs: addresses, no uplinks. */
export const underlayPart = {
  name: underlayName,
  controlAddress: underlayControlAddress,
  dataAddress: underlayDataAddress,
  uplinks: [],
} as const

export function contextOf(directory: LabDirectory, state: LabState, clock: Clock): LabContext {
  return {
    plan: planLab(state.options, state.datapath),
    directory,
    environment: { lab: state.options.name, token: state.token, repository },
    cgroupParent: state.cgroupParent,
    clock,
  }
}

/** Builds a lab; the state on disk is true at every moment, so that a crash can be cleaned up. The caller cleans up failures. */
export async function assemble(
  directory: LabDirectory,
  options: LabOptions,
  deps: LabDeps,
  signal: AbortSignal,
): Promise<Lab> {
  const began = deps.clock.now()
  const report = (line: string) =>
    deps.progress(`${((deps.clock.now() - began) / 1000).toFixed(1).padStart(6)} s  ${line}`)
  const token = randomBytes(16).toString('hex')
  let state: LabState = {
    version: 1,
    status: 'starting',
    token,
    createdAt: new Date(began).toISOString(),
    cgroupParent: `/netlab-${options.name}-${token.slice(0, 8)}`,
    options,
    datapath: await chooseDatapath(options.datapath, signal),
    machines: [],
    partitions: [],
  }
  // Written before anything is started: after a crash from here on, the token finds what there is.
  writeState(directory.stateFile, state)
  const context = contextOf(directory, state, deps.clock)
  const record = (machine: Machine) => {
    state = { ...state, machines: [...state.machines, machine] }
    writeState(directory.stateFile, state)
  }

  // The first failure stops the rest, so that nothing is still being made while it is cleaned up.
  const stop = new AbortController()
  const inner = AbortSignal.any([signal, stop.signal])
  const images = has(options, 'images') ? cachedImages(directory.images, inner) : Promise.resolve(undefined)
  images.catch((error: unknown) => stop.abort(error))
  const underlay = await startUnderlay(context, inner)
  record(underlay)
  report(`underlay  control 10.77.0.0/24, data ${options.netMode}, MTU ${options.mtu}, ${state.datapath} datapath`)
  const members = context.plan.hosts.slice(0, storeMembers(options))
  if (options.store === 'consul') findConsul(context.environment.repository)
  if (options.store === 'etcd') {
    const addresses = members.map(({ controlAddress }) => controlAddress)
    makeCertificates(certificateDirectory(directory), addresses)
  }
  const masters = gate(context.plan.hosts.filter((host) => host.programs.includes('netmaster')).length, inner)
  const hosts = context.plan.hosts.map((host) =>
    startHost({ context, host, underlay, images, masters, record, report }, inner),
  )
  for (const host of hosts) host.catch((error: unknown) => stop.abort(error))
  const results = await Promise.allSettled([images, ...hosts])
  if (stop.signal.aborted) throw stop.signal.reason
  for (const result of results) if (result.status === 'rejected') throw result.reason
  state = { ...state, status: 'up' }
  writeState(directory.stateFile, state)
  return { state, context }
}

async function startUnderlay(context: LabContext, signal: AbortSignal): Promise<Machine> {
  mkdirSync(`${hostDirectory(context.directory, underlayName)}/log`, { recursive: true })
  return startMachine(
    {
      name: underlayName,
      script: `${shellFolder}/underlay-init.sh`,
      logFile: logFile(context.directory, underlayName, 'init.log'),
      environment: {
        ...insideEnvironment(context.environment, underlayName),
        NETLAB_CONTROL_ADDRESS: `${underlayControlAddress}/${prefixLength}`,
        NETLAB_DATA_ADDRESS: `${underlayDataAddress}/${prefixLength}`,
        NETLAB_MTU: String(context.plan.options.mtu),
      },
    },
    AbortSignal.any([signal, AbortSignal.timeout(patient(15_000))]),
  )
}

interface HostStart {
  readonly context: LabContext
  readonly host: HostPlan
  readonly underlay: Machine
  readonly images: Promise<string | undefined>
  readonly masters: Gate
  readonly record: (machine: Machine) => void
  readonly report: (line: string) => void
}

/** One host from nothing to all of its programs. dockerd needs none of the others on its first start and runs beside them. */
async function startHost(start: HostStart, signal: AbortSignal): Promise<void> {
  const { context, host, report } = start
  const { plan } = context
  const machine = await startHostMachine(context, host, AbortSignal.any([signal, AbortSignal.timeout(patient(15_000))]))
  start.record(machine)
  await connectHost(start.underlay, machine, host, plan, signal)
  await mustRunInside(
    machine,
    ['sh', `${shellFolder}/host-links.sh`],
    { environment: linkEnvironment(context, host) },
    signal,
  )
  const place: Place = { machine, host }
  const store = async () => {
    const program = host.programs.find((name) => name === 'etcd' || name === 'consul')
    if (program === undefined) return
    await startProgram(context, place, program, signal)
    report(`${host.name}  ${program}`)
  }
  const programs = async () => {
    const stored = store()
    stored.catch(() => {})
    if (host.programs.includes('ovs-vswitchd')) {
      await startSwitch(context, place, ['ovsdb-server', 'ovs-vswitchd', ...physicalBridge(plan)], signal)
      report(`${host.name}  Open vSwitch`)
    }
    await stored
    if (host.programs.includes('netmaster')) {
      await startProgram(context, place, 'netmaster', signal)
      report(`${host.name}  netmaster`)
      start.masters.arrive()
    }
    if (host.programs.includes('netplugin')) {
      await start.masters.open
      await startProgram(context, place, 'netplugin', signal)
      report(`${host.name}  netplugin`)
    }
    if (plan.options.with.includes('cni')) {
      await prepareRuntimes(context, machine, signal)
      report(`${host.name}  podman and ctr`)
    }
  }
  const engine = async () => {
    if (!host.programs.includes('dockerd')) return
    await startProgram(context, place, 'dockerd', signal)
    const archive = await start.images
    if (archive !== undefined) await loadImage(machine, archive, signal)
    report(`${host.name}  dockerd${archive === undefined ? '' : ' with images'}`)
  }
  await Promise.all([programs(), engine()])
}

async function prepareRuntimes(context: LabContext, machine: Machine, signal: AbortSignal): Promise<void> {
  const environment = {
    ...insideEnvironment(context.environment, machine.name),
    NETLAB_HOST_DIR: hostDirectory(context.directory, machine.name),
    NETLAB_CGROUP_PARENT: `${context.cgroupParent}/${machine.name}`,
  }
  await mustRunInside(machine, ['sh', `${shellFolder}/cni-runtimes.sh`], { environment }, signal)
}

async function startHostMachine(context: LabContext, host: HostPlan, signal: AbortSignal): Promise<Machine> {
  const folder = hostDirectory(context.directory, host.name)
  mkdirSync(`${folder}/log`, { recursive: true })
  return startMachine(
    {
      name: host.name,
      script: `${shellFolder}/host-init.sh`,
      logFile: logFile(context.directory, host.name, 'init.log'),
      environment: {
        ...insideEnvironment(context.environment, host.name),
        NETLAB_HOST_DIR: folder,
        NETLAB_HOSTS_FILE: hostsFile(context.plan),
        NETLAB_NAMESERVER: underlayControlAddress,
      },
    },
    signal,
  )
}

function linkEnvironment(context: LabContext, host: HostPlan): Readonly<Record<string, string>> {
  const { plan } = context
  const owner = uplinkOwner(plan)
  // The switch's own bridge carries the address; in VLAN mode nothing does.
  const addressed = owner === 'kernel' && hasTunnels(plan.options)
  return {
    ...insideEnvironment(context.environment, host.name),
    NETLAB_CONTROL_ADDRESS: `${host.controlAddress}/${prefixLength}`,
    NETLAB_GATEWAY: underlayControlAddress,
    NETLAB_UPLINKS: host.uplinks.join(' '),
    NETLAB_UPLINK_ADDRESS: addressed ? `${host.dataAddress}/${prefixLength}` : '',
    NETLAB_UPLINK_OWNER: owner,
  }
}

interface Gate {
  readonly open: Promise<void>
  arrive(): void
}

/** Opens when `count` have arrived; gives up when the signal aborts. */
function gate(count: number, signal: AbortSignal): Gate {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  // Nobody may be waiting at it when it gives up.
  promise.catch(() => {})
  signal.addEventListener('abort', () => reject(signal.reason), { once: true })
  let missing = count
  if (missing === 0) resolve()
  return {
    open: promise,
    arrive: () => {
      missing--
      if (missing === 0) resolve()
    },
  }
}
