// Messages over TCP: two bytes of length before each (RFC 1035 section 4.2.2).

import type { Socket } from 'node:net'
import { NetpluginError } from '../../lib/errors.ts'

export function framed(message: Buffer): Buffer {
  const frame = Buffer.allocUnsafe(message.length + 2)
  frame.writeUInt16BE(message.length, 0)
  message.copy(frame, 2)
  return frame
}

/** The messages of a connection, until the peer ends it. Memory is bounded by one message and one chunk. */
export async function* framesOf(socket: Socket): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0)
  for await (const chunk of socket) {
    if (!Buffer.isBuffer(chunk)) throw new NetpluginError('internal', 'BAD_STREAM', 'the connection decodes text')
    rest = rest.length === 0 ? chunk : Buffer.concat([rest, chunk])
    while (rest.length >= 2) {
      const end = 2 + rest.readUInt16BE(0)
      if (rest.length < end) break
      yield rest.subarray(2, end)
      rest = rest.subarray(end)
    }
  }
}
