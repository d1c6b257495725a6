// UDP in batches: a system call and Node's way to it cost several times what an answer costs. Node's own socket on the
// same descriptor says that something has come and reads the first datagram; what else is there by then is read, and all
// of it answered, by one call each (recvmmsg(2), sendmmsg(2)).

import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'
import { getSystemErrorName } from 'node:util'
import { NetpluginError } from '../../lib/errors.ts'
import { libc } from '../../lib/libc.ts'
import { Batch } from './datagram-batch.ts'
import { SocketAddresses, socketAddress } from './socket-address.ts'

export interface Peer {
  readonly address: string
  readonly port: number
}

/** The bytes to send back at once, if any. `message` is valid within the call only. */
export type Reply = (message: Buffer, peer: Peer) => Buffer | undefined

export type DatagramListen =
  | {
      readonly address: string
      readonly port: number
      /** Another socket may have the same address: each takes a part of the clients. */
      readonly shared: boolean
    }
  /** Bound already, not blocking. It is closed with the rest. */
  | { readonly descriptor: number; readonly family: 4 | 6 }

/** Datagrams read with one call: the answer to the first waits for those to the others, some 10 µs each. */
const batchSize = 32
/** No question is that long. */
const maxBytes = 4_096
/** Some thousand may wait while we do something else. Linux gives what net.core.rmem_max allows. */
const receiveBufferBytes = 1_048_576
const dontWait = 0x40
const againErrno = -11
const families = { 4: 2, 6: 10 } as const
const datagramSocket = 2
const closeOnExec = 0o2000000
const nonBlocking = 0o4000
const solSocket = 1
const options = { receiveBuffer: 8, reusePort: 15 } as const

export class Datagrams {
  readonly #descriptor: number
  readonly #family: 4 | 6
  readonly #reply: Reply
  readonly #socket: Socket
  readonly #received = new Batch(batchSize, maxBytes)
  readonly #replies = new Batch(batchSize + 1, maxBytes)
  readonly #addresses: SocketAddresses
  #isBound = false
  #isClosed = false

  /** Errors: `unavailable` UDP_FAILED when the address cannot be had. */
  constructor(listen: DatagramListen, reply: Reply, onError: (error: Error) => void) {
    this.#family = 'descriptor' in listen ? listen.family : familyOf(listen.address)
    this.#descriptor = 'descriptor' in listen ? listen.descriptor : openDescriptor(listen)
    this.#reply = reply
    this.#addresses = new SocketAddresses(this.#family)
    this.#socket = createSocket({
      type: this.#family === 6 ? 'udp6' : 'udp4',
      // Addresses of clients are numbers already: the usual lookup would cost a turn of the event loop.
      lookup: (address, _, callback) => callback(null, address, this.#family),
    })
    this.#socket.on('message', (message, peer) => this.#onMessage(message, peer))
    this.#socket.on('error', onError)
  }

  /** Datagrams come from now on. */
  start(): Promise<Peer> {
    return new Promise((resolve, reject) => {
      this.#socket.once('error', reject)
      this.#socket.bind({ fd: this.#descriptor, exclusive: true }, () => {
        this.#isBound = true
        this.#socket.off('error', reject)
        resolve(this.#socket.address())
      })
    })
  }

  /** Later than at once. */
  send(message: Buffer, { address, port }: Peer): void {
    // A client that went away is no fault of ours: without a callback the error would come up as an event.
    if (!this.#isClosed) this.#socket.send(message, port, address, () => {})
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    if (!this.#isBound) libc.close(this.#descriptor)
    await new Promise<void>((resolve) => this.#socket.close(() => resolve()))
    this.#received.free()
    this.#replies.free()
  }

  #onMessage(message: Buffer, peer: RemoteInfo): void {
    let replies = message.length > maxBytes ? 0 : this.#answer(message, peer, 0)
    // The descriptor may be another file's as soon as this is closed.
    const received = this.#isClosed ? 0 : this.#receive()
    for (let index = 0; index < received && !this.#isClosed; index++) {
      const [peer, next] = [this.#addresses.read(this.#received.name(index)), this.#received.message(index)]
      if (peer !== undefined && next !== undefined) replies = this.#answer(next, peer, replies)
    }
    this.#send(replies)
  }

  #receive(): number {
    return libc.receiveMany(this.#descriptor, this.#received.prepare(), batchSize, dontWait)
  }

  /** The number of replies after it. */
  #answer(message: Buffer, peer: Peer, replies: number): number {
    const reply = this.#reply(message, peer)
    if (reply === undefined || this.#isClosed) return replies
    this.#replies.put(replies, reply, this.#addresses.write(peer))
    return replies + 1
  }

  #send(count: number): void {
    let done = 0
    while (done < count && !this.#isClosed) {
      const sent = libc.sendMany(this.#descriptor, this.#replies.header(done), count - done, dontWait)
      if (sent > 0) done += sent
      // What the system has no room for is lost like anything on a network; one that cannot be sent hinders no other.
      else if (sent === againErrno) return
      else done += 1
    }
  }
}

function familyOf(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4
}

function openDescriptor(listen: Extract<DatagramListen, { address: string }>): number {
  const { address, port, shared } = listen
  const family = familyOf(address)
  const fd = checked(libc.socket(families[family], datagramSocket | closeOnExec | nonBlocking, 0))
  try {
    checked(libc.setSocketOption(fd, solSocket, options.receiveBuffer, number32(receiveBufferBytes)))
    if (shared) checked(libc.setSocketOption(fd, solSocket, options.reusePort, number32(1)))
    checked(libc.bind(fd, socketAddress(address, port)))
    return fd
  } catch (error) {
    libc.close(fd)
    throw error
  }
}

function checked(result: number): number {
  if (result >= 0) return result
  throw new NetpluginError('unavailable', 'UDP_FAILED', getSystemErrorName(result))
}

function number32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes
}
