// The structures that recvmmsg(2) and sendmmsg(2) work on, for 64-bit Linux: an array of mmsghdr, each with one buffer and
// the address of the other side.

import { allocate, type Memory } from '../../lib/libc.ts'

/** struct mmsghdr: name, length of name, buffers, number of buffers, control, its length, flags; bytes received. */
const headerBytes = 64
const headerAt = { name: 0, nameLength: 8, buffers: 16, bufferCount: 24, flags: 48, received: 56 } as const
/** struct iovec: where, how long. */
const bufferBytes = 16
/** struct sockaddr_in6 is the longest, 28 bytes. */
const nameBytes = 32
const truncated = 0x20

export class Batch {
  readonly #memory: Memory
  readonly #bytes: Buffer
  readonly #count: number
  readonly #maxBytes: number

  constructor(count: number, maxBytes: number) {
    this.#count = count
    this.#maxBytes = maxBytes
    this.#memory = allocate(count * (headerBytes + bufferBytes + nameBytes + maxBytes))
    this.#bytes = this.#memory.bytes
    for (let index = 0; index < count; index++) {
      const header = index * headerBytes
      this.#point(header + headerAt.name, this.#nameAt(index))
      this.#point(header + headerAt.buffers, this.#bufferAt(index))
      this.#bytes.writeUInt32LE(1, header + headerAt.bufferCount)
      this.#point(this.#bufferAt(index), this.#dataAt(index))
      this.#bytes.writeUInt32LE(maxBytes, this.#bufferAt(index) + 8)
    }
  }

  /** Where the header of this one is, and behind it those of the next. */
  header(index: number): bigint {
    return this.#memory.address + BigInt(index * headerBytes)
  }

  /** Makes all ready to be received into; the address of the first. */
  prepare(): bigint {
    for (let index = 0; index < this.#count; index++) {
      this.#bytes.writeUInt32LE(nameBytes, index * headerBytes + headerAt.nameLength)
    }
    return this.#memory.address
  }

  /** What was received, not a copy; undefined when it was too long. */
  message(index: number): Buffer | undefined {
    const header = index * headerBytes
    if ((this.#bytes.readUInt32LE(header + headerAt.flags) & truncated) !== 0) return undefined
    const start = this.#dataAt(index)
    return this.#bytes.subarray(start, start + this.#bytes.readUInt32LE(header + headerAt.received))
  }

  /** The socket address of the other side, not a copy. */
  name(index: number): Buffer {
    const start = this.#nameAt(index)
    return this.#bytes.subarray(start, start + this.#bytes.readUInt32LE(index * headerBytes + headerAt.nameLength))
  }

  /** What to send there; `message` is no longer than the most. */
  put(index: number, message: Buffer, name: Buffer): void {
    if (message.length > this.#maxBytes)
      throw new RangeError(`${message.length} bytes for a place of ${this.#maxBytes}`)
    message.copy(this.#bytes, this.#dataAt(index))
    name.copy(this.#bytes, this.#nameAt(index))
    this.#bytes.writeUInt32LE(name.length, index * headerBytes + headerAt.nameLength)
    this.#bytes.writeUInt32LE(message.length, this.#bufferAt(index) + 8)
  }

  free(): void {
    this.#memory.free()
  }

  #point(at: number, to: number): void {
    this.#bytes.writeBigUInt64LE(this.#memory.address + BigInt(to), at)
  }

  #bufferAt(index: number): number {
    return this.#count * headerBytes + index * bufferBytes
  }

  #nameAt(index: number): number {
    return this.#count * (headerBytes + bufferBytes) + index * nameBytes
  }

  #dataAt(index: number): number {
    return this.#count * (headerBytes + bufferBytes + nameBytes) + index * this.#maxBytes
  }
}
