// What `netplugin doctor` asks: Open vSwitch, netmaster, Docker, other hosts, and this one. Nothing is changed, and what does not
// answer is a finding as any other.

import { statfs } from 'node:fs/promises'
import { release } from 'node:os'
import { join } from 'node:path'
import { createNodeClient } from '../api/node-client.ts'
import type { HostDoctorFacts, MasterFacts, PathResult, PeerFacts, SwitchFacts } from '../core/doctor/host.ts'
import { ownAliasPrefix } from '../core/plan/veths.ts'
import type { HostDriver } from '../drivers/host/host.ts'
import type { Runtime } from '../drivers/runtime/runtime.ts'
import type { Clock } from '../lib/clock.ts'
import { asNetpluginError } from '../lib/errors.ts'
import { type Found, isMissing } from '../lib/findings.ts'
import type { Log } from '../lib/log.ts'
import { isServed } from '../lib/unix-socket.ts'
import type { NodeView } from '../model/node.ts'
import { OvsdbClient, select } from '../protocols/ovsdb/index.ts'
import { ControlSocket, controlPath } from '../protocols/unixctl/index.ts'
import type { NodeConfig } from './config.ts'

export interface DoctorDeps {
  readonly host: Pick<HostDriver, 'facts' | 'underlay'>
  /** The engine behind a socket. */
  readonly docker: (socketPath: string) => Pick<Runtime, 'version'>
  readonly probePath: (probe: { from: string; to: string; bytes: number }, signal: AbortSignal) => Promise<PathResult>
  /** Whether a device leaves checksums to hardware. */
  readonly hasTxChecksum: (device: string) => boolean
  readonly hasProgram: (name: string) => boolean
  readonly clock: Clock
  readonly log: Log
}

/** One question. */
const patienceMs = 3_000
const pathMs = 30_000
const pathsAtOnce = 8
/** Hosts to which paths are tried; of more, the first by name. */
const mostPeers = 64
const programs = ['nft', 'iptables', 'ping'] as const

export async function doctorFacts(config: NodeConfig, deps: DoctorDeps, signal: AbortSignal): Promise<HostDoctorFacts> {
  const { host, clock, hasProgram } = deps
  const soon = () => AbortSignal.any([signal, AbortSignal.timeout(patienceMs)])
  const { links, addresses, hasKernelOpenVswitch } = host.facts()
  const underlay = config.vtep === '' ? undefined : host.underlay(config.vtep)
  const [switchFacts, tunnelListens, master, docker, plugin, cni, space] = await Promise.all([
    found(switchOf(config, deps, soon())),
    config.vtep === '' || hasKernelOpenVswitch ? undefined : found(listening(config, soon())),
    found(masterOf(config, clock, soon())),
    found(
      deps
        .docker(config.dockerSocket)
        .version(soon())
        .then(({ version }) => ({ version })),
    ),
    isServed(config.pluginSocket, soon()),
    isServed(config.cniSocket, soon()),
    found(statfs(config.stateDir).then(({ bavail, bsize }) => ({ freeMiB: Math.floor((bavail * bsize) / 2 ** 20) }))),
  ])
  const nodes = isMissing(master) ? [] : master.nodes
  const others = nodes.filter(({ name, vtep }) => name !== config.node && vtep !== '').slice(0, mostPeers)
  const peers: PeerFacts[] = []
  for (let at = 0; underlay !== undefined && at < others.length; at += pathsAtOnce) {
    const tried = others.slice(at, at + pathsAtOnce).map(async ({ name, vtep, alive }) => {
      const limit = AbortSignal.any([signal, AbortSignal.timeout(pathMs)])
      const path = await deps.probePath({ from: config.vtep, to: vtep, bytes: underlay.mtu }, limit)
      return { node: name, vtep, alive, path }
    })
    peers.push(...(await Promise.all(tried)))
  }
  const ours = [...links.values()].filter(({ alias, kind }) => kind === 'veth' && alias.startsWith(ownAliasPrefix))
  return {
    node: config.node,
    version: config.version,
    isRoot: process.getuid?.() === 0,
    kernel: release(),
    hasKernelOpenVswitch,
    switch: switchFacts,
    tunnelListens,
    tunnel: config.vtep === '' ? undefined : { vtep: config.vtep, port: config.vxlanPort },
    underlay,
    uplinks: config.uplinks.map((name) => {
      const link = links.get(name)
      const address = addresses.find(({ index, scope }) => index === link?.index && scope !== 'link')?.cidr ?? ''
      return { name, state: link === undefined ? 'missing' : link.up ? 'up' : 'down', address }
    }),
    peers,
    master,
    self: nodes.find(({ name }) => name === config.node),
    docker,
    sockets: [
      { path: config.pluginSocket, answers: plugin },
      { path: config.cniSocket, answers: cni },
    ],
    space,
    stateDir: config.stateDir,
    // With the kernel's datapath checksums are made where packets leave the host.
    offloading: hasKernelOpenVswitch ? [] : ours.map(({ name }) => name).filter((name) => deps.hasTxChecksum(name)),
    missingPrograms: programs.filter((name) => !hasProgram(name)),
  }
}

async function found<T extends object>(asked: Promise<T>): Promise<Found<T>> {
  try {
    return await asked
  } catch (error) {
    return { problem: asNetpluginError(error).message }
  }
}

async function switchOf({ ovsRunDir }: NodeConfig, deps: DoctorDeps, signal: AbortSignal): Promise<SwitchFacts> {
  const client = await OvsdbClient.connect({ path: join(ovsRunDir, 'db.sock') }, deps, signal)
  try {
    const [bridges, interfaces] = await client.transact(
      [select('Bridge', [], ['name', 'datapath_type', 'fail_mode']), select('Interface', [], ['name', 'error'])],
      signal,
    )
    return {
      version: /(\d+\.\d+\.\d+)/.exec(await daemon(ovsRunDir, 'version', [], signal))?.[1] ?? 'unknown',
      bridges: bridges.rows.map(({ name, datapath_type, fail_mode }) => {
        return { name, datapathType: datapath_type, failMode: fail_mode ?? '' }
      }),
      errors: interfaces.rows.flatMap(({ name, error }) => (error === undefined ? [] : [{ name, error }])),
    }
  } finally {
    client.close()
  }
}

/** Open vSwitch 3.1 lists the ports on which its userspace datapath takes tunnel packets below a heading, and may list none. */
async function listening(
  { ovsRunDir, vxlanPort }: NodeConfig,
  signal: AbortSignal,
): Promise<{ readonly listens: boolean }> {
  const ports = await daemon(ovsRunDir, 'tnl/ports/show', ['-v'], signal)
  return { listens: ports.includes(`vxlan_sys_${vxlanPort}`) }
}

/** What ovs-vswitchd answers to a command. */
async function daemon(runDir: string, command: string, words: readonly string[], signal: AbortSignal): Promise<string> {
  const control = await ControlSocket.connect({ path: await controlPath(runDir, 'ovs-vswitchd') }, signal)
  try {
    return await control.command(command, words, signal)
  } finally {
    control.close()
  }
}

async function healthOf(url: string, clock: Clock, signal: AbortSignal): Promise<MasterFacts> {
  const asked = clock.now()
  const health = await fetch(new URL('/healthz', url), { signal })
  const date = Date.parse(health.headers.get('date') ?? '')
  // The header has whole seconds: on the average, half a one is missing.
  const skewMs = Number.isNaN(date) ? 0 : date + 500 - (asked + clock.now()) / 2
  const { revision } = (await health.json()) as { revision: number }
  return { url, revision, skewMs }
}

async function masterOf(
  { netmaster, node }: NodeConfig,
  clock: Clock,
  signal: AbortSignal,
): Promise<MasterFacts & { readonly nodes: readonly NodeView[] }> {
  const client = createNodeClient({ baseUrl: netmaster, node, timeoutMs: patienceMs })
  try {
    // First: it says better than fetch what is in the way.
    const nodes = await client.nodes(signal)
    // Of several netmasters the first that answers.
    return { ...(await Promise.any(client.servers().map((url) => healthOf(url, clock, signal)))), nodes }
  } finally {
    client.close()
  }
}
