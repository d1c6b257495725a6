// Which columns a desired bridge, port or interface sets, and how they compare with what is there.

import type { DesiredBridge, DesiredInterface, DesiredPort, Devices } from './database.ts'
import { deviceMark, type InterfaceRow, type PlacedPort } from './switch-rows.ts'

export function bridgeColumns(bridge: DesiredBridge) {
  return {
    datapath_type: bridge.datapathType,
    fail_mode: bridge.failMode,
    protocols: bridge.protocols,
    other_config: { ...bridge.otherConfig, ...(bridge.mac === undefined ? {} : { hwaddr: bridge.mac }) },
  }
}

export function portColumns({ tag, trunks, bond }: DesiredPort) {
  return {
    tag,
    trunks: trunks ?? [],
    bond_mode: bond?.mode,
    lacp: bond?.lacp,
    other_config: bond?.fallback ? { 'lacp-fallback-ab': 'true' } : {},
  }
}

export function interfaceColumns({ type, options, mac, mtuRequest, ofportRequest }: DesiredInterface) {
  return { type, options, mac, mtu_request: mtuRequest, ofport_request: ofportRequest }
}

/** Whether an interface that is there cannot be changed into the desired one in place. */
export function mustBeMadeAgain(desired: DesiredPort, placed: PlacedPort, devices: Devices): boolean {
  return desired.interfaces.some((one) => {
    const present = placed.interfaces.get(one.name)
    return present !== undefined && (hasOtherNature(one, present) || hasOtherDevice(one, present, devices))
  })
}

/**
 * The type of an interface is fixed once the switch has made it. A tunnel of the userspace datapath may lose its listener
 * when an option changes (Open vSwitch 3.1: `exts`, `local_ip`), so it is made again, too.
 */
function hasOtherNature({ type, options }: DesiredInterface, present: InterfaceRow): boolean {
  return present.type !== type || (type === 'vxlan' && !same(present.options, options))
}

/**
 * A device that went and came back with the same name: the userspace datapath still holds the one that is gone, shows
 * the new one in every column, and passes no packet (Open vSwitch 3.1).
 */
function hasOtherDevice({ name, type }: DesiredInterface, present: InterfaceRow, devices: Devices): boolean {
  const madeFor = present.external_ids[deviceMark]
  const index = devices.get(name)?.index
  return type === '' && madeFor !== undefined && index !== undefined && madeFor !== String(index)
}

/** The mark of the device; where it is not known now, the one that is there. */
export function deviceMarks(
  { name, type }: DesiredInterface,
  present: InterfaceRow | undefined,
  devices: Devices,
): Readonly<Record<string, string>> {
  if (type !== '') return {}
  const index = devices.get(name)?.index.toString() ?? present?.external_ids[deviceMark]
  return index === undefined ? {} : { [deviceMark]: index }
}

/** The wanted columns whose values are not there; undefined when all are. */
export function differing<W extends object>(
  present: { readonly [C in keyof W]: unknown },
  wanted: W,
): Partial<W> | undefined {
  const changes: Partial<W> = {}
  for (const column of Object.keys(wanted) as (keyof W)[]) {
    if (!same(present[column], wanted[column])) changes[column] = wanted[column]
  }
  return Object.keys(changes).length === 0 ? undefined : changes
}

/** Sets have no order, nor have maps. */
function same(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object') return false
  return samePlainly(a, b) || canonical(a) === canonical(b)
}

/** The usual case, compared for each port in each pass: texts and numbers, in the same order if there is one. */
function samePlainly(a: unknown, b: unknown): boolean {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const entries = Object.entries(a)
  const others: Readonly<Record<string, unknown>> = { ...b }
  return entries.length === Object.keys(others).length && entries.every(([key, value]) => others[key] === value)
}

function canonical(value: unknown): string {
  const parts = Array.isArray(value) ? value : Object.entries(value ?? {})
  return JSON.stringify(parts.map((part) => JSON.stringify(part)).sort())
}
