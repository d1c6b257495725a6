// A growing writer and a bounds-checked reader over one Buffer, so that codecs never do offset arithmetic.
// Network byte order is the default; the `le` forms are for Linux netlink, which speaks the host's order.

import { NetpluginError } from './errors.ts'

/** Where a number of 64 bits is taken apart: Buffer's own way takes several times as long. */
const wide = new DataView(new ArrayBuffer(8))
const wideBytes = new Uint8Array(wide.buffer)

export class Writer {
  #buffer: Buffer
  #length = 0

  constructor(capacity = 256) {
    this.#buffer = Buffer.allocUnsafe(capacity)
  }

  get length(): number {
    return this.#length
  }

  #reserve(bytes: number): number {
    const at = this.#length
    const needed = at + bytes
    if (needed > this.#buffer.length) {
      const grown = Buffer.allocUnsafe(Math.max(needed, this.#buffer.length * 2))
      this.#buffer.copy(grown, 0, 0, at)
      this.#buffer = grown
    }
    this.#length = needed
    return at
  }

  u8(value: number): this {
    const at = this.#reserve(1)
    this.#buffer[at] = value
    return this
  }

  u16(value: number): this {
    const at = this.#reserve(2)
    this.#buffer[at] = value >>> 8
    this.#buffer[at + 1] = value
    return this
  }

  u32(value: number): this {
    const at = this.#reserve(4)
    this.#buffer[at] = value >>> 24
    this.#buffer[at + 1] = value >>> 16
    this.#buffer[at + 2] = value >>> 8
    this.#buffer[at + 3] = value
    return this
  }

  u64(value: bigint): this {
    const at = this.#reserve(8)
    wide.setBigUint64(0, value)
    for (let byte = 0; byte < 8; byte++) this.#buffer[at + byte] = wideBytes[byte] as number
    return this
  }

  u16le(value: number): this {
    const at = this.#reserve(2)
    this.#buffer[at] = value
    this.#buffer[at + 1] = value >>> 8
    return this
  }

  u32le(value: number): this {
    const at = this.#reserve(4)
    this.#buffer[at] = value
    this.#buffer[at + 1] = value >>> 8
    this.#buffer[at + 2] = value >>> 16
    this.#buffer[at + 3] = value >>> 24
    return this
  }

  bytes(value: Uint8Array): this {
    const at = this.#reserve(value.length)
    this.#buffer.set(value, at)
    return this
  }

  ascii(value: string): this {
    const at = this.#reserve(value.length)
    this.#buffer.write(value, at, 'latin1')
    return this
  }

  zeros(count: number): this {
    const at = this.#reserve(count)
    this.#buffer.fill(0, at, at + count)
    return this
  }

  /** Zeros until the length counted from `start` is a multiple of `boundary`. */
  align(boundary: number, start = 0): this {
    const over = (this.#length - start) % boundary
    return over === 0 ? this : this.zeros(boundary - over)
  }

  patchU16(at: number, value: number): this {
    this.#buffer.writeUInt16BE(value, at)
    return this
  }

  patchU16le(at: number, value: number): this {
    this.#buffer.writeUInt16LE(value, at)
    return this
  }

  patchU32le(at: number, value: number): this {
    this.#buffer.writeUInt32LE(value, at)
    return this
  }

  /** The bytes written so far; a view that the next write may invalidate. */
  view(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  /** A copy of the bytes written so far, safe to keep. */
  take(): Buffer {
    return Buffer.from(this.view())
  }

  reset(): this {
    this.#length = 0
    return this
  }
}

/** Reads forward; a read past the end throws a `protocol` error (TRUNCATED), never returns garbage. */
export class Reader {
  readonly #buffer: Buffer
  readonly #end: number
  #at: number

  constructor(buffer: Buffer, start = 0, end = buffer.length) {
    this.#buffer = buffer
    this.#at = start
    this.#end = Math.min(end, buffer.length)
  }

  get offset(): number {
    return this.#at
  }

  get remaining(): number {
    return this.#end - this.#at
  }

  #advance(bytes: number): number {
    const at = this.#at
    if (bytes < 0 || at + bytes > this.#end) {
      throw new NetpluginError('protocol', 'TRUNCATED', `message ends ${at + bytes - this.#end} bytes early`, {
        details: { offset: at, wanted: bytes, remaining: this.#end - at },
      })
    }
    this.#at = at + bytes
    return at
  }

  u8(): number {
    return this.#buffer.readUInt8(this.#advance(1))
  }

  u16(): number {
    return this.#buffer.readUInt16BE(this.#advance(2))
  }

  u32(): number {
    return this.#buffer.readUInt32BE(this.#advance(4))
  }

  u64(): bigint {
    return this.#buffer.readBigUInt64BE(this.#advance(8))
  }

  u16le(): number {
    return this.#buffer.readUInt16LE(this.#advance(2))
  }

  u32le(): number {
    return this.#buffer.readUInt32LE(this.#advance(4))
  }

  i32le(): number {
    return this.#buffer.readInt32LE(this.#advance(4))
  }

  /** A view of the next `count` bytes. */
  bytes(count: number): Buffer {
    const at = this.#advance(count)
    return this.#buffer.subarray(at, at + count)
  }

  skip(count: number): this {
    this.#advance(count)
    return this
  }

  /** Skips to the next multiple of `boundary`, counted from `start`; stops at the end of the message. */
  align(boundary: number, start = 0): this {
    const over = (this.#at - start) % boundary
    if (over !== 0) this.#advance(Math.min(boundary - over, this.remaining))
    return this
  }

  /** A reader over the next `count` bytes, which this reader skips. */
  sub(count: number): Reader {
    const at = this.#advance(count)
    return new Reader(this.#buffer, at, at + count)
  }
}
