// JSON-RPC 1.0 over a stream socket, as OVSDB uses it (RFC 7047, section 4): requests and answers matched by id, notifications,
// and echo both ways (4.1.11), by which each side notices that the other one hangs.

import { connect, type Socket } from 'node:net'
import type { Clock } from '../../lib/clock.ts'
import { asError, NetpluginError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { requestError } from './error.ts'
import { JsonSplitter } from './json-splitter.ts'

export interface ConnectionOptions {
  /** The server's unix socket. */
  readonly path: string
  /** After this long without a byte from the server an echo is sent; after as long again the connection is given up. */
  readonly idleMs: number
  readonly maxMessageBytes: number
}

export interface ConnectionDeps {
  readonly log: Log
  readonly clock: Clock
  /** Runs synchronously, in the order of arrival. What it throws ends the connection. */
  readonly onNotification: (method: string, params: readonly unknown[]) => void
}

interface Call {
  readonly method: string
  readonly settle: (result: unknown) => void
  readonly fail: (error: Error) => void
}

export class Connection {
  /** Resolves with the reason when the connection ends, or with undefined after close(). */
  readonly closed: Promise<Error | undefined>
  readonly #resolveClosed: (reason: Error | undefined) => void
  readonly #path: string
  readonly #socket: Socket
  readonly #deps: ConnectionDeps
  readonly #splitter: JsonSplitter
  readonly #calls = new Map<number, Call>()
  readonly #ending = new AbortController()
  #nextId = 1
  #chunks = 0

  private constructor(socket: Socket, options: ConnectionOptions, deps: ConnectionDeps) {
    const { promise, resolve } = Promise.withResolvers<Error | undefined>()
    this.closed = promise
    this.#resolveClosed = resolve
    this.#path = options.path
    this.#socket = socket
    this.#deps = deps
    this.#splitter = new JsonSplitter({ maxMessageBytes: options.maxMessageBytes })
    socket.on('data', (chunk) => this.#receive(chunk))
    socket.on('error', (error) => this.#end(this.#closedError(error)))
    socket.on('close', () => this.#end(this.#closedError()))
    this.#watch(options.idleMs).catch((error: unknown) => this.#end(asError(error)))
  }

  /** Throws OVSDB_UNREACHABLE (unavailable) when nobody listens at the path. */
  static async open(options: ConnectionOptions, deps: ConnectionDeps, signal?: AbortSignal): Promise<Connection> {
    const socket = connect(options.path)
    try {
      await new Promise<void>((resolve, reject) => {
        const onAbort = () => reject(abortError(signal, `connecting to the OVSDB server at ${options.path}`))
        if (signal?.aborted) return onAbort()
        signal?.addEventListener('abort', onAbort, { once: true })
        socket.once('connect', () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        })
        socket.once('error', (cause) => {
          signal?.removeEventListener('abort', onAbort)
          reject(unreachable(options.path, cause))
        })
      })
    } catch (error) {
      // The socket may still fail after we gave up; nobody is interested any more.
      socket.on('error', () => {}).destroy()
      throw error
    }
    return new Connection(socket, options, deps)
  }

  /**
   * Sends a request. `read` turns the result into a value; it runs before any later message is handled, and what it throws
   * also ends the connection. After an abort the
   * request is cancelled at the server as far as that is possible; it may have been carried out all the same.
   */
  call<T>(method: string, params: readonly unknown[], read: (result: unknown) => T, signal?: AbortSignal): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      if (signal?.aborted) return reject(abortError(signal, `the OVSDB ${method}`))
      if (this.#ending.signal.aborted) return reject(this.#closedError())
      const id = this.#nextId++
      const onAbort = () => {
        this.#calls.delete(id)
        this.#send({ method: 'cancel', params: [id], id: null })
        reject(abortError(signal, `the OVSDB ${method}`))
      }
      const finish = (step: () => void) => {
        signal?.removeEventListener('abort', onAbort)
        this.#calls.delete(id)
        step()
      }
      this.#calls.set(id, {
        method,
        settle: (result) => finish(() => resolve(read(result))),
        fail: (error) => finish(() => reject(error)),
      })
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#send({ method, params, id })
    })
  }

  close(): void {
    this.#end(undefined)
  }

  #send(message: unknown): void {
    if (!this.#ending.signal.aborted) this.#socket.write(JSON.stringify(message))
  }

  #receive(chunk: Buffer): void {
    this.#chunks++
    try {
      for (const text of this.#splitter.push(chunk)) {
        if (this.#ending.signal.aborted) return
        this.#handle(parseMessage(text))
      }
    } catch (error) {
      this.#end(asError(error))
    }
  }

  #handle(message: Message): void {
    if (message.method === undefined) this.#answer(message)
    else if (message.method === 'echo') this.#send({ id: message.id, result: message.params, error: null })
    else this.#deps.onNotification(message.method, message.params)
  }

  #answer({ id, result, error }: Message): void {
    // Answers to echoes and to calls that were given up have no entry.
    const call = typeof id === 'number' ? this.#calls.get(id) : undefined
    if (call === undefined) return
    if (error !== null && error !== undefined) {
      call.fail(requestError(call.method, error))
      return
    }
    try {
      call.settle(result)
    } catch (cause) {
      call.fail(asError(cause))
      throw cause
    }
  }

  /** Without a byte for a while: asks; without an answer: gives up. */
  async #watch(idleMs: number): Promise<void> {
    const { signal } = this.#ending
    let asked = false
    while (!signal.aborted) {
      const before = this.#chunks
      const elapsed = await this.#deps.clock.after(idleMs, signal).then(
        () => true,
        () => false,
      )
      if (!elapsed) return
      if (this.#chunks !== before) {
        asked = false
      } else if (!asked) {
        asked = true
        this.#send({ method: 'echo', params: [], id: 'echo' })
      } else {
        const message = `the OVSDB server at ${this.#path} did not answer for ${2 * idleMs} ms; reconnect when it runs again`
        return this.#end(new NetpluginError('timeout', 'OVSDB_SILENT', message))
      }
    }
  }

  #end(reason: Error | undefined): void {
    if (this.#ending.signal.aborted) return
    this.#ending.abort()
    this.#socket.destroy()
    if (reason !== undefined)
      this.#deps.log.debug('ovsdb connection ended', { path: this.#path, reason: reason.message })
    for (const call of [...this.#calls.values()]) call.fail(this.#closedError(reason))
    this.#resolveClosed(reason)
  }

  #closedError(cause?: Error): NetpluginError {
    const because = cause === undefined ? '' : `: ${cause.message}`
    return new NetpluginError(
      'unavailable',
      'OVSDB_CLOSED',
      `the OVSDB connection to ${this.#path} is closed${because}; reconnect`,
      cause === undefined ? {} : { cause },
    )
  }
}

interface Message {
  readonly method: string | undefined
  readonly params: readonly unknown[]
  readonly id: unknown
  readonly result: unknown
  readonly error: unknown
}

function parseMessage(text: string): Message {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (cause) {
    throw new NetpluginError('protocol', 'OVSDB_MESSAGE', 'the OVSDB server sent broken JSON; reconnect', { cause })
  }
  const fields = json as Readonly<Record<string, unknown>>
  const method = Array.isArray(json) ? null : fields.method
  if (method !== undefined && typeof method !== 'string') {
    throw new NetpluginError(
      'protocol',
      'OVSDB_MESSAGE',
      'the OVSDB server sent something that is not JSON-RPC; reconnect',
    )
  }
  const params = Array.isArray(fields.params) ? fields.params : []
  return { method, params, id: fields.id, result: fields.result, error: fields.error }
}

/** Why a wait ended: a passed deadline as `timeout`, anything else as the caller gave it. */
export function abortError(signal: AbortSignal | undefined, what: string): Error {
  const reason: unknown = signal?.reason
  if (reason instanceof DOMException && reason.name === 'TimeoutError') {
    return new NetpluginError(
      'timeout',
      'OVSDB_TIMEOUT',
      `${what} took longer than allowed; is Open vSwitch running?`,
      {
        cause: reason,
      },
    )
  }
  return asError(reason)
}

function unreachable(path: string, cause: Error & { readonly code?: string }): NetpluginError {
  const why = cause.code === 'ENOENT' ? 'there is no such socket' : cause.message
  const message = `cannot reach the OVSDB server at ${path}: ${why}; start Open vSwitch or correct the path`
  return new NetpluginError('unavailable', 'OVSDB_UNREACHABLE', message, { cause, details: { path } })
}
