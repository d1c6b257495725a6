// Answers calls of the executable on a unix socket. A caller that goes away before it has its answer has given up: its
// call is aborted.

import { chmodSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import { NetpluginError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { Tasks } from '../../lib/tasks.ts'
import { prepareSocketPath } from '../../lib/unix-socket.ts'
import { CniError, cniCode, encodeError } from './error.ts'
import { type CniAnswer, decodeRequest, encodeAnswer, isWhole, maxRequestBytes } from './framing.ts'
import { answerRequest, type CniPlugin } from './plugin.ts'
import { newestVersion } from './version.ts'

export interface CniServerOptions {
  /** Its folder is made when missing. Only root may connect. */
  readonly socketPath: string
  /** After this long a call is answered with error 11, whatever its caller would wait. */
  readonly callTimeoutMs: number
}

export interface CniServerDeps {
  readonly plugin: CniPlugin
  readonly log: Log
}

/** A caller that says nothing for so long is no executable of ours. */
const requestMs = 10_000

export class CniServer {
  readonly #options: CniServerOptions
  readonly #deps: CniServerDeps
  readonly #tasks: Tasks
  readonly #closing = new AbortController()
  readonly #connections = new Set<Socket>()
  readonly #server: Server

  constructor(options: CniServerOptions, deps: CniServerDeps) {
    this.#options = options
    this.#deps = deps
    this.#tasks = new Tasks({ log: deps.log })
    this.#server = createServer({ allowHalfOpen: true }, (socket) => {
      this.#connections.add(socket)
      socket.once('close', () => this.#connections.delete(socket))
      // Who is gone needs no answer.
      socket.on('error', () => socket.destroy())
      this.#tasks.spawn('cni call', () => this.#serve(socket))
    })
  }

  /** Starts to listen. Errors: `conflict` SOCKET_IN_USE, `unavailable` CNI_SOCKET_FAILED. */
  async start(signal: AbortSignal): Promise<void> {
    const { socketPath } = this.#options
    await prepareSocketPath(socketPath, signal)
    await new Promise<void>((resolve, reject) => {
      const onError = (cause: Error) => {
        const message = `cannot listen on ${socketPath}: ${cause.message}`
        reject(new NetpluginError('unavailable', 'CNI_SOCKET_FAILED', message, { cause }))
      }
      this.#server.once('error', onError)
      this.#server.listen(socketPath, () => {
        this.#server.off('error', onError)
        resolve()
      })
    })
    chmodSync(socketPath, 0o600)
    this.#deps.log.info('cni socket open', { path: socketPath })
  }

  /** Takes no new calls, waits for those that run until `signal` aborts, then aborts them. Removes the socket file. */
  async stop(signal: AbortSignal): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    const giveUp = () => this.#closing.abort(new CniError(cniCode.tryAgainLater, 'netplugin is stopping: try again'))
    if (signal.aborted) giveUp()
    signal.addEventListener('abort', giveUp, { once: true })
    await this.#tasks.settled()
    signal.removeEventListener('abort', giveUp)
    for (const socket of this.#connections) socket.destroy()
    await closed
  }

  async #serve(socket: Socket): Promise<void> {
    const bytes = await readRequest(socket)
    if (bytes === undefined) return void socket.destroy()
    const gone = new AbortController()
    socket.once('end', () => {
      gone.abort(new CniError(cniCode.tryAgainLater, 'the caller went away'))
      socket.destroy()
    })
    const answer = await this.#answer(bytes, gone.signal)
    if (socket.destroyed) return
    await new Promise<void>((resolve) => {
      socket.once('close', () => resolve())
      socket.end(encodeAnswer(answer))
    })
  }

  async #answer(bytes: Buffer, gone: AbortSignal): Promise<CniAnswer> {
    const { plugin, log } = this.#deps
    try {
      const request = decodeRequest(bytes)
      const asked = Number(request.environment.NETPLUGIN_DEADLINE_MS ?? Number.NaN)
      const ms = Math.min(asked > 1_000 ? asked : Number.POSITIVE_INFINITY, this.#options.callTimeoutMs)
      const signal = AbortSignal.any([AbortSignal.timeout(ms), gone, this.#closing.signal])
      const answer = await answerRequest(request, plugin, signal)
      const { CNI_COMMAND: command, CNI_CONTAINERID: container, CNI_IFNAME: ifname } = request.environment
      const said = answer.status === 0 ? {} : { error: answer.document }
      log[answer.status === 0 ? 'debug' : 'warn']('cni call', { command, container, ifname, ...said })
      return answer
    } catch (thrown) {
      const error = thrown instanceof CniError ? thrown : plugin.errorOf(thrown)
      return { status: 1, document: encodeError(error, newestVersion) }
    }
  }
}

/** All that the caller writes, to its end in whatever way; undefined when that is too much, or takes too long. */
function readRequest(socket: Socket): Promise<Buffer | undefined> {
  return new Promise((resolve) => {
    let bytes: Buffer = Buffer.alloc(0)
    const settle = (value: Buffer | undefined) => {
      socket.setTimeout(0)
      socket.off('data', take)
      resolve(value)
      // Goes on reading, to hear of the end.
      socket.resume()
    }
    const take = (part: Buffer) => {
      bytes = bytes.length === 0 ? part : Buffer.concat([bytes, part])
      if (bytes.length > maxRequestBytes) settle(undefined)
      else if (isWhole(bytes)) settle(bytes)
    }
    socket.setTimeout(requestMs, () => settle(undefined))
    socket.once('close', () => settle(undefined))
    socket.once('end', () => settle(bytes))
    socket.on('data', take)
  })
}
