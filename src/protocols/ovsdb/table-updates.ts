// Monitor updates: <table-updates> of RFC 7047, section 4.1.6, and <table-updates2> of ovsdb-server(7), section 4.1.14.
// The first gives old and new rows; the second only differences, and leaves out columns that have their default.

import { NetpluginError } from '../../lib/errors.ts'
import { changeRow, decodeRow, type PlainRow } from './row.ts'
import type { ColumnName, PartialRow, TableName } from './schema.ts'
import { isUuid, type Uuid } from './value.ts'

/** Which columns of which tables are monitored. */
export type MonitoredColumns = { readonly [T in TableName]?: readonly ColumnName<T>[] }
export type MonitoredTable<M extends MonitoredColumns> = keyof M & TableName
export type MonitoredRow<M extends MonitoredColumns, T extends MonitoredTable<M>> = M[T] extends readonly (infer C)[]
  ? PartialRow<T, C & ColumnName<T>>
  : never

export type UpdatesFormat = 'update' | 'update2'
export type TableRows = Map<TableName, Map<Uuid, PlainRow>>

/**
 * Applies one message to the tables and returns the tables that changed. Rows are replaced, never changed in place. Throws
 * OVSDB_UPDATE or OVSDB_VALUE (protocol) when the message is malformed or does not fit the tables; they are then worthless.
 */
export function applyUpdates(
  tables: TableRows,
  columns: MonitoredColumns,
  format: UpdatesFormat,
  wire: unknown,
): ReadonlySet<TableName> {
  const changed = new Set<TableName>()
  for (const [name, updates] of entries(wire)) {
    const table = name as TableName
    const rows = tables.get(table)
    if (rows === undefined) throw broken(`table ${name} is not monitored`)
    for (const [uuid, change] of entries(updates)) {
      if (!isUuid(uuid)) throw broken(`${uuid} is not a row id`)
      const row = nextRow({ table, columns: columns[table] ?? [], uuid, old: rows.get(uuid), format, change })
      if (row === undefined) rows.delete(uuid)
      else rows.set(uuid, row)
      changed.add(table)
    }
  }
  return changed
}

interface RowUpdate {
  readonly table: TableName
  readonly columns: readonly string[]
  readonly uuid: Uuid
  readonly old: PlainRow | undefined
  readonly format: UpdatesFormat
  readonly change: unknown
}

/** The row after the update; undefined when it is gone. */
function nextRow({ table, columns, uuid, old, format, change }: RowUpdate): PlainRow | undefined {
  const fields = new Map(entries(change))
  if (format === 'update') {
    // Without `new` the row is gone.
    return fields.has('new') ? decodeRow(table, columns, uuid, fields.get('new')) : undefined
  }
  if (fields.has('modify')) {
    if (old === undefined) throw broken(`row ${uuid} of ${table} changed before it came`)
    return changeRow(table, columns, old, fields.get('modify'))
  }
  if (fields.has('delete')) return undefined
  for (const kind of ['initial', 'insert']) {
    if (fields.has(kind)) return decodeRow(table, columns, uuid, fields.get(kind))
  }
  throw broken(`row ${uuid} of ${table} changed in an unknown way`)
}

function entries(wire: unknown): readonly (readonly [string, unknown])[] {
  if (typeof wire !== 'object' || wire === null || Array.isArray(wire)) throw broken('an object is missing')
  return Object.entries(wire)
}

function broken(why: string): NetpluginError {
  return new NetpluginError(
    'protocol',
    'OVSDB_UPDATE',
    `a monitor update of the OVSDB server is broken: ${why}; reconnect`,
  )
}
