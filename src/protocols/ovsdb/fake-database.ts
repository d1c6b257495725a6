// An OVSDB database in memory, for tests: transactions with the checks that a client meets in practice. Wire JSON comes in and
// goes out, so that the client's encoding is tested too. It never waits: a `wait` that does not hold fails at once.

import { randomUUID } from 'node:crypto'
import { NetpluginError } from '../../lib/errors.ts'
import { FakeFailure, holds, mutated, sameValue, toWire } from './fake-value.ts'
import type { PlainRow } from './row.ts'
import { columnType, type TableName, tables, tableType } from './schema.ts'
import { type ColumnType, decodeValue, defaultValue, isUuid, type PlainValue, type Uuid } from './value.ts'

type FakeTables = ReadonlyMap<string, Map<Uuid, PlainRow>>

export interface RowChange {
  readonly table: TableName
  readonly uuid: Uuid
  readonly old: PlainRow | undefined
  readonly now: PlainRow | undefined
}

export interface Outcome {
  readonly results: readonly unknown[]
  /** Empty when the transaction failed. */
  readonly changes: readonly RowChange[]
}

type WireOperation = Readonly<Record<string, unknown>>

export class FakeDatabase {
  #tables: FakeTables = emptyTables()

  rows(table: string): ReadonlyMap<Uuid, PlainRow> {
    return this.#tables.get(table) ?? new Map()
  }

  transact(operations: readonly unknown[]): Outcome {
    const draft = new Map([...this.#tables].map(([name, rows]) => [name, new Map(rows)]))
    const results: unknown[] = []
    try {
      for (const operation of withRealUuids(operations)) results.push(execute(draft, operation))
      collectGarbage(draft)
      checkIntegrity(draft)
    } catch (error) {
      const failure = asFailure(error)
      const failed = { error: failure.error, details: failure.details }
      const notRun = operations.slice(results.length + 1).map(() => null)
      return { results: [...results, failed, ...notRun], changes: [] }
    }
    const changes = differences(this.#tables, draft)
    this.#tables = draft
    return { results, changes }
  }
}

function emptyTables(): FakeTables {
  return new Map(Object.keys(tables).map((name) => [name, new Map<Uuid, PlainRow>()]))
}

function asFailure(error: unknown): FakeFailure {
  if (error instanceof FakeFailure) return error
  // The decoders call a malformed value a protocol error; here the client sent it.
  if (error instanceof NetpluginError) return new FakeFailure('syntax error', error.message)
  throw error
}

function freshUuid(): Uuid {
  return randomUUID() as Uuid
}

/** Gives every insert its uuid and puts it in the place of its name, before or after. */
function withRealUuids(operations: readonly unknown[]): readonly WireOperation[] {
  const byName = new Map<string, Uuid>()
  const inserts = new Map<unknown, Uuid>()
  for (const operation of operations as readonly WireOperation[]) {
    if (operation.op !== 'insert') continue
    const uuid = freshUuid()
    inserts.set(operation, uuid)
    const name = operation['uuid-name']
    if (typeof name !== 'string') continue
    if (byName.has(name)) throw new FakeFailure('duplicate uuid-name', `the name ${name} is used twice`)
    byName.set(name, uuid)
  }
  const resolve = (value: unknown): unknown => {
    if (Array.isArray(value)) {
      if (value[0] !== 'named-uuid') return value.map(resolve)
      return ['uuid', byName.get(String(value[1])) ?? freshUuid()]
    }
    if (typeof value !== 'object' || value === null) return value
    return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, resolve(item)]))
  }
  return operations.map((operation) => ({ ...(resolve(operation) as WireOperation), uuid: inserts.get(operation) }))
}

function execute(draft: FakeTables, operation: WireOperation): unknown {
  const { op } = operation
  if (op === 'comment') return {}
  if (op === 'abort') throw new FakeFailure('aborted', 'aborted by request')
  if (op === 'assert') throw new FakeFailure('not owner', `asserted lock ${JSON.stringify(operation.lock)} not held`)
  const table = String(operation.table)
  const rows = draft.get(table)
  if (rows === undefined) throw new FakeFailure('unknown table', `No table named ${table}.`)
  if (op === 'insert') {
    const uuid = operation.uuid as Uuid
    rows.set(uuid, { ...defaults(table), ...readRow(table, operation.row), _uuid: uuid })
    return { uuid: ['uuid', uuid] }
  }
  const found = [...rows.values()].filter((row) => matches(table, row, operation.where))
  switch (op) {
    case 'select':
      return { rows: found.map((row) => writeRow(table, row, operation.columns)) }
    case 'delete':
      for (const row of found) rows.delete(row._uuid)
      return { count: found.length }
    case 'update': {
      const change = readRow(table, operation.row)
      for (const column of Object.keys(change)) refuseImmutable(table, column)
      for (const row of found) rows.set(row._uuid, { ...row, ...change, _uuid: row._uuid })
      return { count: found.length }
    }
    case 'mutate':
      for (const row of found) rows.set(row._uuid, mutatedRow(table, row, operation.mutations))
      return { count: found.length }
    case 'wait':
      return checkRows(table, found, operation)
    default:
      throw new FakeFailure('unknown operation', `No operation named ${JSON.stringify(op)}.`)
  }
}

function typeOf(table: string, column: string): ColumnType {
  const type = columnType(table, column)
  if (type === undefined) throw new FakeFailure('unknown column', `No column ${column} in table ${table}.`)
  return type
}

function refuseImmutable(table: string, column: string): void {
  if (!typeOf(table, column).immutable) return
  throw new FakeFailure('constraint violation', `Cannot update immutable column ${column} in table ${table}.`)
}

function defaults(table: string): Record<string, PlainValue> {
  const columns = Object.entries(tableType(table)?.columns ?? {})
  return Object.fromEntries(columns.map(([column, type]) => [column, defaultValue(type)]))
}

function readRow(table: string, wire: unknown): Record<string, PlainValue> {
  const row: Record<string, PlainValue> = {}
  for (const [column, value] of Object.entries(wire as object)) row[column] = decodeValue(typeOf(table, column), value)
  return row
}

function writeRow(table: string, row: PlainRow, columns: unknown): Record<string, unknown> {
  const names = Array.isArray(columns) ? (columns as readonly string[]) : Object.keys(row)
  return Object.fromEntries(names.map((column) => [column, toWire(typeOf(table, column), row[column])]))
}

function matches(table: string, row: PlainRow, where: unknown): boolean {
  if (!Array.isArray(where)) throw new FakeFailure('syntax error', 'where must be an array')
  return where.every(([column, comparison, value]) => {
    return holds(typeOf(table, String(column)), row[String(column)], comparison, value)
  })
}

function mutatedRow(table: string, row: PlainRow, mutations: unknown): PlainRow {
  const change: Record<string, PlainValue> = {}
  for (const [column, mutator, value] of mutations as readonly (readonly [string, unknown, unknown])[]) {
    refuseImmutable(table, column)
    change[column] = mutated(typeOf(table, column), change[column] ?? row[column], mutator, value)
  }
  return { ...row, ...change, _uuid: row._uuid }
}

function checkRows(table: string, found: readonly PlainRow[], { columns, until, rows }: WireOperation): unknown {
  const wanted = (rows as readonly unknown[]).map((row) => readRow(table, row))
  const names = columns as readonly string[]
  const same = (row: PlainRow, other: Readonly<Record<string, PlainValue>>) =>
    names.every((name) => sameValue(typeOf(table, name), row[name], other[name]))
  const equal = wanted.length === found.length && wanted.every((other) => found.some((row) => same(row, other)))
  if (equal !== (until === '==')) throw new FakeFailure('timed out', '"wait" timed out')
  return {}
}

/** Rows of non-root tables live while something points to them. */
function collectGarbage(draft: FakeTables): void {
  for (let removed = true; removed; ) {
    removed = false
    const used = new Set([...references(draft)].map(({ target }) => target))
    for (const [table, rows] of draft) {
      if (tableType(table)?.isRoot) continue
      for (const uuid of [...rows.keys()]) {
        if (used.has(uuid)) continue
        rows.delete(uuid)
        removed = true
      }
    }
  }
}

function* references(draft: FakeTables): Iterable<{ refTable: string; target: Uuid; from: string }> {
  for (const [table, rows] of draft) {
    for (const [column, { refTable }] of Object.entries(tableType(table)?.columns ?? {})) {
      if (refTable === undefined) continue
      for (const row of rows.values()) {
        for (const target of row[column] as readonly Uuid[]) {
          yield { refTable, target, from: `Table ${table} column ${column} row ${row._uuid}` }
        }
      }
    }
  }
}

function checkIntegrity(draft: FakeTables): void {
  for (const { refTable, target, from } of references(draft)) {
    if (!isUuid(target) || draft.get(refTable)?.has(target)) continue
    const details = `${from} references nonexistent row ${target} in table ${refTable}.`
    throw new FakeFailure('referential integrity violation', details)
  }
  for (const [table, rows] of draft) {
    const type = tableType(table)
    const needed = Object.entries(type?.columns ?? {}).filter(([, column]) => column.atLeastOne)
    const seen = new Set<PlainValue>()
    for (const row of rows.values()) {
      for (const [column] of needed) {
        if ((row[column] as readonly Uuid[]).length > 0) continue
        throw new FakeFailure('referential integrity violation', `Table ${table} column ${column} must not be empty.`)
      }
      if (type?.index === undefined) continue
      const value = row[type.index]
      if (seen.has(value)) {
        const details = `Transaction causes multiple rows in "${table}" table to have identical values (${value}) for index on column "${type.index}".`
        throw new FakeFailure('constraint violation', details)
      }
      seen.add(value)
    }
  }
}

function differences(before: FakeTables, after: FakeTables): readonly RowChange[] {
  const changes: RowChange[] = []
  for (const [name, rows] of after) {
    const table = name as TableName
    const oldRows = before.get(name) ?? new Map<Uuid, PlainRow>()
    for (const uuid of new Set([...oldRows.keys(), ...rows.keys()])) {
      const old = oldRows.get(uuid)
      const now = rows.get(uuid)
      if (old !== now) changes.push({ table, uuid, old, now })
    }
  }
  return changes
}
