// The operations of a transaction and their results (RFC 7047, section 5.2): builders that check tables, columns and values
// by type, and the way to the wire and back.

import { NetpluginError } from '../../lib/errors.ts'
import { decodeSelected, encodeRow, knownColumn } from './row.ts'
import type { ColumnName, Columns, PartialRow, TableName, WritableColumn, WritableRow } from './schema.ts'
import { decodeValue, encodeAtom, encodeSet, encodeValue, isUuid, type NamedUuid, type Uuid } from './value.ts'

export type Comparison = '==' | '!=' | '<' | '<=' | '>' | '>=' | 'includes' | 'excludes'
export type Condition<T extends TableName> =
  | readonly ['_uuid', '==' | '!=', Uuid | NamedUuid]
  | { readonly [C in ColumnName<T>]: readonly [C, Comparison, WritableColumn<T, C>] }[ColumnName<T>]

export type Arithmetic = '+=' | '-=' | '*=' | '/=' | '%='
type MutationOf<T extends TableName, C extends ColumnName<T>> = Columns<T>[C] extends { readonly shape: 'map' }
  ? readonly [C, 'insert' | 'delete', WritableColumn<T, C>] | readonly [C, 'delete', readonly string[]]
  : Columns<T>[C] extends { readonly shape: 'set' }
    ? readonly [C, 'insert' | 'delete', WritableColumn<T, C>]
    : Columns<T>[C] extends { readonly atom: 'integer' | 'real' }
      ? readonly [C, Arithmetic, number]
      : never
/** A change of one column. Inserting a map pair whose key is there already keeps the old value (RFC 7047, section 5.1). */
export type Mutation<T extends TableName> = { readonly [C in ColumnName<T>]: MutationOf<T, C> }[ColumnName<T>]

type AnyCondition = readonly [string, Comparison, unknown]
type AnyMutation = readonly [string, string, unknown]
type AnyRow = Readonly<Record<string, unknown>>

export interface InsertOperation {
  readonly op: 'insert'
  readonly table: TableName
  readonly row: AnyRow
  readonly uuidName?: string
}
export interface SelectOperation<T extends TableName = TableName, C extends string = string> {
  readonly op: 'select'
  readonly table: T
  readonly where: readonly AnyCondition[]
  readonly columns: readonly C[]
}
export interface UpdateOperation {
  readonly op: 'update'
  readonly table: TableName
  readonly where: readonly AnyCondition[]
  readonly row: AnyRow
}
export interface MutateOperation {
  readonly op: 'mutate'
  readonly table: TableName
  readonly where: readonly AnyCondition[]
  readonly mutations: readonly AnyMutation[]
}
export interface DeleteOperation {
  readonly op: 'delete'
  readonly table: TableName
  readonly where: readonly AnyCondition[]
}
export interface WaitOperation {
  readonly op: 'wait'
  readonly table: TableName
  readonly where: readonly AnyCondition[]
  readonly columns: readonly string[]
  readonly until: '==' | '!='
  readonly rows: readonly AnyRow[]
  readonly timeoutMs: number
}
export interface CommentOperation {
  readonly op: 'comment'
  readonly comment: string
}
export interface AssertOperation {
  readonly op: 'assert'
  readonly lock: string
}
export interface AbortOperation {
  readonly op: 'abort'
}
export type Operation =
  | InsertOperation
  | SelectOperation
  | UpdateOperation
  | MutateOperation
  | DeleteOperation
  | WaitOperation
  | CommentOperation
  | AssertOperation
  | AbortOperation

/** What an operation returns. `count` is the number of rows that matched. */
export type ResultOf<O extends Operation> = O extends { readonly op: 'insert' }
  ? { readonly op: 'insert'; readonly uuid: Uuid }
  : O extends SelectOperation<infer T, infer C>
    ? { readonly op: 'select'; readonly rows: readonly PartialRow<T, C & ColumnName<T>>[] }
    : O extends { readonly op: 'update' | 'mutate' | 'delete' }
      ? { readonly op: O['op']; readonly count: number }
      : { readonly op: O['op'] }
export type OperationResult = ResultOf<Operation>

export function insert<T extends TableName>(table: T, row: WritableRow<T>, uuidName?: string): InsertOperation {
  return { op: 'insert', table, row, ...(uuidName === undefined ? {} : { uuidName }) }
}

export function select<T extends TableName, const C extends ColumnName<T>>(
  table: T,
  where: readonly Condition<T>[],
  columns: readonly C[],
): SelectOperation<T, C> {
  return { op: 'select', table, where, columns }
}

export function update<T extends TableName>(
  table: T,
  where: readonly Condition<T>[],
  row: WritableRow<T>,
): UpdateOperation {
  return { op: 'update', table, where, row }
}

export function mutate<T extends TableName>(
  table: T,
  where: readonly Condition<T>[],
  mutations: readonly Mutation<T>[],
): MutateOperation {
  return { op: 'mutate', table, where, mutations }
}

/** Deletes rows (`delete` is a word of the language). */
export function remove<T extends TableName>(table: T, where: readonly Condition<T>[]): DeleteOperation {
  return { op: 'delete', table, where }
}

/** The transaction waits until the rows that `where` selects are (or are not) the given ones; with 0 ms it checks and fails. */
export function wait<T extends TableName, const C extends ColumnName<T>>(
  table: T,
  where: readonly Condition<T>[],
  columns: readonly C[],
  until: '==' | '!=',
  rows: readonly Pick<WritableRow<T>, C>[],
  timeoutMs: number,
): WaitOperation {
  return { op: 'wait', table, where, columns, until, rows, timeoutMs }
}

/** Text for the database's log. */
export function comment(text: string): CommentOperation {
  return { op: 'comment', comment: text }
}

/** The transaction fails unless this client holds the lock. */
export function assertLock(lock: string): AssertOperation {
  return { op: 'assert', lock }
}

export function abort(): AbortOperation {
  return { op: 'abort' }
}

export function encodeOperation(operation: Operation): Readonly<Record<string, unknown>> {
  switch (operation.op) {
    case 'insert': {
      const { op, table, row, uuidName } = operation
      const wire = { op, table, row: encodeRow(table, row) }
      return uuidName === undefined ? wire : { ...wire, 'uuid-name': uuidName }
    }
    case 'select': {
      const { op, table, where, columns } = operation
      return { op, table, where: encodeWhere(table, where), columns: ['_uuid', ...columns] }
    }
    case 'update': {
      const { op, table, where, row } = operation
      return { op, table, where: encodeWhere(table, where), row: encodeRow(table, row) }
    }
    case 'mutate': {
      const { op, table, where, mutations } = operation
      const encoded = mutations.map((mutation) => encodeMutation(table, mutation))
      return { op, table, where: encodeWhere(table, where), mutations: encoded }
    }
    case 'delete':
      return { op: operation.op, table: operation.table, where: encodeWhere(operation.table, operation.where) }
    case 'wait': {
      const { op, table, where, columns, until, rows, timeoutMs } = operation
      const encoded = rows.map((row) => encodeRow(table, row))
      return { op, table, where: encodeWhere(table, where), columns, until, rows: encoded, timeout: timeoutMs }
    }
    default:
      return { ...operation }
  }
}

function encodeWhere(table: TableName, where: readonly AnyCondition[]): readonly unknown[] {
  return where.map(([column, comparison, value]) => [
    column,
    comparison,
    encodeValue(knownColumn(table, column), value),
  ])
}

function encodeMutation(table: TableName, [column, mutator, value]: AnyMutation): readonly unknown[] {
  const type = knownColumn(table, column)
  if (mutator !== 'insert' && mutator !== 'delete') return [column, mutator, encodeAtom(type.atom, value)]
  const keysOfMap = type.shape === 'map' && Array.isArray(value)
  return [column, mutator, keysOfMap ? encodeSet('string', value) : encodeValue(type, value)]
}

/** Reads the result of one operation. Throws OVSDB_RESULT (protocol) when it does not belong to that operation. */
export function decodeResult(operation: Operation, wire: unknown): OperationResult {
  if (typeof wire !== 'object' || wire === null || Array.isArray(wire)) throw malformed(operation)
  switch (operation.op) {
    case 'insert': {
      const uuid = 'uuid' in wire ? decodeValue({ shape: 'one', atom: 'uuid' }, wire.uuid) : undefined
      if (!isUuid(uuid)) throw malformed(operation)
      return { op: operation.op, uuid }
    }
    case 'select': {
      if (!('rows' in wire) || !Array.isArray(wire.rows)) throw malformed(operation)
      const columns = operation.columns as readonly ColumnName<TableName>[]
      return { op: operation.op, rows: wire.rows.map((row) => decodeSelected(operation.table, columns, row)) }
    }
    case 'update':
    case 'mutate':
    case 'delete': {
      const count = 'count' in wire ? wire.count : undefined
      if (typeof count !== 'number' || !Number.isInteger(count)) throw malformed(operation)
      return { op: operation.op, count }
    }
    default:
      return { op: operation.op }
  }
}

function malformed(operation: Operation): NetpluginError {
  return new NetpluginError('protocol', 'OVSDB_RESULT', `the OVSDB server's answer does not fit a ${operation.op}`)
}
