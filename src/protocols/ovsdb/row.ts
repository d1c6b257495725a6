// Rows as objects of plain values, to and from the wire (<row> of RFC 7047, section 5.1).

import { NetpluginError } from '../../lib/errors.ts'
import { type ColumnName, columnType, type PartialRow, type TableName, tableType, type WritableRow } from './schema.ts'
import {
  applyDifference,
  type ColumnType,
  decodeValue,
  defaultValue,
  encodeValue,
  isUuid,
  type PlainValue,
  type Uuid,
  type WireValue,
} from './value.ts'

export type PlainRow = { readonly _uuid: Uuid } & Readonly<Record<string, PlainValue>>
export type WireRow = Readonly<Record<string, unknown>>

/** Plain to wire; columns that the row does not name stay away. Throws OVSDB_VALUE (invalid) for a value that does not fit. */
export function encodeRow<T extends TableName>(table: T, row: WritableRow<T>): Readonly<Record<string, WireValue>> {
  const wire: Record<string, WireValue> = {}
  for (const [column, value] of Object.entries(row)) wire[column] = encodeValue(knownColumn(table, column), value)
  return wire
}

/** Wire to plain. Columns that the server left out have their default. Throws OVSDB_VALUE (protocol) for malformed rows. */
export function decodeRow(table: TableName, columns: readonly string[], uuid: Uuid, wire: unknown): PlainRow {
  const source = wireRow(table, wire)
  const row: Record<string, PlainValue> = {}
  for (const column of columns) {
    const type = knownColumn(table, column)
    row[column] = Object.hasOwn(source, column) ? decodeValue(type, source[column]) : defaultValue(type)
  }
  return { ...row, _uuid: uuid }
}

/** The row after a `modify` of an update2 or update3 notification. */
export function changeRow(table: TableName, columns: readonly string[], old: PlainRow, wire: unknown): PlainRow {
  const changes = wireRow(table, wire)
  const row: Record<string, PlainValue> = {}
  for (const column of columns) {
    if (!Object.hasOwn(changes, column)) continue
    row[column] = applyDifference(knownColumn(table, column), old[column], changes[column])
  }
  return { ...old, ...row, _uuid: old._uuid }
}

/** A row that a select returned. `_uuid` is always asked for, so it must be there. */
export function decodeSelected<T extends TableName, C extends ColumnName<T>>(
  table: T,
  columns: readonly C[],
  wire: unknown,
): PartialRow<T, C> {
  const source = wireRow(table, wire)
  const uuid = decodeValue({ shape: 'one', atom: 'uuid' }, source._uuid)
  if (!isUuid(uuid)) throw malformedRow(table)
  // Every column was decoded by the type that PartialRow is derived from.
  return decodeRow(table, columns, uuid, source) as unknown as PartialRow<T, C>
}

/** All columns of the table that this library knows. */
export function allColumns<T extends TableName>(table: T): readonly ColumnName<T>[] {
  return Object.keys(tableType(table)?.columns ?? {}) as ColumnName<T>[]
}

export function knownColumn(table: string, column: string): ColumnType {
  const type = columnType(table, column)
  if (type !== undefined) return type
  throw new NetpluginError('invalid', 'OVSDB_UNKNOWN_COLUMN', `table ${table} has no column ${column} in our schema`)
}

function wireRow(table: TableName, wire: unknown): WireRow {
  if (typeof wire !== 'object' || wire === null || Array.isArray(wire)) throw malformedRow(table)
  return wire as WireRow
}

function malformedRow(table: TableName): NetpluginError {
  return new NetpluginError('protocol', 'OVSDB_VALUE', `the OVSDB server sent a malformed row of table ${table}`)
}
