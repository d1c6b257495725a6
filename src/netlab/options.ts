// What a lab looks like, as a person asks for it: checked once here, trusted everywhere else.

import { NetpluginError } from '../lib/errors.ts'

export const defaultLabName = 'netplugin'

export const storeKinds = ['sqlite', 'etcd', 'consul'] as const
export type StoreKind = (typeof storeKinds)[number]
/** `both`: eth1 carries tunnels, the other uplinks are VLAN trunks. */
export const netModes = ['vxlan', 'vlan', 'both'] as const
export type NetMode = (typeof netModes)[number]
export const forwardModes = ['bridge', 'routing'] as const
export type ForwardMode = (typeof forwardModes)[number]
export const datapathChoices = ['auto', 'system', 'netdev'] as const
export type DatapathChoice = (typeof datapathChoices)[number]

/** Parts a lab can be brought up without. `ovs` stands for ovsdb-server and ovs-vswitchd. */
export const optionalParts = ['ovs', 'docker', 'netmaster', 'netplugin', 'images'] as const
export type OptionalPart = (typeof optionalParts)[number]

/** What a lab can have besides. `cni`: podman and ctr are set up for networks by CNI. */
export const extraParts = ['cni'] as const
export type ExtraPart = (typeof extraParts)[number]

export interface LabOptions {
  readonly name: string
  readonly hosts: number
  /** How many of the first hosts run netmaster. */
  readonly masters: number
  readonly store: StoreKind
  readonly netMode: NetMode
  readonly forwardMode: ForwardMode
  /** Links to the data network per host: eth1 … ethK. */
  readonly uplinks: number
  /** MTU of the data network: 1600 carries 1500 inside VXLAN. */
  readonly mtu: number
  readonly datapath: DatapathChoice
  readonly without: readonly OptionalPart[]
  readonly with: readonly ExtraPart[]
  readonly logLevel: string
}

/** The options as they come from a command line: all text, all optional. */
export interface RawLabOptions {
  readonly name?: string
  readonly hosts?: string
  readonly masters?: string
  readonly store?: string
  readonly netMode?: string
  readonly fwdMode?: string
  readonly uplinks?: string
  readonly mtu?: string
  readonly datapath?: string
  readonly without?: string
  readonly with?: string
  readonly docker?: boolean
  readonly logLevel?: string
}

export const maxHosts = 100

/** Checks and completes options; throws `invalid` (code OPTION_INVALID) naming the option and what it may be. */
export function parseLabOptions(raw: RawLabOptions): LabOptions {
  const netMode = oneOf('--net-mode', raw.netMode ?? 'vxlan', netModes)
  const fewestUplinks = netMode === 'both' ? 2 : 1
  const hosts = wholeNumber('the number of hosts', raw.hosts ?? '2', 1, maxHosts)
  const store = oneOf('--store', raw.store ?? 'sqlite', storeKinds)
  const masters = wholeNumber('--masters', raw.masters ?? '1', 1, hosts)
  if (masters > 1 && store === 'sqlite') {
    throw invalid('--masters', `${masters} netmasters must share a store: add --store etcd, or use --masters 1`)
  }
  return {
    name: parseLabName(raw.name ?? defaultLabName),
    hosts,
    masters,
    store,
    netMode,
    forwardMode: oneOf('--fwd-mode', raw.fwdMode ?? (netMode === 'vlan' ? 'bridge' : 'routing'), forwardModes),
    uplinks: wholeNumber('--uplinks', raw.uplinks ?? String(fewestUplinks), fewestUplinks, 4),
    mtu: wholeNumber('--mtu', raw.mtu ?? '1600', 576, 9000),
    datapath: oneOf('--datapath', raw.datapath ?? 'auto', datapathChoices),
    without: parseWithout(raw.without ?? '', raw.docker !== false),
    with: words(raw.with).map((part) => oneOf('--with', part, extraParts)),
    logLevel: oneOf('--log-level', raw.logLevel ?? 'info', ['debug', 'info', 'warn', 'error']),
  }
}

/** A lab's name is used in folder and cgroup names. */
export function parseLabName(name: string): string {
  if (!/^[a-z][a-z0-9-]{0,30}$/.test(name)) {
    throw invalid('--name', `"${name}" is no lab name: use up to 31 of a-z, 0-9 and "-", beginning with a letter`)
  }
  return name
}

function parseWithout(list: string, withDocker: boolean): readonly OptionalPart[] {
  const parts = new Set<OptionalPart>()
  for (const part of words(list)) {
    parts.add(oneOf('--without', part === 'dockerd' ? 'docker' : part, optionalParts))
  }
  if (!withDocker) parts.add('docker')
  if (parts.has('docker')) parts.add('images')
  return optionalParts.filter((part) => parts.has(part))
}

function words(list = ''): readonly string[] {
  return list.split(',').filter((text) => text !== '')
}

function oneOf<const T extends string>(option: string, value: string, allowed: readonly T[]): T {
  const found = allowed.find((candidate) => candidate === value)
  if (found === undefined) throw invalid(option, `"${value}" is not one of ${allowed.join(', ')}`)
  return found
}

function wholeNumber(option: string, text: string, min: number, max: number): number {
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
  if (!(value >= min && value <= max)) throw invalid(option, `"${text}" is not a whole number from ${min} to ${max}`)
  return value
}

function invalid(option: string, why: string): NetpluginError {
  return new NetpluginError('invalid', 'OPTION_INVALID', `${option}: ${why}`, { details: { option } })
}
