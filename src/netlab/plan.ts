// What a lab consists of, worked out from its options alone: hosts, addresses, links, programs. Pure.
//
//   underlay ── control (10.77.0.0/24, kernel only): REST, names     ── eth0 of every host
//            └─ data    (10.78.0.0/24, or VLAN trunk): tunnels, tags ── eth1 … ethK of every host

import { NetpluginError } from '../lib/errors.ts'
import type { LabOptions, OptionalPart } from './options.ts'
import { storeMembers } from './store-servers.ts'

export type Datapath = 'system' | 'netdev'

export const programNames = [
  'etcd',
  'consul',
  'ovsdb-server',
  'ovs-vswitchd',
  'netmaster',
  'netplugin',
  'dockerd',
  'containerd',
] as const
export type ProgramName = (typeof programNames)[number]

export interface HostPlan {
  readonly index: number
  readonly name: string
  /** On eth0. */
  readonly controlAddress: string
  /** The tunnel end: on br-phys (userspace datapath) or eth1; none in VLAN mode, where it stays unset. */
  readonly dataAddress: string
  readonly uplinks: readonly string[]
  /** In the order they are started; containerd is dockerd's child. */
  readonly programs: readonly ProgramName[]
}

export interface LabPlan {
  readonly options: LabOptions
  readonly datapath: Datapath
  readonly hosts: readonly HostPlan[]
}

export const underlayName = 'underlay'
export const underlayControlAddress = '10.77.0.254'
export const underlayDataAddress = '10.78.0.254'
export const prefixLength = 24
export const netmasterPort = 9999

export function planLab(options: LabOptions, datapath: Datapath): LabPlan {
  const hosts: HostPlan[] = []
  for (let index = 1; index <= options.hosts; index++) {
    hosts.push({
      index,
      name: `netplugin-node${index}`,
      controlAddress: `10.77.0.${index}`,
      dataAddress: `10.78.0.${index}`,
      uplinks: Array.from({ length: options.uplinks }, (_, number) => `eth${number + 1}`),
      programs: hostPrograms(options, index),
    })
  }
  return { options, datapath, hosts }
}

export function has(options: LabOptions, part: OptionalPart): boolean {
  return !options.without.includes(part)
}

function hostPrograms(options: LabOptions, index: number): readonly ProgramName[] {
  const programs: ProgramName[] = []
  if (has(options, 'ovs')) programs.push('ovsdb-server', 'ovs-vswitchd')
  if (options.store !== 'sqlite' && index <= storeMembers(options)) programs.push(options.store)
  if (has(options, 'netmaster') && index <= options.masters) programs.push('netmaster')
  if (has(options, 'netplugin')) programs.push('netplugin')
  if (has(options, 'docker')) programs.push('dockerd', 'containerd')
  return programs
}

/** Whether hosts have tunnel ends. */
export function hasTunnels({ netMode }: LabOptions): boolean {
  return netMode !== 'vlan'
}

/** Which of a host's uplinks carry VLANs: the first is kept for tunnels where there are any. */
export function vlanUplinks({ netMode }: LabOptions, uplinks: readonly string[]): readonly string[] {
  switch (netMode) {
    case 'vxlan':
      return []
    case 'vlan':
      return uplinks
    case 'both':
      return uplinks.slice(1)
  }
}

/** The userspace switch reads the uplinks itself, so that the kernel must keep off them. */
export function uplinkOwner(plan: LabPlan): 'kernel' | 'switch' {
  return has(plan.options, 'ovs') && plan.datapath === 'netdev' ? 'switch' : 'kernel'
}

/** The lines of /etc/hosts, the same on all hosts. `netmaster` is the control address of each host that runs it. */
export function hostsFile(plan: LabPlan): string {
  const lines = ['127.0.0.1 localhost', '::1 localhost ip6-localhost', `${underlayControlAddress} ${underlayName}`]
  for (const host of plan.hosts) {
    const master = host.index <= plan.options.masters ? ' netmaster' : ''
    lines.push(`${host.controlAddress} ${host.name} node${host.index}${master}`)
  }
  return lines.join('\n')
}

/** A stable hardware address: link 0 is eth0, link K is ethK. */
export function linkMac(host: number, link: number): string {
  const octet = (value: number) => value.toString(16).padStart(2, '0')
  return `02:77:00:${octet(link)}:${octet(host >> 8)}:${octet(host & 0xff)}`
}

/** The underlay's end of a host's link. */
export function underlayPort(host: number, link: number): string {
  return `n${host}eth${link}`
}

/**
 * Which machine a person means: `netplugin-node2`, `node2`, `2`, or `underlay`. Returns the full name.
 * Throws `not-found` (code HOST_UNKNOWN) with the names there are.
 */
export function resolveHostName(plan: LabPlan, text: string): string {
  if (text === underlayName) return underlayName
  const found = plan.hosts.find(
    (host) => text === host.name || text === `node${host.index}` || text === String(host.index),
  )
  if (found !== undefined) return found.name
  const names = [...plan.hosts.map((host) => host.name), underlayName].join(', ')
  throw new NetpluginError('not-found', 'HOST_UNKNOWN', `the lab has no host "${text}"; it has ${names}`)
}

export function findHost(plan: LabPlan, name: string): HostPlan {
  const full = resolveHostName(plan, name)
  const host = plan.hosts.find((candidate) => candidate.name === full)
  if (host === undefined) {
    throw new NetpluginError('invalid', 'HOST_IS_UNDERLAY', 'the underlay runs no such program; name a host')
  }
  return host
}
