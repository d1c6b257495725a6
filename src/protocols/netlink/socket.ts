// A netlink socket, synchronous: send requests, wait for the kernel's answers (netlink(7)). The kernel answers within
// the call as a rule; a time limit on receive guards against the exception.

import { Writer } from '../../lib/bytes.ts'
import { NetpluginError } from '../../lib/errors.ts'
import { libc } from '../../lib/libc.ts'
import {
  addressFamily,
  messageFlag,
  messageTruncated,
  messageType,
  type NetlinkProtocol,
  protocolNumber,
  socketOption,
  socketType,
} from './constants.ts'
import { errnoName, systemError } from './errno.ts'
import { type Ack, type NetlinkMessage, readAck, readMessages, writeMessage } from './message.ts'

export interface NetlinkRequest {
  /** Completes the sentence "cannot …" in errors: `create the veth vp1`. */
  readonly action: string
  readonly type: number
  /** Beyond `request` and `ack`, which are always set. */
  readonly flags?: number
  readonly body: Buffer
}

/** Receives at least one whole datagram: the kernel fills at most 32 KiB in a dump. */
const receiveBytes = 65536
/** Answers of a batch wait in the receive buffer (about 200 KiB, 768 bytes each with overhead). */
const batchLimit = 64
const answerTimeoutSeconds = 10
const dumpTries = 5

export class NetlinkSocket {
  readonly #fd: number
  readonly #buffer = Buffer.alloc(receiveBytes)
  #sequence = 0
  #open = true

  private constructor(fd: number) {
    this.#fd = fd
  }

  /** Opens a socket in the network namespace that the thread is in now; it stays there. */
  static open(protocol: NetlinkProtocol): NetlinkSocket {
    const fd = openNetlink(protocol, 0)
    const timeout = Buffer.alloc(16)
    timeout.writeBigInt64LE(BigInt(answerTimeoutSeconds))
    libc.setSocketOption(fd, socketOption.socketLevel, socketOption.receiveTimeout, timeout)
    libc.setSocketOption(fd, socketOption.socketLevel, socketOption.sendTimeout, timeout)
    return new NetlinkSocket(fd)
  }

  close(): void {
    if (this.#open) libc.close(this.#fd)
    this.#open = false
  }

  /** Sends the request and waits for its acknowledgement; throws what the kernel refused it with. */
  run(request: NetlinkRequest): void {
    for (const error of this.runAll([request])) if (error !== undefined) throw error
  }

  /** The same without keeping this thread busy while the kernel works. Nothing else may use the socket meanwhile. */
  async runAside(request: NetlinkRequest): Promise<void> {
    const writer = new Writer(256)
    const sequence = this.#write(writer, request, messageFlag.ack)
    const sent = await libc.sendAside(this.#fd, Buffer.from(writer.view()))
    if (sent < 0) throw new NetpluginError('unavailable', 'NETLINK_FAILED', `cannot ${request.action}`)
    // The kernel has answered by now.
    for (const message of this.#receive(request.action)) {
      if (message.sequence !== sequence || message.type !== messageType.error) continue
      const error = ackError(request, readAck(message))
      if (error !== undefined) throw error
    }
  }

  /**
   * Sends the requests together: the kernel treats each by itself and in order, also after one has failed. Returns the
   * error of each, or undefined.
   */
  runAll(requests: readonly NetlinkRequest[]): (NetpluginError | undefined)[] {
    const errors: (NetpluginError | undefined)[] = []
    for (let start = 0; start < requests.length; start += batchLimit) {
      errors.push(...this.#runBatch(requests.slice(start, start + batchLimit)))
    }
    return errors
  }

  #runBatch(requests: readonly NetlinkRequest[]): (NetpluginError | undefined)[] {
    const first = this.#sequence + 1
    const writer = new Writer(256 * requests.length)
    for (const request of requests) this.#write(writer, request, messageFlag.ack)
    this.#send(writer.view(), requests[0]?.action ?? 'ask the kernel')
    const answers = new Map<number, Ack>()
    while (answers.size < requests.length) {
      for (const message of this.#receive(requests[0]?.action ?? 'ask the kernel')) {
        const current = message.sequence >= first && message.sequence <= this.#sequence
        if (current && message.type === messageType.error) answers.set(message.sequence, readAck(message))
      }
    }
    return requests.map((request, index) => ackError(request, answers.get(first + index)))
  }

  /** Sends a request that is answered by one message; undefined when the kernel says that there is no such thing. */
  get<T>(request: NetlinkRequest, decode: (body: Buffer) => T): T | undefined {
    const writer = new Writer(256)
    const sequence = this.#write(writer, request, 0)
    this.#send(writer.view(), request.action)
    for (;;) {
      for (const message of this.#receive(request.action)) {
        if (message.sequence !== sequence) continue
        if (message.type !== messageType.error) return decode(message.body)
        const error = ackError(request, readAck(message))
        if (error?.kind === 'not-found') return undefined
        throw (
          error ?? new NetpluginError('protocol', 'NO_ANSWER', `cannot ${request.action}: the kernel sent no answer`)
        )
      }
    }
  }

  /** All answers to a dump request. A dump that the kernel calls inconsistent is repeated. */
  dump<T>(request: NetlinkRequest, decode: (body: Buffer) => T | undefined): T[] {
    for (let tries = 0; tries < dumpTries; tries++) {
      const found = this.#dumpOnce(request, decode)
      if (found !== undefined) return found
    }
    throw new NetpluginError(
      'unavailable',
      'DUMP_INTERRUPTED',
      `cannot ${request.action}: it changes all the time; try again`,
    )
  }

  #dumpOnce<T>(request: NetlinkRequest, decode: (body: Buffer) => T | undefined): T[] | undefined {
    const writer = new Writer(64)
    const sequence = this.#write(writer, request, messageFlag.dump)
    this.#send(writer.view(), request.action)
    const found: T[] = []
    let interrupted = false
    for (;;) {
      for (const message of this.#receive(request.action)) {
        if (message.sequence !== sequence) continue
        if ((message.flags & messageFlag.dumpInterrupted) !== 0) interrupted = true
        if (message.type === messageType.done || message.type === messageType.error) {
          const error = ackError(request, readAck(message))
          if (error !== undefined) throw error
          return interrupted ? undefined : found
        }
        const value = decode(message.body)
        if (value !== undefined) found.push(value)
      }
    }
  }

  #write(writer: Writer, request: NetlinkRequest, flags: number): number {
    const sequence = ++this.#sequence
    const all = messageFlag.request | flags | (request.flags ?? 0)
    writeMessage(writer, { type: request.type, flags: all, sequence, port: 0, body: request.body })
    return sequence
  }

  #send(bytes: Buffer, action: string): void {
    if (!this.#open)
      throw new NetpluginError('internal', 'NETLINK_CLOSED', `cannot ${action}: the netlink socket is closed`)
    const sent = untilNotInterrupted(() => libc.send(this.#fd, bytes, 0))
    if (sent < 0) throw systemError(action, -sent)
  }

  /** The messages of the next datagram; their bodies are valid until the next call. */
  #receive(action: string): NetlinkMessage[] {
    const length = untilNotInterrupted(() => libc.receive(this.#fd, this.#buffer, messageTruncated))
    if (length < 0) throw this.#receiveError(action, -length)
    if (length > this.#buffer.length) {
      throw new NetpluginError(
        'protocol',
        'NETLINK_TRUNCATED',
        `cannot ${action}: the answer of ${length} bytes is too long`,
      )
    }
    return readMessages(this.#buffer.subarray(0, length))
  }

  #receiveError(action: string, errno: number): NetpluginError {
    if (errnoName(errno) !== 'EAGAIN') return systemError(action, errno)
    const message = `cannot ${action}: the kernel did not answer within ${answerTimeoutSeconds} s`
    return new NetpluginError('timeout', 'NETLINK_TIMEOUT', message)
  }
}

function ackError(request: NetlinkRequest, ack: Ack | undefined): NetpluginError | undefined {
  if (ack === undefined || ack.errno === 0) return undefined
  return systemError(request.action, ack.errno, ack.text, ack.offset === undefined ? {} : { offset: ack.offset })
}

/** Receive with a time limit ends with EINTR at any signal, whatever the handler's flags say. */
function untilNotInterrupted(call: () => number): number {
  for (let tries = 0; ; tries++) {
    const result = call()
    if (result >= 0 || tries === 100 || errnoName(-result) !== 'EINTR') return result
  }
}

/** A bound netlink socket in the current namespace, with the options that all our sockets have. The caller closes it. */
export function openNetlink(protocol: NetlinkProtocol, extraType: number): number {
  const type = socketType.raw | socketType.closeOnExec | extraType
  const fd = libc.socket(addressFamily.netlink, type, protocolNumber[protocol])
  if (fd < 0) throw systemError('open a netlink socket', -fd)
  const on = new Writer(4).u32le(1).take()
  // Kernels without these options answer less helpfully, but well enough.
  for (const option of [socketOption.extendedAck, socketOption.capAck, socketOption.strictCheck]) {
    libc.setSocketOption(fd, socketOption.netlinkLevel, option, on)
  }
  const bound = libc.bind(fd, new Writer(12).u16le(addressFamily.netlink).zeros(10).take())
  if (bound < 0) {
    libc.close(fd)
    throw systemError('bind a netlink socket', -bound)
  }
  return fd
}
