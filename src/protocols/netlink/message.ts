// Netlink messages: header, acknowledgement with the kernel's own words (extended ack), and several messages in one
// datagram (netlink(7), linux/netlink.h "struct nlmsghdr" and "struct nlmsgerr").
//
//   | length u32 | type u16 | flags u16 | sequence u32 | port u32 | body … | zeros to a multiple of 4 |

import { Reader, type Writer } from '../../lib/bytes.ts'
import { NetpluginError } from '../../lib/errors.ts'
import { readAttributes } from './attribute.ts'
import { ackAttributes, messageFlag, messageType } from './constants.ts'

export interface NetlinkHeader {
  readonly type: number
  readonly flags: number
  readonly sequence: number
  /** Netlink port of the receiver; 0 in requests. */
  readonly port: number
}

export interface NetlinkMessage extends NetlinkHeader {
  readonly body: Buffer
}

/** What the kernel answered to a request: `errno` 0 is success; `text` is its explanation, often empty. */
export interface Ack {
  readonly errno: number
  readonly text: string
  /** Offset of the offending attribute in the request, if the kernel named one. */
  readonly offset: number | undefined
}

const headerLength = 16
const alignment = 4

export function writeMessage(writer: Writer, message: NetlinkMessage): Writer {
  const start = writer.length
  writer
    .u32le(headerLength + message.body.length)
    .u16le(message.type)
    .u16le(message.flags)
  writer.u32le(message.sequence).u32le(message.port).bytes(message.body)
  return writer.align(alignment, start)
}

/** All messages of a datagram. Bodies are views of it. Throws a `protocol` error on lengths that cannot be. */
export function readMessages(datagram: Buffer): NetlinkMessage[] {
  const reader = new Reader(datagram)
  const messages: NetlinkMessage[] = []
  while (reader.remaining > 0) {
    const start = reader.offset
    const length = reader.u32le()
    const type = reader.u16le()
    const flags = reader.u16le()
    const sequence = reader.u32le()
    const port = reader.u32le()
    if (length < headerLength) {
      throw new NetpluginError('protocol', 'BAD_MESSAGE', `netlink message ${type} has the impossible length ${length}`)
    }
    messages.push({ type, flags, sequence, port, body: reader.bytes(length - headerLength) })
    reader.align(alignment, start)
  }
  return messages
}

/** Reads an NLMSG_ERROR or NLMSG_DONE body. */
export function readAck(message: NetlinkMessage): Ack {
  const reader = new Reader(message.body)
  if (reader.remaining < 4) return { errno: 0, text: '', offset: undefined }
  const errno = Math.abs(reader.i32le())
  if ((message.flags & messageFlag.ackAttributes) === 0) return { errno, text: '', offset: undefined }
  const attributes = readAttributes(skipRequest(reader, message), ackAttributes)
  return { errno, text: attributes.message ?? '', offset: attributes.offset }
}

/** An acknowledgement of an error repeats the request: only its header when capped, all of it otherwise. DONE has none. */
function skipRequest(reader: Reader, message: NetlinkMessage): Reader {
  if (message.type !== messageType.error) return reader
  const start = reader.offset
  const length = reader.u32le()
  reader.skip(headerLength - 4)
  if ((message.flags & messageFlag.capped) === 0) {
    reader.skip(Math.max(length, headerLength) - headerLength).align(alignment, start)
  }
  return reader
}
