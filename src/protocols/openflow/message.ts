// The header of every OpenFlow message, and the messages that are little more than it (OpenFlow 1.4.1 section 7.1).

import { Reader, type Writer } from '../../lib/bytes.ts'
import { NetpluginError } from '../../lib/errors.ts'
import { messageTypes, niciraVendor, openflowVersion } from './wire.ts'

/** A message as received; `body` reads what follows the header. */
export interface Message {
  readonly version: number
  readonly type: number
  readonly xid: number
  readonly body: Reader
}

export const headerLength = 8

/** Appends a header without its length and returns where the message starts; `endMessage` completes it. */
export function beginMessage(w: Writer, type: number, xid: number): number {
  const start = w.length
  w.u8(openflowVersion).u8(type).u16(0).u32(xid)
  return start
}

export function endMessage(w: Writer, start: number): void {
  const length = w.length - start
  if (length > 0xffff) {
    throw new NetpluginError('invalid', 'MESSAGE_LENGTH', `an OpenFlow message of ${length} bytes is over 65535`)
  }
  w.patchU16(start + 2, length)
}

export function encodeEmpty(w: Writer, type: number, xid: number): void {
  endMessage(w, beginMessage(w, type, xid))
}

/** Appends the answer to an echo request: the same bytes. */
export function encodeEchoReply(w: Writer, request: Message): void {
  const start = beginMessage(w, messageTypes.echoReply, request.xid)
  w.bytes(request.body.bytes(request.body.remaining))
  endMessage(w, start)
}

/** Appends an experimenter message of Nicira's with this body. */
export function encodeNiciraMessage(w: Writer, xid: number, subtype: number, body: (w: Writer) => void): void {
  const start = beginMessage(w, messageTypes.experimenter, xid)
  w.u32(niciraVendor).u32(subtype)
  body(w)
  endMessage(w, start)
}

const helloBitmap = 1

/** Offers exactly OpenFlow 1.4. */
export function encodeHello(w: Writer, xid: number): void {
  const start = beginMessage(w, messageTypes.hello, xid)
  w.u16(helloBitmap)
    .u16(8)
    .u32(1 << openflowVersion)
  endMessage(w, start)
}

/** Whether the sender of this hello speaks OpenFlow 1.4. */
export function offersOpenflow14(hello: Message): boolean {
  const { body } = hello
  while (body.remaining >= 4) {
    const start = body.offset
    const type = body.u16()
    const length = body.u16()
    const element = body.sub(length - 4)
    if (type === helloBitmap) return (element.u32() & (1 << openflowVersion)) !== 0
    body.align(8, start)
  }
  return hello.version >= openflowVersion
}

/** Who the switch is. */
export interface Features {
  readonly datapathId: string
  readonly tables: number
}

export function decodeFeatures(r: Reader): Features {
  const datapathId = r.u64().toString(16).padStart(16, '0')
  const tables = r.skip(4).u8()
  return { datapathId, tables }
}

/** Messages out of a stream of bytes, however they arrive. */
export class Deframer {
  #rest: Buffer = Buffer.alloc(0)

  /** The messages that `chunk` completes. A header that cannot be is a `protocol` error; then the stream is lost. */
  feed(chunk: Buffer): Message[] {
    const messages: Message[] = []
    let data = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk])
    while (data.length >= headerLength) {
      const length = data.readUInt16BE(2)
      if (length < headerLength) {
        throw new NetpluginError('protocol', 'MESSAGE_LENGTH', `OpenFlow message with length ${length}`)
      }
      if (data.length < length) break
      messages.push({
        version: data.readUInt8(0),
        type: data.readUInt8(1),
        xid: data.readUInt32BE(4),
        body: new Reader(data, headerLength, length),
      })
      data = data.subarray(length)
    }
    this.#rest = data
    return messages
  }
}
