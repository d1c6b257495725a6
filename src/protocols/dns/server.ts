// A DNS server on one UDP and one TCP socket. What a name means is decided by the `resolve` given to it.
//
// Bounds: one message per datagram; a number of queries being resolved and a number of connections, in all and for each
// client address (the connection that was silent longest makes room); a time without progress per connection, a time
// per query.

import { createServer, type Server, type Socket } from 'node:net'
import type { Clock } from '../../lib/clock.ts'
import { asError, NetpluginError } from '../../lib/errors.ts'
import type { Log } from '../../lib/log.ts'
import { Tasks } from '../../lib/tasks.ts'
import { type Answer, encodeAnswer, failure, udpLimit } from './answer.ts'
import { Datagrams, type Peer } from './datagrams.ts'
import { framed, framesOf } from './framing.ts'
import { decodeQuery, type Query } from './query.ts'

export type Transport = 'udp' | 'tcp'

export interface Source {
  readonly address: string
  readonly port: number
  readonly transport: Transport
}

/**
 * Answers one query; at once, or later. The signal aborts when the server closes or the time is up. A failure is
 * answered with SERVFAIL.
 */
export type Resolve = (query: Query, source: Source, signal: AbortSignal) => Answer | Promise<Answer>

export type Listen =
  | {
      readonly kind: 'address'
      readonly address: string
      readonly port: number
      /** Another process may serve the same address: each takes a part of the clients. */
      readonly shared: boolean
    }
  /** Sockets that are bound already, the TCP one listening; they may belong to another network namespace. */
  | { readonly kind: 'descriptors'; readonly family: 4 | 6; readonly udp: number; readonly tcp: number }

export interface DnsServerOptions {
  readonly listen: Listen
  readonly maxConnections: number
  /** From one client address. */
  readonly maxConnectionsEach: number
  /** A connection without progress for this long is closed. */
  readonly idleTimeoutMs: number
  /** A query that is not answered by then is answered with SERVFAIL. */
  readonly resolveTimeoutMs: number
  /** Queries waiting for an answer; more are dropped, so that clients ask again. */
  readonly maxPending: number
  /** Of one client address. */
  readonly maxPendingEach: number
}

export interface DnsServerDeps {
  readonly resolve: Resolve
  /** Asked before a message is looked at: when false it is dropped, and a connection closed. */
  readonly admit: (source: Source) => boolean
  readonly clock: Clock
  readonly log: Log
}

const maxTcpBytes = 65_535

export class DnsServer {
  readonly #options: DnsServerOptions
  readonly #deps: DnsServerDeps
  readonly #tasks: Tasks
  readonly #closing = new AbortController()
  #udp: Datagrams | undefined
  readonly #tcp: Server
  /** Oldest progress first. */
  readonly #connections = new Set<Socket>()
  #pending = 0
  /** By client address. */
  readonly #pendingOf = new Map<string, number>()

  constructor(options: DnsServerOptions, deps: DnsServerDeps) {
    this.#options = options
    this.#deps = deps
    this.#tasks = new Tasks({ log: deps.log })
    this.#tcp = createServer({ allowHalfOpen: true }, (socket) => this.#accept(socket))
  }

  /** Starts to answer. Errors: `unavailable` DNS_LISTEN_FAILED. */
  async start(): Promise<{ readonly address: string; readonly port: number }> {
    const { listen } = this.#options
    try {
      this.#udp = this.#openUdp(listen)
      const { address, port } = await this.#udp.start()
      // With port 0 the kernel chose one for UDP; clients expect TCP on the same.
      await this.#openTcp(listen, port)
      this.#tcp.on('error', (error) => this.#deps.log.warn('dns socket failed', { error: error.message }))
      return { address, port }
    } catch (cause) {
      await this.stop()
      const where = listen.kind === 'address' ? `${listen.address} port ${listen.port}` : 'the given descriptors'
      const why = asError(cause).message
      throw new NetpluginError('unavailable', 'DNS_LISTEN_FAILED', `cannot serve DNS on ${where}: ${why}`, { cause })
    }
  }

  /** Closes everything; queries being resolved are aborted. */
  async stop(): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort(new NetpluginError('unavailable', 'DNS_STOPPED', 'the DNS server stopped'))
    for (const socket of this.#connections) socket.destroy()
    await new Promise<void>((resolve) => this.#tcp.close(() => resolve()))
    await this.#udp?.close()
    await this.#tasks.settled()
  }

  #openUdp(listen: Listen): Datagrams {
    return new Datagrams(
      listen.kind === 'address' ? listen : { descriptor: listen.udp, family: listen.family },
      (message, peer) => this.#onDatagram(message, peer),
      (error) => this.#deps.log.warn('dns socket failed', { error: error.message }),
    )
  }

  #openTcp(listen: Listen, port: number): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#tcp.once('error', reject)
      const opened = () => {
        this.#tcp.off('error', reject)
        resolve()
      }
      if (listen.kind === 'address') this.#tcp.listen({ host: listen.address, port, reusePort: listen.shared }, opened)
      else this.#tcp.listen({ fd: listen.tcp }, opened)
    })
  }

  /** What is known at once is returned. */
  #onDatagram(message: Buffer, peer: Peer): Buffer | undefined {
    if (peer.port === 0) return undefined // nobody can listen there: a forged source
    const source: Source = { address: peer.address, port: peer.port, transport: 'udp' }
    if (!this.#deps.admit(source)) return undefined
    const decoded = decodeQuery(message)
    if (decoded.kind === 'dropped') return undefined
    if (decoded.kind === 'refused') return decoded.reply
    const { query } = decoded
    const reply = this.#resolve(query, source, udpLimit(query))
    if (!(reply instanceof Promise)) return reply
    this.#tasks.spawn('dns query', async () => {
      const later = await reply
      if (later !== undefined && !this.#closing.signal.aborted) this.#udp?.send(later, source)
    })
    return undefined
  }

  /** The bytes to send, if any: at once when `resolve` knows at once, which is the hot path. */
  #resolve(query: Query, source: Source, maxBytes: number): Buffer | undefined | Promise<Buffer | undefined> {
    const { maxPending, maxPendingEach } = this.#options
    if (this.#pending >= maxPending || (this.#pendingOf.get(source.address) ?? 0) >= maxPendingEach) return undefined
    try {
      const answer = this.#deps.resolve(query, source, this.#closing.signal)
      if (answer instanceof Promise) return this.#resolveLater(query, source.address, answer, maxBytes)
      return encodeAnswer(query, answer, maxBytes)
    } catch (error) {
      return this.#failed(query, error, maxBytes)
    }
  }

  async #resolveLater(
    query: Query,
    client: string,
    later: Promise<Answer>,
    maxBytes: number,
  ): Promise<Buffer | undefined> {
    const done = new AbortController()
    const deadline = this.#deps.clock
      .after(this.#options.resolveTimeoutMs, AbortSignal.any([done.signal, this.#closing.signal]))
      .then(() => failure('SERVFAIL'))
    this.#count(client, 1)
    try {
      return encodeAnswer(query, await Promise.race([later, deadline]), maxBytes)
    } catch (error) {
      return this.#closing.signal.aborted ? undefined : this.#failed(query, error, maxBytes)
    } finally {
      this.#count(client, -1)
      deadline.catch(() => {})
      done.abort()
    }
  }

  #count(client: string, step: 1 | -1): void {
    this.#pending += step
    const pending = (this.#pendingOf.get(client) ?? 0) + step
    if (pending === 0) this.#pendingOf.delete(client)
    else this.#pendingOf.set(client, pending)
  }

  #failed(query: Query, error: unknown, maxBytes: number): Buffer | undefined {
    const { name, type } = query.question
    this.#deps.log.warn('dns query failed', { name, type, error: asError(error).message })
    return encodeAnswer(query, failure('SERVFAIL'), maxBytes)
  }

  #accept(socket: Socket): void {
    socket.on('error', () => socket.destroy())
    socket.on('close', () => this.#connections.delete(socket))
    socket.setTimeout(this.#options.idleTimeoutMs, () => socket.destroy())
    this.#connections.add(socket)
    this.#makeRoom([...this.#connections].filter((other) => other.remoteAddress === socket.remoteAddress))
    this.#tasks.spawn('dns connection', () => this.#serveConnection(socket))
  }

  /** `fromThere`: the connections of one client address, oldest progress first. */
  #makeRoom(fromThere: readonly Socket[]): void {
    const { maxConnections, maxConnectionsEach } = this.#options
    if (fromThere.length > maxConnectionsEach) fromThere[0]?.destroy()
    else if (this.#connections.size > maxConnections) [...this.#connections][0]?.destroy()
  }

  /** One query after the other: a client that does not read its answers stops being served, and nothing piles up. */
  async #serveConnection(socket: Socket): Promise<void> {
    const { remoteAddress: address = '', remotePort: port = 0 } = socket
    const source: Source = { address, port, transport: 'tcp' }
    try {
      for await (const message of framesOf(socket)) {
        if (!this.#deps.admit(source)) break
        const decoded = decodeQuery(message)
        if (decoded.kind === 'dropped') break
        if (this.#connections.delete(socket)) this.#connections.add(socket)
        const reply =
          decoded.kind === 'refused' ? decoded.reply : await this.#resolve(decoded.query, source, maxTcpBytes)
        if (reply !== undefined && !(await written(socket, framed(reply)))) break
      }
    } catch {
      // The peer went away within a message.
    } finally {
      socket.end(() => socket.destroy())
    }
  }
}

/** Whether the connection took the bytes. */
function written(socket: Socket, bytes: Buffer): Promise<boolean> {
  return new Promise((resolve) => {
    if (socket.destroyed) return resolve(false)
    const closed = () => resolve(false)
    socket.once('close', closed)
    socket.write(bytes, (error) => {
      socket.off('close', closed)
      resolve(error === undefined || error === null)
    })
  })
}
