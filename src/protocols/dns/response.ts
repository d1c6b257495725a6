// What a forwarder has to know of a response: whether it answers the query, whether it is whole, how long it may be
// kept (RFC 1035, RFC 2308 for negative answers).

import { asNetpluginError } from '../../lib/errors.ts'
import { readPlainName } from './name.ts'
import { flagBits, headerBytes, optType } from './query.ts'
import { type RecordFrame, recordsFrom } from './sections.ts'

const soaType = 6
const nxdomain = 3

function questionEnd(message: Buffer): number {
  return readPlainName(message, headerBytes).end + 4
}

/** Whether two questions are the same but for the case of letters; both ends are after type and class. */
function sameQuestion(a: Buffer, b: Buffer, end: number): boolean {
  if (a.length < end || b.length < end) return false
  const name = (message: Buffer) => message.toString('latin1', headerBytes, end - 4).toLowerCase()
  return name(a) === name(b) && a.compare(b, end - 4, end, end - 4, end) === 0
}

/** Whether this is a response with the id and the question of `query`, or an error that repeats no question. */
export function isAnswerTo(query: Buffer, message: Buffer): boolean {
  if (message.length < headerBytes || message.readUInt16BE(0) !== query.readUInt16BE(0)) return false
  const flags = message.readUInt16BE(2)
  if ((flags & flagBits.response) === 0 || (flags & flagBits.opcode) !== 0) return false
  const questions = message.readUInt16BE(4)
  if (questions === 0) return (flags & flagBits.rcode) !== 0
  return questions === 1 && sameQuestion(query, message, questionEnd(query))
}

export interface ResponseFacts {
  readonly rcode: number
  readonly truncated: boolean
  readonly hasQuestion: boolean
  /** There is no such name, or nothing of this type. */
  readonly negative: boolean
  /** Seconds; 0 when it must not be kept. */
  readonly ttl: number
  /** Where the times to live of its records are. */
  readonly ttlOffsets: readonly number[]
}

const unkept = { negative: false, ttl: 0, ttlOffsets: [] }

/** Undefined when the message is damaged. */
export function responseFacts(message: Buffer): ResponseFacts | undefined {
  if (message.length < headerBytes) return undefined
  const flags = message.readUInt16BE(2)
  const rcode = flags & flagBits.rcode
  const truncated = (flags & flagBits.truncated) !== 0
  if (message.readUInt16BE(4) === 0) return { ...unkept, rcode, truncated, hasQuestion: false }
  const answers = message.readUInt16BE(6)
  const authorities = message.readUInt16BE(8)
  const additionals = message.readUInt16BE(10)
  try {
    const start = questionEnd(message)
    // A truncated message may lack records that its header counts.
    if (truncated) return { ...unkept, rcode, truncated, hasQuestion: true }
    const frames = recordsFrom(message, start, answers + authorities + additionals)
    const real = frames.filter(({ type }) => type !== optType)
    const kept = rcode === 0 || rcode === nxdomain
    const positive = rcode === 0 && frames.slice(0, answers).length > 0
    const ttl = positive
      ? Math.min(...real.map((record) => record.ttl))
      : negativeTtl(message, frames.slice(answers, answers + authorities))
    const usable = kept && ttl < 2 ** 31 // RFC 2181 section 8: the upper bit set means zero
    const ttlOffsets = real.map((record) => record.ttlOffset)
    return { rcode, truncated, hasQuestion: true, negative: kept && !positive, ttl: usable ? ttl : 0, ttlOffsets }
  } catch (error) {
    if (asNetpluginError(error).kind === 'protocol') return undefined
    throw error
  }
}

/** RFC 2308 section 5: the lesser of the SOA record's own time and its MINIMUM field, which is its last four bytes. */
function negativeTtl(message: Buffer, authorities: readonly RecordFrame[]): number {
  const soa = authorities.find(({ type }) => type === soaType)
  if (soa === undefined || soa.dataBytes < 22) return 0
  return Math.min(soa.ttl, message.readUInt32BE(soa.end - 4))
}

/** A copy whose records are `seconds` older. */
export function aged(message: Buffer, ttlOffsets: readonly number[], seconds: number): Buffer {
  const copy = Buffer.from(message)
  for (const offset of ttlOffsets) copy.writeUInt32BE(Math.max(copy.readUInt32BE(offset) - seconds, 0), offset)
  return copy
}

/** A copy whose records may be kept for `seconds` at most. */
export function keptAtMost(message: Buffer, ttlOffsets: readonly number[], seconds: number): Buffer {
  const copy = Buffer.from(message)
  for (const offset of ttlOffsets) copy.writeUInt32BE(Math.min(copy.readUInt32BE(offset), seconds), offset)
  return copy
}
