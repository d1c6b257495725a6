// A local copy of monitored tables, kept current by the server's notifications. Reading it costs nothing, and waiting for a
// fact ("this interface has a port number") is a wait for the next update that makes it true.

import { asError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { abortError } from './connection.ts'
import { allColumns } from './row.ts'
import type { ColumnName, TableName } from './schema.ts'
import {
  applyUpdates,
  type MonitoredColumns,
  type MonitoredRow,
  type MonitoredTable,
  type TableRows,
  type UpdatesFormat,
} from './table-updates.ts'
import type { Uuid } from './value.ts'

export type AllColumns = { readonly [T in TableName]: readonly ColumnName<T>[] }

/** Read access to rows: what pure code needs of a replica. */
export interface Rows<M extends MonitoredColumns = AllColumns> {
  rows<T extends MonitoredTable<M>>(table: T): ReadonlyMap<Uuid, MonitoredRow<M, T>>
}

/** Called after each update with the tables that it touched. */
export type ChangeListener = (tables: ReadonlySet<TableName>) => void

interface Waiter {
  readonly check: () => void
  readonly fail: (error: Error) => void
}

export class Replica<M extends MonitoredColumns = AllColumns> implements Rows<M> {
  readonly #columns: M
  readonly #log: Log
  readonly #cancel: () => void
  readonly #tables: TableRows = new Map()
  readonly #listeners = new Set<ChangeListener>()
  readonly #waiters = new Set<Waiter>()
  #ended: Error | undefined

  /** Made by OvsdbClient.monitor. `cancel` tells the server to stop. */
  constructor(columns: M, deps: { readonly log: Log; readonly cancel: () => void }) {
    this.#columns = columns
    this.#log = deps.log
    this.#cancel = deps.cancel
    for (const table of Object.keys(columns)) this.#tables.set(table as TableName, new Map())
  }

  /** The rows by id. The map is the live one, so copy what must not change under your hands; row objects never change. */
  rows<T extends MonitoredTable<M>>(table: T): ReadonlyMap<Uuid, MonitoredRow<M, T>> {
    // Every row was decoded by the columns that MonitoredRow is derived from.
    return (this.#tables.get(table) ?? new Map()) as unknown as ReadonlyMap<Uuid, MonitoredRow<M, T>>
  }

  /** The first row that fits, or undefined. */
  find<T extends MonitoredTable<M>>(
    table: T,
    predicate: (row: MonitoredRow<M, T>) => boolean,
  ): MonitoredRow<M, T> | undefined {
    for (const row of this.rows(table).values()) {
      if (predicate(row)) return row
    }
    return undefined
  }

  /** Calls the listener after each update, once for all rows of the update. Returns what ends that. */
  onChange(listener: ChangeListener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /**
   * Resolves with the first value other than undefined that `read` gives, now or after an update. Rejects when `read` throws, when the
   * signal aborts (OVSDB_TIMEOUT for a deadline) and when the connection ends (OVSDB_CLOSED).
   */
  until<T>(read: (replica: this) => T | undefined, signal?: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const onAbort = () => finish(() => reject(abortError(signal, 'waiting for a change in Open vSwitch')))
      const finish = (step: () => void) => {
        signal?.removeEventListener('abort', onAbort)
        this.#waiters.delete(waiter)
        step()
      }
      const waiter: Waiter = {
        check: () => {
          try {
            const value = read(this)
            if (value !== undefined) finish(() => resolve(value))
          } catch (error) {
            finish(() => reject(asError(error)))
          }
        },
        fail: (error) => finish(() => reject(error)),
      }
      if (signal?.aborted) return onAbort()
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiters.add(waiter)
      waiter.check()
      if (this.#ended !== undefined) waiter.fail(this.#ended)
    })
  }

  /** Ends the monitoring; rows stay as they are. */
  close(): void {
    this.#cancel()
  }

  /** For the client: an update of the server. Throws when it makes no sense. */
  receive(format: UpdatesFormat, wire: unknown): void {
    const changed = applyUpdates(this.#tables, this.#columns, format, wire)
    if (changed.size === 0) return
    for (const waiter of [...this.#waiters]) waiter.check()
    for (const listener of [...this.#listeners]) {
      try {
        listener(changed)
      } catch (error) {
        this.#log.error('change listener failed', { error: asError(error).message })
      }
    }
  }

  /** For the client: no update will come any more. */
  end(reason: Error): void {
    this.#ended ??= reason
    for (const waiter of [...this.#waiters]) waiter.fail(reason)
  }
}

/** A monitor request for everything this library knows about the named tables. */
export function everyColumn<const T extends TableName>(...names: readonly T[]): Pick<AllColumns, T> {
  return Object.fromEntries(names.map((name) => [name, allColumns(name)])) as unknown as Pick<AllColumns, T>
}
