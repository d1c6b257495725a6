// The control socket of an Open vSwitch daemon: JSON-RPC 1.0 on a unix socket, as ovs-appctl(8) speaks it. An answer is
// a string, or an error that is a string. The daemon works on one command of a connection at a time.

import { readFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { asError, NetpluginError } from '../../lib/errors.ts'

interface Call {
  readonly method: string
  readonly settle: (result: string) => void
  readonly fail: (error: Error) => void
}

/** Where a daemon that wrote its pid file listens. Throws CONTROL_UNREACHABLE when there is no such file. */
export async function controlPath(runDir: string, daemon: string): Promise<string> {
  try {
    const pid = (await readFile(join(runDir, `${daemon}.pid`), 'utf8')).trim()
    return join(runDir, `${daemon}.${pid}.ctl`)
  } catch (error) {
    throw unreachable(runDir, asError(error))
  }
}

export class ControlSocket {
  readonly #socket: Socket
  readonly #path: string
  readonly #calls = new Map<number, Call>()
  #nextId = 0
  #text = ''
  #ended: Error | undefined

  private constructor(socket: Socket, path: string) {
    this.#socket = socket
    this.#path = path
    socket.setEncoding('utf8')
    socket.on('data', (chunk: string) => this.#receive(chunk))
    socket.on('error', (error) => this.#end(unreachable(path, error)))
    socket.on('close', () => this.#end(unreachable(path)))
  }

  /** Whether it was closed, by either side. */
  get over(): boolean {
    return this.#ended !== undefined
  }

  /** Throws CONTROL_UNREACHABLE (unavailable) when nobody listens. */
  static async connect({ path }: { readonly path: string }, signal: AbortSignal): Promise<ControlSocket> {
    signal.throwIfAborted()
    const socket = connect({ path })
    const control = new ControlSocket(socket, path)
    const { promise, resolve, reject } = Promise.withResolvers<ControlSocket>()
    const abort = () => control.#end(asError(signal.reason))
    socket.once('connect', () => resolve(control))
    socket.once('close', () => reject(control.#ended ?? unreachable(path)))
    signal.addEventListener('abort', abort, { once: true })
    try {
      return await promise
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  /** The answer's text. Throws CONTROL_REFUSED with what the daemon said; a command that is cut off ends the connection. */
  async command(method: string, words: readonly string[], signal: AbortSignal): Promise<string> {
    signal.throwIfAborted()
    if (this.#ended !== undefined) throw this.#ended
    const id = this.#nextId++
    const { promise, resolve, reject } = Promise.withResolvers<string>()
    this.#calls.set(id, { method, settle: resolve, fail: reject })
    const abort = () => this.#end(asError(signal.reason))
    signal.addEventListener('abort', abort, { once: true })
    this.#socket.write(JSON.stringify({ id, method, params: words }))
    try {
      return await promise
    } finally {
      signal.removeEventListener('abort', abort)
    }
  }

  close(): void {
    this.#end(unreachable(this.#path))
  }

  /** Answers follow each other without anything in between, and each is an object: it is whole when it parses. */
  #receive(chunk: string): void {
    this.#text += chunk
    for (let end = this.#text.indexOf('}'); end >= 0; end = this.#text.indexOf('}', end + 1)) {
      const answer = parsed(this.#text.slice(0, end + 1))
      if (answer === undefined) continue
      this.#text = this.#text.slice(end + 1)
      end = -1
      this.#answer(answer)
    }
  }

  #answer(answer: { readonly id?: unknown; readonly result?: unknown; readonly error?: unknown }): void {
    const call = this.#calls.get(Number(answer.id))
    if (call === undefined) return
    this.#calls.delete(Number(answer.id))
    if (typeof answer.error === 'string') {
      const said = `Open vSwitch refused ${call.method}: ${answer.error.trim()}`
      call.fail(new NetpluginError('protocol', 'CONTROL_REFUSED', said, { details: { path: this.#path } }))
    } else call.settle(String(answer.result ?? ''))
  }

  #end(reason: Error): void {
    if (this.#ended !== undefined) return
    this.#ended = reason
    this.#socket.destroy()
    for (const { fail } of this.#calls.values()) fail(reason)
    this.#calls.clear()
  }
}

function parsed(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? value : undefined
  } catch {
    return undefined
  }
}

function unreachable(path: string, cause?: Error): NetpluginError {
  const why = cause === undefined ? 'it closed the connection' : cause.message
  const message = `Open vSwitch's control socket at ${path} does not answer: ${why}; is ovs-vswitchd running?`
  return new NetpluginError('unavailable', 'CONTROL_UNREACHABLE', message, { cause })
}
