// A client of one database of an OVSDB server, over its unix socket: transactions (RFC 7047, section 4.1.3) and monitors
// (ovsdb-server(7), monitor_cond_since, with the plain monitor of the RFC for servers that lack it).

import type { Clock } from '../../lib/clock.ts'
import { NetpluginError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { Connection } from './connection.ts'
import { requestError, transactionError } from './error.ts'
import { decodeResult, encodeOperation, type Operation, type ResultOf } from './operation.ts'
import { Replica } from './replica.ts'
import type { MonitoredColumns, UpdatesFormat } from './table-updates.ts'

export interface OvsdbClientOptions {
  /** The server's unix socket, for instance /var/run/openvswitch/db.sock. */
  readonly path: string
  /** Open_vSwitch when not given. */
  readonly database?: string
  /** Quiet time before an echo is sent, and again before the connection is given up; 5000 when not given. */
  readonly idleMs?: number
}

export interface OvsdbClientDeps {
  readonly log: Log
  readonly clock: Clock
}

/** Large enough for the database of a host with thousands of ports, small enough for the host. */
const maxMessageBytes = 64 * 1024 * 1024
/** "Give me everything": a transaction id that no history contains. */
const noTransaction = '00000000-0000-0000-0000-000000000000'

type ResultsOf<O extends readonly Operation[]> = { readonly [I in keyof O]: ResultOf<O[I]> }
type AnyReplica = Pick<Replica, 'receive' | 'end'>

const updateFormats: Readonly<Record<string, UpdatesFormat>> = {
  update: 'update',
  update2: 'update2',
  update3: 'update2',
}

export class OvsdbClient {
  /** Resolves with the reason when the connection ends, or with undefined after close(). Never rejects. */
  readonly closed: Promise<Error | undefined>
  readonly #connection: Connection
  readonly #database: string
  readonly #log: Log
  readonly #replicas: Map<string, AnyReplica>
  #nextMonitor = 1

  private constructor(connection: Connection, database: string, replicas: Map<string, AnyReplica>, log: Log) {
    this.#connection = connection
    this.#database = database
    this.#replicas = replicas
    this.#log = log
    this.closed = connection.closed.then((reason) => {
      const error = reason ?? new NetpluginError('unavailable', 'OVSDB_CLOSED', 'the OVSDB connection was closed by us')
      for (const replica of replicas.values()) replica.end(error)
      return reason
    })
  }

  /** Throws OVSDB_UNREACHABLE (unavailable) without a server, OVSDB_UNKNOWN_DATABASE (not-found) without the database. */
  static async connect(
    options: OvsdbClientOptions,
    { log, clock }: OvsdbClientDeps,
    signal?: AbortSignal,
  ): Promise<OvsdbClient> {
    const { path, database = 'Open_vSwitch', idleMs = 5_000 } = options
    const replicas = new Map<string, AnyReplica>()
    const onNotification = (method: string, params: readonly unknown[]) => notify(replicas, method, params)
    const connection = await Connection.open({ path, idleMs, maxMessageBytes }, { log, clock, onNotification }, signal)
    try {
      const databases = await connection.call('list_dbs', [], (result) => result, signal)
      if (!Array.isArray(databases) || !databases.includes(database)) {
        throw requestError('connection', { error: 'unknown database', details: `${path} does not serve ${database}` })
      }
    } catch (error) {
      connection.close()
      throw error
    }
    return new OvsdbClient(connection, database, replicas, log)
  }

  /**
   * Runs the operations as one transaction: all of them, or none. Results come in the order of the operations. Replicas already
   * contain the change when it resolves. Throws the first error with a code of error.ts; after an abort the outcome is unknown.
   */
  async transact<const O extends readonly Operation[]>(operations: O, signal?: AbortSignal): Promise<ResultsOf<O>> {
    const params = [this.#database, ...operations.map(encodeOperation)]
    const results = await this.#connection.call('transact', params, (result) => result, signal)
    if (!Array.isArray(results)) throw unusable('transact')
    const error = transactionError(operations, results)
    if (error !== undefined) throw error
    // One result per operation, each read by its operation: the tuple that ResultsOf describes.
    return operations.map((operation, index) => decodeResult(operation, results[index])) as unknown as ResultsOf<O>
  }

  /** Copies the columns of the tables and keeps the copy current until it, or the connection, is closed. */
  async monitor<const M extends MonitoredColumns>(columns: M, signal?: AbortSignal): Promise<Replica<M>> {
    try {
      return await this.#monitor('monitor_cond_since', columns, signal)
    } catch (error) {
      if (!(error instanceof NetpluginError) || error.code !== 'OVSDB_UNKNOWN_METHOD') throw error
      return this.#monitor('monitor', columns, signal)
    }
  }

  close(): void {
    this.#connection.close()
  }

  async #monitor<M extends MonitoredColumns>(
    method: 'monitor_cond_since' | 'monitor',
    columns: M,
    signal?: AbortSignal,
  ): Promise<Replica<M>> {
    const id = `monitor-${this.#nextMonitor++}`
    const requests = Object.fromEntries(Object.entries(columns).map(([table, names]) => [table, { columns: names }]))
    const since = method === 'monitor_cond_since' ? [noTransaction] : []
    const replica = new Replica(columns, { log: this.#log, cancel: () => this.#cancelMonitor(id) })
    const read = (result: unknown) => {
      replica.receive(method === 'monitor' ? 'update' : 'update2', method === 'monitor' ? result : initialRows(result))
      // From here on, still before the next message is looked at, updates belong to the replica.
      this.#replicas.set(id, replica)
      return replica
    }
    try {
      return await this.#connection.call(method, [this.#database, id, requests, ...since], read, signal)
    } catch (error) {
      // The server may have begun to monitor although we gave up.
      if (signal?.aborted) this.#cancelMonitor(id)
      throw error
    }
  }

  #cancelMonitor(id: string): void {
    const error = new NetpluginError('unavailable', 'OVSDB_CLOSED', 'this monitor of the OVSDB server was closed by us')
    this.#replicas.get(id)?.end(error)
    this.#replicas.delete(id)
    this.#connection
      .call('monitor_cancel', [id], () => {})
      .catch((reason: Error) => this.#log.debug('monitor not cancelled', { id, reason: reason.message }))
  }
}

function notify(replicas: ReadonlyMap<string, AnyReplica>, method: string, params: readonly unknown[]): void {
  const format = Object.hasOwn(updateFormats, method) ? updateFormats[method] : undefined
  const id = params[0]
  if (format === undefined || typeof id !== 'string') return
  // The last parameter is the updates: update3 has a transaction id before them.
  replicas.get(id)?.receive(format, params.at(-1))
}

/** `[found, last transaction id, updates]`: the updates. */
function initialRows(result: unknown): unknown {
  if (!Array.isArray(result) || result.length !== 3) throw unusable('monitor_cond_since')
  return result[2]
}

function unusable(method: string): NetpluginError {
  return new NetpluginError(
    'protocol',
    'OVSDB_RESULT',
    `the OVSDB server's answer to ${method} is malformed; reconnect`,
  )
}
