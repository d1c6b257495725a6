// The tables and columns of the Open_vSwitch database that networking needs (ovs-vswitchd.conf.db(5)), as one table of data.
// The types of rows follow from it, and so does how they are read and written. A column that is not here is neither read nor written.

import type { AtomKind, ColumnType, Plain, Uuid, Writable } from './value.ts'

function one<const A extends AtomKind>(atom: A): ColumnType<'one', A> {
  return { shape: 'one', atom }
}
function optional<const A extends AtomKind>(atom: A): ColumnType<'optional', A> {
  return { shape: 'optional', atom }
}
function set<const A extends AtomKind>(atom: A): ColumnType<'set', A> {
  return { shape: 'set', atom }
}
function map<const A extends AtomKind>(atom: A): ColumnType<'map', A> {
  return { shape: 'map', atom }
}
function references(refTable: string, more: { readonly atLeastOne?: true } = {}): ColumnType<'set', 'uuid'> {
  return { shape: 'set', atom: 'uuid', refTable, ...more }
}
const uniqueName: ColumnType<'one', 'string'> = { shape: 'one', atom: 'string', immutable: true }

export interface TableType {
  /** Rows of other tables disappear when nothing points to them any more. */
  readonly isRoot: boolean
  /** The column whose value occurs only once. */
  readonly index?: string
  readonly columns: Readonly<Record<string, ColumnType>>
}

export const tables = {
  Open_vSwitch: {
    isRoot: true,
    columns: {
      bridges: references('Bridge'),
      manager_options: references('Manager'),
      next_cfg: one('integer'),
      cur_cfg: one('integer'),
      datapath_types: set('string'),
      iface_types: set('string'),
      ovs_version: optional('string'),
      db_version: optional('string'),
      dpdk_initialized: one('boolean'),
      system_type: optional('string'),
      system_version: optional('string'),
      statistics: map('string'),
      external_ids: map('string'),
      other_config: map('string'),
    },
  },
  Bridge: {
    isRoot: false,
    index: 'name',
    columns: {
      name: uniqueName,
      ports: references('Port'),
      controller: references('Controller'),
      datapath_type: one('string'),
      datapath_version: one('string'),
      datapath_id: optional('string'),
      fail_mode: optional('string'),
      protocols: set('string'),
      flood_vlans: set('integer'),
      mcast_snooping_enable: one('boolean'),
      rstp_enable: one('boolean'),
      stp_enable: one('boolean'),
      status: map('string'),
      external_ids: map('string'),
      other_config: map('string'),
    },
  },
  Port: {
    isRoot: false,
    index: 'name',
    columns: {
      name: uniqueName,
      interfaces: references('Interface', { atLeastOne: true }),
      tag: optional('integer'),
      trunks: set('integer'),
      vlan_mode: optional('string'),
      bond_mode: optional('string'),
      bond_active_slave: optional('string'),
      bond_updelay: one('integer'),
      bond_downdelay: one('integer'),
      lacp: optional('string'),
      mac: optional('string'),
      protected: one('boolean'),
      statistics: map('integer'),
      status: map('string'),
      external_ids: map('string'),
      other_config: map('string'),
    },
  },
  Interface: {
    isRoot: false,
    index: 'name',
    columns: {
      name: uniqueName,
      type: one('string'),
      options: map('string'),
      ofport: optional('integer'),
      ofport_request: optional('integer'),
      error: optional('string'),
      mac: optional('string'),
      mac_in_use: optional('string'),
      mtu: optional('integer'),
      mtu_request: optional('integer'),
      ifindex: optional('integer'),
      admin_state: optional('string'),
      link_state: optional('string'),
      link_speed: optional('integer'),
      link_resets: optional('integer'),
      duplex: optional('string'),
      lacp_current: optional('boolean'),
      ingress_policing_rate: one('integer'),
      ingress_policing_burst: one('integer'),
      bfd: map('string'),
      bfd_status: map('string'),
      lldp: map('string'),
      statistics: map('integer'),
      status: map('string'),
      external_ids: map('string'),
      other_config: map('string'),
    },
  },
  Controller: {
    isRoot: false,
    columns: {
      target: one('string'),
      connection_mode: optional('string'),
      controller_rate_limit: optional('integer'),
      controller_burst_limit: optional('integer'),
      inactivity_probe: optional('integer'),
      max_backoff: optional('integer'),
      is_connected: one('boolean'),
      role: optional('string'),
      status: map('string'),
      external_ids: map('string'),
      other_config: map('string'),
    },
  },
  Manager: {
    isRoot: false,
    index: 'target',
    columns: {
      target: one('string'),
      connection_mode: optional('string'),
      inactivity_probe: optional('integer'),
      max_backoff: optional('integer'),
      is_connected: one('boolean'),
      status: map('string'),
      external_ids: map('string'),
      other_config: map('string'),
    },
  },
} as const satisfies Readonly<Record<string, TableType>>

export type TableName = keyof typeof tables
export type Columns<T extends TableName> = (typeof tables)[T]['columns']
export type ColumnName<T extends TableName> = keyof Columns<T> & string
type ColumnOf<T extends TableName, C> = Columns<T>[C & keyof Columns<T>] & ColumnType

/** A row as it is read: plain, typed values. */
export type Row<T extends TableName> = { readonly _uuid: Uuid } & {
  readonly [C in ColumnName<T>]: Plain<ColumnOf<T, C>>
}
/** A row with only some of its columns, as monitors and selects ask for them. */
export type PartialRow<T extends TableName, C extends ColumnName<T>> = Pick<Row<T>, C | '_uuid'>

/** Columns to write; the others keep their value, or get their default at insert. */
export type WritableRow<T extends TableName> = {
  readonly [C in ColumnName<T>]?: Writable<ColumnOf<T, C>>
}
export type WritableColumn<T extends TableName, C extends ColumnName<T>> = Writable<ColumnOf<T, C>>

const uuidColumn: ColumnType<'one', 'uuid'> = { shape: 'one', atom: 'uuid' }

/** The table's type, or undefined when this library does not know it. */
export function tableType(table: string): TableType | undefined {
  return Object.hasOwn(tables, table) ? tables[table as TableName] : undefined
}

/** The column's type, `_uuid` included, or undefined when this library does not know it. */
export function columnType(table: string, column: string): ColumnType | undefined {
  if (column === '_uuid' || column === '_version') return uuidColumn
  const columns = tableType(table)?.columns
  return columns !== undefined && Object.hasOwn(columns, column) ? columns[column] : undefined
}
