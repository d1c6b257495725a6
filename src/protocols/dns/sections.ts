// Walks the records of a message by their frames only (RFC 1035 section 4.1.3): enough to bound a message, to age its
// times to live and to find its EDNS record, without decoding what the records say.

import { NetpluginError } from '../../lib/errors.ts'
import { skipName } from './name.ts'

export interface RecordFrame {
  readonly type: number
  readonly class: number
  /** Seconds, for real records. */
  readonly ttl: number
  readonly ttlOffset: number
  readonly dataOffset: number
  readonly dataBytes: number
  /** Where the next record starts. */
  readonly end: number
}

/** `count` records from `offset` on. Errors: `protocol` BAD_RECORD or BAD_NAME. */
export function recordsFrom(message: Buffer, offset: number, count: number): readonly RecordFrame[] {
  const frames: RecordFrame[] = []
  let at = offset
  for (let index = 0; index < count; index++) {
    const fixed = skipName(message, at)
    if (fixed + 10 > message.length) throw tooShort()
    const dataBytes = message.readUInt16BE(fixed + 8)
    const end = fixed + 10 + dataBytes
    if (end > message.length) throw tooShort()
    frames.push({
      type: message.readUInt16BE(fixed),
      class: message.readUInt16BE(fixed + 2),
      ttl: message.readUInt32BE(fixed + 4),
      ttlOffset: fixed + 4,
      dataOffset: fixed + 10,
      dataBytes,
      end,
    })
    at = end
  }
  return frames
}

function tooShort(): NetpluginError {
  return new NetpluginError('protocol', 'BAD_RECORD', 'a DNS message ends within a record')
}
