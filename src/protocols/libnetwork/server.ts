// Serves the driver calls on a unix socket in Docker's plugin folder: HTTP POST, one call a request, JSON both ways.
//
// Failures: a driver's error is always status 500 with {"Err": message}. 404 means only "no such call": Docker takes a
// 404 on some calls for "this plugin is too old to know it" and goes on as if they had worked. 400 means that the
// request could not be read.

import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { asError, asNetpluginError, NetpluginError } from '../../lib/errors.ts'
import { http } from '../../lib/http.ts'
import type { Log } from '../../lib/log.ts'
import { Tasks } from '../../lib/tasks.ts'
import { prepareSocketPath } from '../../lib/unix-socket.ts'
import type { Codec } from './codec.ts'
import { type Drivers, type Handlers, handlersOf } from './driver.ts'
import { calls, contentType } from './messages.ts'

export interface LibnetworkServerOptions {
  /** For example `/run/docker/plugins/NAME.sock`; its folder is made when missing. */
  readonly socketPath: string
  /** After this long a call is answered with an error, and its signal aborts. Docker itself waits without end. */
  readonly callTimeoutMs: number
}

export interface LibnetworkServerDeps {
  readonly drivers: Drivers
  readonly log: Log
}

const maxBodyBytes = 1024 * 1024

interface Answer {
  readonly status: number
  readonly body: unknown
}

interface Route {
  readonly request: Codec<unknown>
  readonly response: Codec<unknown>
  readonly handle: (request: unknown, signal: AbortSignal) => Promise<unknown>
}

export class LibnetworkServer {
  readonly #options: LibnetworkServerOptions
  readonly #log: Log
  readonly #tasks: Tasks
  readonly #routes: ReadonlyMap<string, Route>
  readonly #closing = new AbortController()
  readonly #server: Server

  constructor(options: LibnetworkServerOptions, { drivers, log }: LibnetworkServerDeps) {
    this.#options = options
    this.#log = log
    this.#tasks = new Tasks({ log })
    this.#routes = routesOf(handlersOf(drivers))
    this.#server = http.createServer((request, response) => {
      this.#tasks.spawn('docker call', () => this.#serve(request, response))
    })
    // A call that meets a connection which is just being closed is sent again by the engine, but without its body.
    this.#server.keepAliveTimeout = 0
  }

  /**
   * Starts to listen. Errors: `conflict` PLUGIN_SOCKET_IN_USE when another process serves the path, or the path is no
   * socket. A socket file that nobody serves is replaced.
   */
  async start(signal: AbortSignal): Promise<void> {
    const path = this.#options.socketPath
    await prepareSocketPath(path, signal)
    await new Promise<void>((resolve, reject) => {
      const onError = (cause: Error) =>
        reject(
          new NetpluginError('unavailable', 'PLUGIN_SOCKET_FAILED', `cannot listen on ${path}: ${cause.message}`, {
            cause,
          }),
        )
      this.#server.once('error', onError)
      this.#server.listen(path, () => {
        this.#server.off('error', onError)
        resolve()
      })
    })
    this.#log.info('docker plugin socket open', { path })
  }

  /** Takes no new calls, waits for those that run until `signal` aborts, then aborts them. Removes the socket file. */
  async stop(signal: AbortSignal): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    const giveUp = () => {
      this.#closing.abort(new NetpluginError('unavailable', 'PLUGIN_STOPPING', 'the plugin is stopping; try again'))
    }
    if (signal.aborted) giveUp()
    signal.addEventListener('abort', giveUp, { once: true })
    await this.#tasks.settled()
    signal.removeEventListener('abort', giveUp)
    this.#server.closeAllConnections()
    await closed
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const name = (request.url ?? '').replace(/^\//, '')
    const answer = await this.#answer(name, request)
    if (response.destroyed) return // the engine went away
    // Waiting for the end makes `stop` deliver what was answered before it closes connections.
    await new Promise<void>((resolve) => {
      response.once('close', () => resolve())
      response.writeHead(answer.status, { 'content-type': contentType })
      response.end(JSON.stringify(answer.body))
    })
  }

  async #answer(name: string, request: IncomingMessage): Promise<Answer> {
    const route = this.#routes.get(name)
    if (route === undefined || request.method !== 'POST') {
      request.resume()
      this.#log.warn('unknown docker call', { call: name, method: request.method })
      return { status: 404, body: { Err: `this plugin has no call ${request.method} /${name}` } }
    }
    let decoded: unknown
    try {
      decoded = route.request.decode(await readJson(request), '')
    } catch (error) {
      const { message, code } = asNetpluginError(error)
      this.#log.warn('unreadable docker call', { call: name, code, error: message })
      return { status: 400, body: { Err: `${name}: ${message}` } }
    }
    return this.#run(name, route, decoded)
  }

  async #run(name: string, route: Route, decoded: unknown): Promise<Answer> {
    const deadline = AbortSignal.timeout(this.#options.callTimeoutMs)
    const signal = AbortSignal.any([deadline, this.#closing.signal])
    try {
      const result = await untilAborted(route.handle(decoded, signal), signal)
      this.#log.debug('docker call done', { call: name })
      return { status: 200, body: route.response.encode(result) }
    } catch (thrown) {
      const seconds = this.#options.callTimeoutMs / 1000
      const error = deadline.aborted
        ? new NetpluginError('timeout', 'CALL_TIMEOUT', `no result within ${seconds} s; try again`)
        : asNetpluginError(thrown)
      const { kind, code, message, details } = error
      const stack = kind === 'internal' ? { stack: asError(thrown).stack } : {}
      this.#log.warn('docker call failed', { call: name, kind, code, error: message, ...details, ...stack })
      return { status: 500, body: { Err: message } }
    }
  }
}

function routesOf(handlers: Handlers): ReadonlyMap<string, Route> {
  const routes = new Map<string, Route>()
  const untyped: Readonly<Record<string, unknown>> = handlers
  for (const [name, { request, response }] of Object.entries(calls)) {
    const handle = untyped[name]
    // `Handlers` gives each name the handler of its own request and response, so that the pair belongs together.
    if (typeof handle === 'function') routes.set(name, { request, response, handle } as Route)
  }
  return routes
}

/** The promise, or the signal's reason if that comes first. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let onAbort = () => {}
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = []
  let length = 0
  for await (const chunk of request) {
    length += chunk.length
    // The rest is read and forgotten, so that the peer gets the answer instead of a broken pipe.
    if (length <= maxBodyBytes) chunks.push(chunk)
  }
  if (length > maxBodyBytes) {
    throw new NetpluginError(
      'invalid',
      'BODY_TOO_LARGE',
      `the request has ${length} bytes; at most ${maxBodyBytes} are read`,
    )
  }
  if (length === 0) return null
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'))
  } catch (cause) {
    throw new NetpluginError('invalid', 'BAD_JSON', `the request is not JSON: ${asError(cause).message}`, { cause })
  }
}
