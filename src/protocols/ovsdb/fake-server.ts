// An OVSDB server for tests: the fake database behind a unix socket, with monitors of both kinds, echo and injected trouble.
// Updates go out before the answer of the transaction that caused them, as ovsdb-server does it.

import { createServer, type Server, type Socket } from 'node:net'
import { FakeDatabase, type RowChange } from './fake-database.ts'
import { differenceToWire, sameValue, toWire } from './fake-value.ts'
import { JsonSplitter } from './json-splitter.ts'
import { encodeOperation, type Operation } from './operation.ts'
import { knownColumn, type PlainRow } from './row.ts'
import type { TableName } from './schema.ts'
import { defaultValue, type Uuid } from './value.ts'

export interface FakeServerOptions {
  readonly path: string
  /** As a server of RFC 7047 without the extensions. */
  readonly plainMonitorOnly?: boolean
}

/** What to do with a request instead of serving it; undefined serves it. */
export type Trouble = { readonly error: string; readonly details?: string } | 'ignore' | 'disconnect' | undefined

interface Monitor {
  readonly id: unknown
  readonly method: string
  readonly columns: ReadonlyMap<string, readonly string[]>
}

interface Request {
  readonly method: string
  readonly params: readonly unknown[]
  readonly id: unknown
}

export class FakeServer {
  /** Sees every request before it is served. */
  intercept: (method: string, params: readonly unknown[]) => Trouble = () => undefined
  /** Every message received, for assertions about the wire. */
  readonly received: unknown[] = []
  readonly path: string
  readonly #plainMonitorOnly: boolean
  readonly #database = new FakeDatabase()
  readonly #server: Server
  readonly #sockets = new Map<Socket, Map<string, Monitor>>()
  readonly #commitListeners = new Set<(changes: readonly RowChange[]) => void>()

  private constructor(options: FakeServerOptions) {
    this.path = options.path
    this.#plainMonitorOnly = options.plainMonitorOnly ?? false
    this.#server = createServer((socket) => this.#accept(socket))
    this.#database.transact([{ op: 'insert', table: 'Open_vSwitch', row: {} }])
  }

  static async listen(options: FakeServerOptions): Promise<FakeServer> {
    const fake = new FakeServer(options)
    await new Promise<void>((resolve, reject) => {
      fake.#server.once('error', reject)
      fake.#server.listen(options.path, resolve)
    })
    return fake
  }

  rows(table: TableName): ReadonlyMap<Uuid, PlainRow> {
    return this.#database.rows(table)
  }

  /** A transaction of somebody else. Returns the results as on the wire. */
  transact(operations: readonly Operation[]): readonly unknown[] {
    return this.#commit(operations.map(encodeOperation))
  }

  /** Calls the listener after each transaction that changed something. Returns what ends that. */
  onCommit(listener: (changes: readonly RowChange[]) => void): () => void {
    this.#commitListeners.add(listener)
    return () => this.#commitListeners.delete(listener)
  }

  /** Sends bytes to every client, as they are. */
  sendRaw(bytes: string): void {
    for (const socket of this.#sockets.keys()) socket.write(bytes)
  }

  disconnectAll(): void {
    for (const socket of this.#sockets.keys()) socket.destroy()
  }

  async close(): Promise<void> {
    this.disconnectAll()
    await new Promise<void>((resolve) => this.#server.close(() => resolve()))
  }

  #accept(socket: Socket): void {
    const splitter = new JsonSplitter({ maxMessageBytes: 64 * 1024 * 1024 })
    this.#sockets.set(socket, new Map())
    socket.on('close', () => this.#sockets.delete(socket))
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      for (const text of splitter.push(chunk)) this.#serve(socket, JSON.parse(text))
    })
  }

  #serve(socket: Socket, message: Request): void {
    this.received.push(message)
    if (message.method === undefined) return
    const trouble = this.intercept(message.method, message.params)
    if (trouble === 'ignore') return
    if (trouble === 'disconnect') {
      socket.destroy()
      return
    }
    const answer = trouble === undefined ? this.#answer(socket, message) : { result: null, error: trouble }
    if (message.id !== null) socket.write(JSON.stringify({ id: message.id, ...answer }))
  }

  #answer(socket: Socket, { method, params }: Request): { readonly result: unknown; readonly error: unknown } {
    const monitors = this.#sockets.get(socket) ?? new Map<string, Monitor>()
    switch (method) {
      case 'echo':
        return { result: params, error: null }
      case 'list_dbs':
        return { result: ['Open_vSwitch'], error: null }
      case 'transact':
        return { result: this.#commit(params.slice(1)), error: null }
      case 'monitor_cancel':
        return monitors.delete(JSON.stringify(params[0]))
          ? { result: {}, error: null }
          : { result: null, error: { error: 'unknown monitor' } }
      case 'monitor_cond_since':
      case 'monitor': {
        if (method !== 'monitor' && this.#plainMonitorOnly) break
        const requests = Object.entries(params[2] as Record<string, { columns: readonly string[] }>)
        const columns = new Map(requests.map(([table, request]) => [table, request.columns]))
        const monitor = { id: params[1], method, columns }
        monitors.set(JSON.stringify(params[1]), monitor)
        const updates = this.#initial(monitor)
        return { result: method === 'monitor' ? updates : [false, this.#transactionId(), updates], error: null }
      }
    }
    return { result: null, error: { error: 'unknown method', details: `no method is named ${method}` } }
  }

  #commit(operations: readonly unknown[]): readonly unknown[] {
    const { results, changes } = this.#database.transact(operations)
    if (changes.length === 0) return results
    for (const [socket, monitors] of this.#sockets) {
      for (const monitor of monitors.values()) this.#notify(socket, monitor, changes)
    }
    for (const listener of [...this.#commitListeners]) listener(changes)
    return results
  }

  #notify(socket: Socket, monitor: Monitor, changes: readonly RowChange[]): void {
    const updates = tableUpdates(monitor, changes)
    if (Object.keys(updates).length === 0) return
    const plain = monitor.method === 'monitor'
    const params = plain ? [monitor.id, updates] : [monitor.id, this.#transactionId(), updates]
    socket.write(JSON.stringify({ id: null, method: plain ? 'update' : 'update3', params }))
  }

  #initial(monitor: Monitor): unknown {
    const changes: RowChange[] = []
    for (const table of monitor.columns.keys() as Iterable<TableName>) {
      for (const [uuid, now] of this.rows(table)) changes.push({ table, uuid, old: undefined, now })
    }
    return tableUpdates(monitor, changes, 'initial')
  }

  #transactionId(): string {
    return '11111111-1111-4111-8111-111111111111'
  }
}

function tableUpdates(monitor: Monitor, changes: readonly RowChange[], insertion = 'insert'): Record<string, unknown> {
  const updates: Record<string, Record<string, unknown>> = {}
  for (const change of changes) {
    const columns = monitor.columns.get(change.table)
    if (columns === undefined) continue
    const update =
      monitor.method === 'monitor' ? plainUpdate(columns, change) : differenceUpdate(columns, change, insertion)
    if (update === undefined) continue
    updates[change.table] = { ...updates[change.table], [change.uuid]: update }
  }
  return updates
}

function changedColumns(columns: readonly string[], { table, old, now }: RowChange): readonly string[] {
  return columns.filter((column) => !sameValue(knownColumn(table, column), old?.[column], now?.[column]))
}

function plainUpdate(columns: readonly string[], change: RowChange): unknown {
  const { table, old, now } = change
  const write = (row: PlainRow, names: readonly string[]) =>
    Object.fromEntries(names.map((column) => [column, toWire(knownColumn(table, column), row[column])]))
  if (old === undefined) return now && { new: write(now, columns) }
  if (now === undefined) return { old: write(old, columns) }
  const changed = changedColumns(columns, change)
  return changed.length === 0 ? undefined : { old: write(old, changed), new: write(now, columns) }
}

function differenceUpdate(columns: readonly string[], change: RowChange, insertion: string): unknown {
  const { table, old, now } = change
  if (now === undefined) return { delete: null }
  if (old === undefined) {
    const set = columns.filter((name) => {
      const type = knownColumn(table, name)
      return !sameValue(type, now[name], defaultValue(type))
    })
    const row = Object.fromEntries(set.map((name) => [name, toWire(knownColumn(table, name), now[name])]))
    return { [insertion]: row }
  }
  const changed = changedColumns(columns, change)
  if (changed.length === 0) return undefined
  const write = (column: string) => differenceToWire(knownColumn(table, column), old[column], now[column])
  return { modify: Object.fromEntries(changed.map((column) => [column, write(column)])) }
}
