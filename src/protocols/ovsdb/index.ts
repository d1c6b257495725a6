// The public face of the OVSDB library.

export { OvsdbClient, type OvsdbClientDeps, type OvsdbClientOptions } from './client.ts'
export {
  type Arithmetic,
  abort,
  assertLock,
  type Comparison,
  type Condition,
  comment,
  insert,
  type Mutation,
  mutate,
  type Operation,
  type OperationResult,
  type ResultOf,
  remove,
  select,
  update,
  wait,
} from './operation.ts'
export { type AllColumns, type ChangeListener, everyColumn, Replica, type Rows } from './replica.ts'
export type { ColumnName, PartialRow, Row, TableName, WritableRow } from './schema.ts'
export type { MonitoredColumns, MonitoredRow, MonitoredTable } from './table-updates.ts'
export { isUuid, type NamedUuid, named, type Uuid } from './value.ts'
