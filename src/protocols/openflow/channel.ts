// The stream under a connection: sends bytes with back-pressure, pairs every reply and error with the exchange that
// waits for it, and gives every wait a deadline. Knows xids, not what messages mean.

import { createConnection, type Socket } from 'node:net'
import { Writer } from '../../lib/bytes.ts'
import type { Clock } from '../../lib/clock.ts'
import { asError, NetpluginError } from '../../lib/errors.ts'
import { Deframer, encodeHello, type Message, offersOpenflow14 } from './message.ts'
import { messageTypes, openflowVersion } from './wire.ts'

/** What becomes of messages whose xid is between `first` and `last`. */
export interface Exchange {
  readonly first: number
  readonly last: number
  onMessage(message: Message): void
  /** The connection ended before the exchange did. */
  onClosed(error: NetpluginError): void
}

export interface ChannelOptions {
  readonly path: string
  /** Milliseconds that any single wait may take. */
  readonly timeoutMs: number
}

export interface Wait {
  /** For the error message: "... took over 5000 ms". */
  readonly what: string
  readonly signal?: AbortSignal | undefined
  readonly timeoutMs?: number
}

const maxXid = 0xffffffff

export class Channel {
  readonly #socket: Socket
  readonly #options: ChannelOptions
  readonly #clock: Clock
  readonly #deframer = new Deframer()
  readonly #exchanges = new Set<Exchange>()
  readonly #closed = Promise.withResolvers<Error | undefined>()
  #onUnasked: (message: Message) => void = () => {}
  #failure: NetpluginError | undefined
  #closedByUs = false
  #xid = 1

  constructor(options: ChannelOptions, { clock }: { readonly clock: Clock }) {
    this.#options = options
    this.#clock = clock
    this.#socket = createConnection({ path: options.path })
    this.#socket.on('data', (chunk: Buffer) => this.#receive(chunk))
    this.#socket.once('error', (error) => this.#end(error))
    this.#socket.once('close', () => this.#end(undefined))
  }

  /** Settles when the stream has ended: with the reason, or with undefined after close(). */
  get closed(): Promise<Error | undefined> {
    return this.#closed.promise
  }

  /** Agrees on OpenFlow 1.4. `onUnasked` gets every message that answers nothing. */
  async open(onUnasked: (message: Message) => void, timeoutMs: number, signal?: AbortSignal): Promise<void> {
    const hello = Promise.withResolvers<Message>()
    this.#onUnasked = hello.resolve
    const failed = this.#closed.promise.then((error): never => {
      throw cannotConnect(this.#options.path, error)
    })
    this.post((w) => encodeHello(w, this.allocate(1)))
    const greeted = Promise.race([hello.promise, failed])
    const first = await this.wait(greeted, { what: 'the greeting of the switch', timeoutMs, signal })
    if (first.type !== messageTypes.hello || !offersOpenflow14(first)) {
      this.close()
      throw new NetpluginError(
        'unavailable',
        'OPENFLOW_VERSION',
        `the switch at ${this.#options.path} does not speak OpenFlow 1.4: add OpenFlow14 to the bridge's "protocols"`,
      )
    }
    this.#onUnasked = onUnasked
  }

  /** The first of `count` xids in a row. */
  allocate(count: number): number {
    if (this.#xid + count > maxXid) this.#xid = 1
    const first = this.#xid
    this.#xid += count
    return first
  }

  begin(exchange: Exchange): void {
    if (this.#failure === undefined) this.#exchanges.add(exchange)
    else exchange.onClosed(this.#failure)
  }

  finish(exchange: Exchange): void {
    this.#exchanges.delete(exchange)
  }

  /** Sends what the writer holds, empties it, and resolves when there is room for more. */
  async send(w: Writer, signal?: AbortSignal): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure
    const flowing = this.#write(w.take())
    w.reset()
    if (flowing) return
    const drained = Promise.withResolvers<void>()
    const resolve = () => drained.resolve()
    this.#socket.once('drain', resolve)
    this.#socket.once('close', resolve)
    try {
      await this.wait(drained.promise, { what: 'room in the connection', signal })
    } finally {
      this.#socket.off('drain', resolve)
      this.#socket.off('close', resolve)
    }
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Sends something small without waiting for room. */
  post(encode: (w: Writer) => void): void {
    const w = new Writer(128)
    encode(w)
    if (this.#failure === undefined) this.#write(w.view())
  }

  /** What is written in one turn goes together: each write wakes the switch. */
  #write(bytes: Uint8Array): boolean {
    if (this.#socket.writableCorked === 0) {
      this.#socket.cork()
      process.nextTick(() => this.#socket.uncork())
    }
    return this.#socket.write(bytes)
  }

  /** `promise`, or an error when the wait takes too long, or the reason of the signal. */
  async wait<T>(promise: Promise<T>, { what, signal, timeoutMs }: Wait): Promise<T> {
    const limit = timeoutMs ?? this.#options.timeoutMs
    const over = new AbortController()
    // Not AbortSignal.any: there is a wait for each message, and what that leaves to the collector of garbage is dear.
    const onAbort = () => over.abort(signal?.reason)
    if (signal?.aborted) onAbort()
    else signal?.addEventListener('abort', onAbort, { once: true })
    const late = this.#clock.after(limit, over.signal).then((): never => {
      throw new NetpluginError('timeout', 'OPENFLOW_TIMEOUT', `${what} took over ${limit} ms`, {
        details: { path: this.#options.path },
      })
    })
    try {
      return await Promise.race([promise, late])
    } finally {
      signal?.removeEventListener('abort', onAbort)
      over.abort(doneWaiting)
      late.catch(() => {})
      promise.catch(() => {})
    }
  }

  close(): void {
    this.#closedByUs = true
    this.#socket.destroy()
    this.#end(undefined)
  }

  #receive(chunk: Buffer): void {
    if (this.#failure !== undefined) return
    try {
      for (const message of this.#deframer.feed(chunk)) this.#dispatch(message)
    } catch (error) {
      this.#socket.destroy()
      this.#end(asError(error))
    }
  }

  #dispatch(message: Message): void {
    if (message.version !== openflowVersion && message.type !== messageTypes.hello) {
      throw new NetpluginError('protocol', 'OPENFLOW_VERSION', `message of OpenFlow version ${message.version}`)
    }
    for (const exchange of this.#exchanges) {
      if (message.xid < exchange.first || message.xid > exchange.last || fromSwitch.has(message.type)) continue
      exchange.onMessage(message)
      return
    }
    this.#onUnasked(message)
  }

  #end(cause: Error | undefined): void {
    if (this.#failure !== undefined) return
    const ending = this.#closedByUs
      ? 'was closed'
      : `ended${cause === undefined ? '' : ` (${cause.message})`}; connect again`
    const message = `the OpenFlow connection to ${this.#options.path} ${ending}`
    const failure = new NetpluginError('unavailable', 'OPENFLOW_CLOSED', message, { cause })
    this.#failure = failure
    for (const exchange of [...this.#exchanges]) exchange.onClosed(failure)
    this.#exchanges.clear()
    this.#closed.resolve(this.#closedByUs ? undefined : (cause ?? failure))
  }
}

const doneWaiting = 'done waiting'

/** Types the switch sends of its own accord; their xids mean nothing to us. */
const fromSwitch: ReadonlySet<number> = new Set([
  messageTypes.hello,
  messageTypes.echoRequest,
  messageTypes.packetIn,
  messageTypes.flowRemoved,
  messageTypes.portStatus,
])

function cannotConnect(path: string, cause: Error | undefined): NetpluginError {
  const reason = cause === undefined ? '' : ` (${cause.message})`
  return new NetpluginError(
    'unavailable',
    'OPENFLOW_CONNECT',
    `cannot connect to the switch at ${path}${reason}: is ovs-vswitchd running, and does the bridge exist?`,
    { cause, details: { path } },
  )
}
