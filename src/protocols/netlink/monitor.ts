// Tells when links and addresses of a namespace change: netlink multicast, driven by Node's own event loop.
//
// Node watches only descriptors that it can name (pipes, TCP, UDP), and a blocking receive on a thread would hold one of
// the four threads that file and name look-ups share, and hold up the end of the process. So the event loop is given the
// read end of a pipe, and the netlink socket is put in the pipe's place under the same number (dup3) before the loop first
// looks: from there on it waits for, and reads, netlink datagrams. No thread, no polling, and a clean end.

import { Socket } from 'node:net'
import { Reader, Writer } from '../../lib/bytes.ts'
import { asError } from '../../lib/errors.ts'
import { libc } from '../../lib/libc.ts'
import type { Log } from '../../lib/log.ts'
import { type AddressInfo, decodeAddress } from './address.ts'
import { addressFamily, closeOnExec, messageType, multicastGroup, socketOption, socketType } from './constants.ts'
import { errnoName, systemError } from './errno.ts'
import { decodeLink, type LinkInfo } from './link.ts'
import { type NetlinkMessage, readMessages } from './message.ts'
import { openNetlink } from './socket.ts'

export type LinkEvent =
  | { readonly type: 'link'; readonly link: LinkInfo }
  | { readonly type: 'link-gone'; readonly link: LinkInfo }
  | { readonly type: 'address'; readonly address: AddressInfo }
  | { readonly type: 'address-gone'; readonly address: AddressInfo }
  /** Events were lost: read everything again. */
  | { readonly type: 'resync' }

const receiveBytes = 65536
/** The kernel keeps this much for us while the process is busy; it takes twice that for its own overhead. */
const queueBytes = 1 << 20
/** Somebody who makes changes faster than they are read must not keep the process for ever. */
const drainLimit = 50_000

export class LinkMonitor {
  readonly #fd: number
  readonly #listener: (event: LinkEvent) => void
  readonly #log: Log
  readonly #buffer = Buffer.alloc(receiveBytes)
  #stream: Socket
  #stopping = false
  /** Errors in a row without a datagram between them. */
  #failures = 0

  private constructor(fd: number, { log }: { readonly log: Log }, listener: (event: LinkEvent) => void) {
    this.#fd = fd
    this.#log = log
    this.#listener = listener
    this.#stream = this.#attach()
  }

  /** Watches the namespace that the thread is in now, until `stop`. Keeps the process alive meanwhile. */
  static start(deps: { readonly log: Log }, listener: (event: LinkEvent) => void): LinkMonitor {
    const fd = openNetlink('route', socketType.nonBlocking)
    try {
      setNumber(fd, socketOption.socketLevel, socketOption.receiveBuffer, queueBytes)
      for (const group of Object.values(multicastGroup)) {
        const status = setNumber(fd, socketOption.netlinkLevel, socketOption.addMembership, group)
        if (status < 0) throw systemError('subscribe to link events', -status)
      }
      return new LinkMonitor(fd, deps, listener)
    } catch (error) {
      libc.close(fd)
      throw error
    }
  }

  /** After it resolves, no event is reported and the sockets are closed. */
  async stop(): Promise<void> {
    if (this.#stopping) return
    this.#stopping = true
    libc.close(this.#fd)
    if (this.#stream.closed) return
    const closed = new Promise<void>((resolve) => this.#stream.once('close', () => resolve()))
    this.#stream.destroy()
    await closed
  }

  /** A stream of the event loop that reads our socket. */
  #attach(): Socket {
    const ends = Buffer.alloc(8)
    const made = libc.pipe(ends, closeOnExec)
    if (made < 0) throw systemError('watch link events', -made)
    const reader = new Reader(ends)
    const [standIn, other] = [reader.u32le(), reader.u32le()]
    const onread = { buffer: this.#buffer, callback: (length: number) => this.#onDatagram(length) }
    const stream = new Socket({ fd: standIn, readable: true, writable: false, onread })
    libc.close(other)
    const status = libc.duplicate(this.#fd, standIn, closeOnExec)
    stream.on('error', (error) => this.#onError(error))
    if (status < 0) {
      stream.destroy()
      throw systemError('watch link events', -status)
    }
    return stream
  }

  /**
   * Reports at once what the kernel has told so far, without waiting for the event loop. A change that this process made
   * by a finished netlink call is among it.
   */
  drain(): void {
    if (this.#stopping) return
    // A buffer of its own: the listener may call this while it is being told of the contents of the other.
    const buffer = Buffer.allocUnsafe(receiveBytes)
    for (let datagrams = 0; datagrams < drainLimit; datagrams++) {
      const length = libc.receive(this.#fd, buffer, 0)
      if (length >= 0) this.#report(buffer.subarray(0, length))
      else if (errnoName(-length) === 'ENOBUFS') this.#listener({ type: 'resync' })
      else if (errnoName(-length) !== 'EINTR') return
    }
    this.#listener({ type: 'resync' })
  }

  #onDatagram(length: number): boolean {
    if (this.#stopping) return false
    this.#failures = 0
    this.#report(this.#buffer.subarray(0, length))
    return !this.#stopping
  }

  #report(datagram: Buffer): void {
    try {
      const events = readMessages(datagram).map(linkEvent)
      for (const event of events) if (event !== undefined && !this.#stopping) this.#listener(event)
    } catch (error) {
      this.#log.error('link event not handled', { error: asError(error).message })
    }
  }

  /** ENOBUFS: events came faster than they were read, and some are lost. The stream has ended; the socket has not. */
  #onError(error: Error): void {
    if (this.#stopping) return
    this.#failures++
    this.#log.warn('link events were lost', { error: error.message })
    if (this.#failures > 3) {
      this.#log.error('link events cannot be read any more', { error: error.message })
      return
    }
    this.#stream = this.#attach()
    this.#listener({ type: 'resync' })
  }
}

/** The event a multicast message tells of; undefined for those that are not ours. */
export function linkEvent(message: NetlinkMessage): LinkEvent | undefined {
  // Bridges tell of their ports with link messages of the family AF_BRIDGE: leaving a bridge is not the end of a link.
  const ofBridge = message.body[0] !== addressFamily.unspecified
  if (ofBridge && (message.type === messageType.newLink || message.type === messageType.delLink)) return undefined
  switch (message.type) {
    case messageType.newLink:
      return { type: 'link', link: decodeLink(message.body) }
    case messageType.delLink:
      return { type: 'link-gone', link: decodeLink(message.body) }
    case messageType.newAddress:
      return addressEvent('address', message.body)
    case messageType.delAddress:
      return addressEvent('address-gone', message.body)
    default:
      return undefined
  }
}

function addressEvent(type: 'address' | 'address-gone', body: Buffer): LinkEvent | undefined {
  const address = decodeAddress(body)
  return address === undefined ? undefined : { type, address }
}

function setNumber(fd: number, level: number, option: number, value: number): number {
  return libc.setSocketOption(fd, level, option, new Writer(4).u32le(value).take())
}
