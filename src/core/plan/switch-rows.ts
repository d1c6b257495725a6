// What the switch's database holds now, as the planner looks at it: who owns which bridge, port and interface name.

import type { MonitoredColumns, MonitoredRow, Rows } from '../../protocols/ovsdb/index.ts'

/** The columns that are read back: those we set, and what the switch answers. */
export const switchColumns = {
  Open_vSwitch: ['next_cfg', 'cur_cfg'],
  Bridge: ['name', 'ports', 'datapath_type', 'fail_mode', 'protocols', 'other_config', 'external_ids'],
  Port: ['name', 'interfaces', 'tag', 'trunks', 'bond_mode', 'lacp', 'other_config', 'external_ids'],
  Interface: ['name', 'type', 'options', 'mac', 'mtu_request', 'ofport_request', 'ofport', 'error', 'external_ids'],
} as const satisfies MonitoredColumns

export type SwitchRows = Rows<typeof switchColumns>
export type BridgeRow = MonitoredRow<typeof switchColumns, 'Bridge'>
export type PortRow = MonitoredRow<typeof switchColumns, 'Port'>
export type InterfaceRow = MonitoredRow<typeof switchColumns, 'Interface'>

/** The external id that says whose a row is; its value is the name of the node. */
export const ownerMark = 'netplugin-node'
/** On an interface: the index of the network device that it was made for. */
export const deviceMark = 'netplugin-ifindex'
/** External ids with such a key are ours on the rows that are ours. */
export const ownKeyPrefix = 'netplugin-'

/** A port where it is. */
export interface PlacedPort {
  readonly row: PortRow
  readonly bridge: BridgeRow
  /** By name. */
  readonly interfaces: ReadonlyMap<string, InterfaceRow>
  /** Whether we made it: it has our mark and is on a bridge that has our mark. */
  readonly ours: boolean
}

export interface SwitchIndex {
  readonly bridges: ReadonlyMap<string, BridgeRow>
  readonly ports: ReadonlyMap<string, PlacedPort>
  /** The port that holds the interface of this name. */
  readonly holders: ReadonlyMap<string, PlacedPort>
}

export function isMarked(row: { readonly external_ids: Readonly<Record<string, string>> }, owner: string): boolean {
  return row.external_ids[ownerMark] === owner
}

/** Bridges, and the ports on them, in the order of their names. */
export function indexRows(rows: SwitchRows, owner: string): SwitchIndex {
  const bridges = new Map<string, BridgeRow>()
  const ports = new Map<string, PlacedPort>()
  const holders = new Map<string, PlacedPort>()
  for (const bridge of byName(rows.rows('Bridge').values())) {
    bridges.set(bridge.name, bridge)
    for (const port of portsOf(rows, bridge, owner)) {
      ports.set(port.row.name, port)
      for (const name of port.interfaces.keys()) holders.set(name, port)
    }
  }
  return { bridges, ports, holders }
}

export function portsOf(rows: SwitchRows, bridge: BridgeRow, owner: string): readonly PlacedPort[] {
  const found: PortRow[] = []
  for (const uuid of bridge.ports) {
    const row = rows.rows('Port').get(uuid)
    if (row !== undefined) found.push(row)
  }
  return byName(found).map((row) => {
    // The bridge's own port comes and goes with the bridge, whoever wrote the row.
    const ours = isMarked(bridge, owner) && (isMarked(row, owner) || row.name === bridge.name)
    return { row, bridge, interfaces: interfacesOf(rows, row), ours }
  })
}

function interfacesOf(rows: SwitchRows, port: PortRow): ReadonlyMap<string, InterfaceRow> {
  const interfaces: InterfaceRow[] = []
  for (const uuid of port.interfaces) {
    const row = rows.rows('Interface').get(uuid)
    if (row !== undefined) interfaces.push(row)
  }
  return new Map(byName(interfaces).map((row) => [row.name, row]))
}

function byName<R extends { readonly name: string }>(rows: Iterable<R>): readonly R[] {
  return [...rows].sort((a, b) => (a.name < b.name ? -1 : 1))
}

export interface BridgeFacts {
  /**
   * OpenFlow port numbers of our ports on the bridge, by port name; of a bond, by interface name. A port is missing here
   * until the switch has accepted it.
   */
  readonly ofPorts: ReadonlyMap<string, number>
  /** Why a port is not there, by the same names. */
  readonly errors: ReadonlyMap<string, string>
}

export function bridgeFacts(rows: SwitchRows, bridge: string, owner: string): BridgeFacts {
  const ofPorts = new Map<string, number>()
  const errors = new Map<string, string>()
  for (const row of rows.rows('Bridge').values()) {
    if (row.name !== bridge) continue
    for (const port of portsOf(rows, row, owner)) {
      if (!port.ours) continue
      for (const { name, ofport, error } of port.interfaces.values()) {
        const key = port.interfaces.size === 1 ? port.row.name : name
        if (error !== undefined) errors.set(key, error)
        else if (ofport === -1) errors.set(key, `Open vSwitch refused port ${key}; its log says why`)
        if (ofport !== undefined && ofport > 0) ofPorts.set(key, ofport)
      }
    }
  }
  return { ofPorts, errors }
}
