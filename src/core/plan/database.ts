// desired bridges and ports - rows in the switch's database = the smallest transactions. Pure.
//
// Ours is what carries our mark (external_ids:netplugin-node=<owner>): a bridge, and a port with its interfaces on such a bridge.
// Everything else belongs to somebody else and is never changed; where it is in the way, that is a problem, and the rest is done.

import type { Problem } from '../../lib/errors.ts'
import { mutate, type Operation } from '../../protocols/ovsdb/index.ts'
import { changeBridge } from './database-changes.ts'
import { mustBeMadeAgain } from './database-columns.ts'
import { bridgeInUse, bridgeTaken, portTaken } from './database-problems.ts'
import {
  type BridgeRow,
  indexRows,
  isMarked,
  type PlacedPort,
  type SwitchIndex,
  type SwitchRows,
} from './switch-rows.ts'

export interface DesiredInterface {
  readonly name: string
  /** '' = a network device of the host. */
  readonly type: '' | 'internal' | 'vxlan' | 'patch'
  readonly options: Readonly<Record<string, string>>
  readonly mac?: string
  readonly mtuRequest?: number
  readonly ofportRequest?: number
}

export interface DesiredPort {
  readonly name: string
  /** External ids of the port and its interfaces, besides the owner's mark; keys begin with `netplugin-`. */
  readonly mark: Readonly<Record<string, string>>
  /** More than one make a bond. */
  readonly interfaces: readonly DesiredInterface[]
  readonly bond?: {
    readonly mode: 'balance-tcp' | 'active-backup' | 'balance-slb'
    readonly lacp: 'active' | 'off'
    /** Without a partner that speaks LACP: one active interface instead of none. */
    readonly fallback: boolean
  }
  readonly trunks?: readonly number[]
  readonly tag?: number
}

export interface DesiredBridge {
  readonly name: string
  readonly datapathType: 'netdev' | 'system'
  readonly failMode: 'secure' | 'standalone'
  readonly protocols: readonly string[]
  readonly mac?: string
  readonly otherConfig?: Readonly<Record<string, string>>
  /** By name. The bridge's own port need not be here. */
  readonly ports: ReadonlyMap<string, DesiredPort>
}

/** Something foreign is in the way of a bridge (then `port` is missing) or of a port. */
export interface DatabaseProblem extends Problem {
  readonly bridge: string
  readonly port?: string
}

export interface DatabasePlan {
  /** In order. The switch must have taken a transaction before the next is sent: it would not see what comes and goes between. */
  readonly transactions: readonly (readonly Operation[])[]
  readonly problems: readonly DatabaseProblem[]
}

/** Network devices of the host by name; with `index` of the kernel. */
export type Devices = ReadonlyMap<string, { readonly index: number }>

export interface DatabasePlanOptions {
  /** The value of our mark: the name of the node. */
  readonly owner: string
  /** False until the whole desired state is known: then nothing is removed for being absent from it. */
  readonly remove: boolean
  /** A port whose device has another index than when the port was made is made again. May be empty or incomplete. */
  readonly devices: Devices
}

/** Empty when everything is as desired. The same inputs give the same plan, in the order of names. */
export function planDatabase(
  desired: readonly DesiredBridge[],
  actual: SwitchRows,
  options: DatabasePlanOptions,
): DatabasePlan {
  const { owner, devices } = options
  const index = indexRows(actual, owner)
  const kept = keptBridges(desired, index, options)
  const { possible, problems } = withoutTaken(desired, index, kept, owner)
  const removals = planRemovals({ desired: possible, index, kept, blocked: problems }, options)
  const changes: Operation[] = []
  for (const bridge of possible) {
    const staying = portsByName(index, bridge.name).filter(([, port]) => !removals.removed.has(port))
    const rows = { bridge: index.bridges.get(bridge.name), ports: new Map(staying) }
    changeBridge(bridge, rows, { owner, devices, operations: changes })
  }
  const parts = removals.namesReused ? [removals.operations, changes] : [[...removals.operations, ...changes]]
  return {
    transactions: parts.filter((operations) => operations.length > 0),
    problems: [...problems, ...removals.problems],
  }
}

/**
 * Bridges of ours that are not desired and stay all the same: because nothing may be removed yet, or because ports of others
 * are on them, whose names are given.
 */
type KeptBridges = ReadonlyMap<string, readonly string[]>

function keptBridges(
  desired: readonly DesiredBridge[],
  index: SwitchIndex,
  { owner, remove }: DatabasePlanOptions,
): KeptBridges {
  const kept = new Map<string, readonly string[]>()
  const wanted = new Set(desired.map(({ name }) => name))
  for (const bridge of index.bridges.values()) {
    if (!isMarked(bridge, owner) || wanted.has(bridge.name)) continue
    const foreign = portsByName(index, bridge.name).filter(([, port]) => !port.ours)
    const names = foreign.map(([name]) => name)
    if (!remove || names.length > 0) kept.set(bridge.name, names)
  }
  return kept
}

interface Possible {
  /** Each with its own port among its ports. */
  readonly possible: readonly DesiredBridge[]
  readonly problems: readonly DatabaseProblem[]
}

/** The desired bridges without what foreign names make impossible. */
function withoutTaken(
  desired: readonly DesiredBridge[],
  index: SwitchIndex,
  kept: KeptBridges,
  owner: string,
): Possible {
  const possible: DesiredBridge[] = []
  const problems: DatabaseProblem[] = []
  for (const bridge of byName(desired)) {
    const present = index.bridges.get(bridge.name)
    const own = ownPort(bridge)
    const foreign = present !== undefined && !isMarked(present, owner)
    if (foreign || holderInTheWay(own, index, kept) !== undefined) {
      problems.push(bridgeTaken(bridge.name, present))
      continue
    }
    const ports = new Map([[own.name, own]])
    for (const port of byName(bridge.ports.values())) {
      const taken = holderInTheWay(port, index, kept)
      if (taken === undefined) ports.set(port.name, port)
      else problems.push(portTaken(bridge.name, port.name, taken))
    }
    possible.push({ ...bridge, ports })
  }
  return { possible, problems }
}

/** The port that has the name of this one, or of one of its interfaces, and that we cannot remove. */
function holderInTheWay(port: DesiredPort, index: SwitchIndex, kept: KeptBridges): PlacedPort | undefined {
  for (const name of namesOf(port)) {
    for (const holder of [index.ports.get(name), index.holders.get(name)]) {
      if (holder === undefined) continue
      if (!holder.ours || (isOwnPort(holder) && kept.has(holder.bridge.name))) return holder
    }
  }
  return undefined
}

interface Removals {
  readonly operations: readonly Operation[]
  readonly removed: ReadonlySet<PlacedPort>
  /** Whether something that goes gives its name to something that comes. */
  readonly namesReused: boolean
  readonly problems: readonly DatabaseProblem[]
}

interface RemovalInputs {
  readonly desired: readonly DesiredBridge[]
  readonly index: SwitchIndex
  readonly kept: KeptBridges
  /** Desired ports that cannot be as desired: what there is of them stays, if it may. */
  readonly blocked: readonly DatabaseProblem[]
}

/** Ours and not desired, and what must be made again. What stands in the way of something desired goes in any case. */
function planRemovals({ desired, index, kept, blocked }: RemovalInputs, options: DatabasePlanOptions): Removals {
  const wanted = new Map(desired.map((bridge) => [bridge.name, bridge]))
  const names = new Set(desired.flatMap(({ ports }) => [...ports.values()].flatMap(namesOf)))
  const operations: Operation[] = []
  const removed = new Set<PlacedPort>()
  const problems: DatabaseProblem[] = []
  for (const bridge of index.bridges.values()) {
    if (!isMarked(bridge, options.owner)) continue
    const ports = portsByName(index, bridge.name).map(([, port]) => port)
    const target = wanted.get(bridge.name)
    if (target === undefined && !kept.has(bridge.name)) {
      operations.push(mutate('Open_vSwitch', [], [['bridges', 'delete', [bridge._uuid]]]))
      for (const port of ports) removed.add(port)
      continue
    }
    const foreign = kept.get(bridge.name) ?? []
    if (options.remove && foreign.length > 0) problems.push(bridgeInUse(bridge.name, foreign))
    const gone = ports.filter((port) => {
      if (!port.ours) return false
      const wish = target?.ports.get(port.row.name)
      if (wish !== undefined) return mustBeMadeAgain(wish, port, options.devices)
      // The bridge's own port cannot go alone.
      if (isOwnPort(port)) return false
      return (options.remove && !isBlocked(port, blocked)) || holdsOneOf(port, names)
    })
    if (gone.length > 0) operations.push(removePorts(bridge, gone))
    for (const port of gone) removed.add(port)
  }
  const namesReused = [...removed].some((port) => holdsOneOf(port, names))
  return { operations, removed, namesReused, problems }
}

function isBlocked({ bridge, row }: PlacedPort, blocked: readonly DatabaseProblem[]): boolean {
  return blocked.some((problem) => problem.bridge === bridge.name && problem.port === row.name)
}

function removePorts(bridge: BridgeRow, ports: readonly PlacedPort[]): Operation {
  const uuids = ports.map(({ row }) => row._uuid)
  return mutate('Bridge', [['_uuid', '==', bridge._uuid]], [['ports', 'delete', uuids]])
}

/** Every bridge has a port of its own name, by which the host takes part in it. */
function ownPort(bridge: DesiredBridge): DesiredPort {
  const { name } = bridge
  return bridge.ports.get(name) ?? { name, mark: {}, interfaces: [{ name, type: 'internal', options: {} }] }
}

function isOwnPort({ row, bridge }: PlacedPort): boolean {
  return row.name === bridge.name
}

function portsByName(index: SwitchIndex, bridge: string): readonly (readonly [string, PlacedPort])[] {
  return [...index.ports].filter(([, port]) => port.bridge.name === bridge)
}

function namesOf(port: DesiredPort): readonly string[] {
  return [port.name, ...port.interfaces.map(({ name }) => name)]
}

function holdsOneOf(port: PlacedPort, names: ReadonlySet<string>): boolean {
  return names.has(port.row.name) || [...port.interfaces.keys()].some((name) => names.has(name))
}

function byName<R extends { readonly name: string }>(items: Iterable<R>): readonly R[] {
  return [...items].sort((a, b) => (a.name < b.name ? -1 : 1))
}
