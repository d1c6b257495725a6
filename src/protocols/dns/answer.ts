// Writing answers (RFC 1035 section 4.1, RFC 6891, RFC 2181 section 9 for truncation). The question is echoed byte for
// byte: clients check the case of its letters.

import { NetpluginError } from '../../lib/errors.ts'
import { flagBits, headerBytes, optType, type Query, type Rcode, rcodes } from './query.ts'
import { encodeRecord, type RecordSet, type ResourceRecord } from './record.ts'

export type Answer =
  | {
      readonly kind: 'records'
      readonly rcode: Rcode
      /** Whether we are the source of this name. */
      readonly authoritative: boolean
      readonly answers: readonly ResourceRecord[]
      readonly authorities: readonly ResourceRecord[]
      /** What the client will ask for next; left out where it does not fit. */
      readonly additionals: readonly ResourceRecord[]
    }
  /** Records of the asked name made before, the one with this index first: what is asked for most often. */
  | { readonly kind: 'set'; readonly set: RecordSet; readonly first: number }
  /** Somebody else's answer to the same question, passed on as it is but for its id. */
  | { readonly kind: 'message'; readonly message: Buffer }
  /** Say nothing. */
  | { readonly kind: 'drop' }

/** An answer with these records and no error; without records: the name is there, but has none of this type. */
export function localAnswer(
  answers: readonly ResourceRecord[],
  more: { readonly authorities?: readonly ResourceRecord[]; readonly additionals?: readonly ResourceRecord[] } = {},
): Answer {
  const { authorities = [], additionals = [] } = more
  return { kind: 'records', rcode: 'NOERROR', authoritative: true, answers, authorities, additionals }
}

/** An answer that says only why there is none. */
export function failure(rcode: Rcode): Answer {
  const authoritative = rcode === 'NXDOMAIN'
  return { kind: 'records', rcode, authoritative, answers: [], authorities: [], additionals: [] }
}

/** What we offer to read, and the most that we send over UDP: no fragments on any path with IPv6's least MTU. */
export const maxUdpBytes = 1232
const leastUdpBytes = 512
const maxMessageBytes = 65_535

/** The largest answer for a query that came over UDP. */
export function udpLimit(query: Query): number {
  return Math.min(Math.max(query.edns?.udpPayloadBytes ?? leastUdpBytes, leastUdpBytes), maxUdpBytes)
}

/**
 * The answer as bytes, or undefined when nothing is to be sent. What does not fit in `maxBytes` is cut to header and
 * question with the truncation flag: clients ask again over TCP. Errors: `invalid` BAD_NAME or BAD_ADDRESS for a record
 * that cannot be encoded.
 */
export function encodeAnswer(query: Query, answer: Answer, maxBytes: number): Buffer | undefined {
  const limit = Math.min(maxBytes, maxMessageBytes)
  switch (answer.kind) {
    case 'drop':
      return undefined
    case 'message':
      return adopted(query, answer.message, limit)
    case 'set':
      return encodeSet(query, answer.set, answer.first, limit)
    case 'records': {
      const { name } = query.question
      const flags = (answer.authoritative ? flagBits.authoritative : 0) | rcodes[answer.rcode]
      const encode = (records: readonly ResourceRecord[]) => records.map((record) => encodeRecord(record, name))
      const sections = [encode(answer.answers), encode(answer.authorities)]
      const complete = assemble(query, flags, [...sections, encode(answer.additionals)])
      if (complete.length <= limit) return complete
      const needed = answer.additionals.length === 0 ? complete : assemble(query, flags, sections)
      return needed.length <= limit ? needed : cut(query, flags)
    }
  }
}

/** Of more records a part is answered; over TCP, for nothing of that size goes by UDP. */
const maxSetRecords = 1_000

/** One allocation and three copies: the hot path. The set is not empty. */
function encodeSet(query: Query, { bytes, count }: RecordSet, first: number, limit: number): Buffer {
  const { questionBytes, edns } = query
  const start = headerBytes + questionBytes.length
  const shown = Math.min(count, maxSetRecords)
  const recordBytes = bytes.length / count
  const end = start + shown * recordBytes
  const length = end + (edns === undefined ? 0 : optBytes)
  if (length > limit) return cut(query, flagBits.authoritative)
  const message = Buffer.allocUnsafe(length)
  writeHeader(message, query, flagBits.authoritative, [shown, 0, 0])
  questionBytes.copy(message, headerBytes)
  const turn = (first % count) * recordBytes
  const at = start + bytes.copy(message, start, turn, Math.min(bytes.length, turn + shown * recordBytes))
  bytes.copy(message, at, 0, end - at)
  if (edns !== undefined) optRecord(edns.dnssecOk).copy(message, length - optBytes)
  return message
}

function cut(query: Query, flags: number): Buffer {
  return assemble(query, flags | flagBits.truncated, [])
}

/** Answers, authorities, additionals. */
function assemble(query: Query, flags: number, sections: readonly (readonly Buffer[])[]): Buffer {
  const header = Buffer.allocUnsafe(headerBytes)
  writeHeader(
    header,
    query,
    flags,
    sections.map(({ length }) => length),
  )
  const opt = query.edns === undefined ? [] : [optRecord(query.edns.dnssecOk)]
  return Buffer.concat([header, query.questionBytes, ...sections.flat(), ...opt])
}

/** The EDNS record counts as an additional one. */
function writeHeader(message: Buffer, query: Query, flags: number, counts: readonly number[]): void {
  const echoed =
    (query.recursionDesired ? flagBits.recursionDesired : 0) | (query.checkingDisabled ? flagBits.checkingDisabled : 0)
  message.writeUInt16BE(query.id, 0)
  message.writeUInt16BE(flagBits.response | flagBits.recursionAvailable | echoed | flags, 2)
  message.writeUInt16BE(1, 4)
  message.writeUInt16BE(counts[0] ?? 0, 6)
  message.writeUInt16BE(counts[1] ?? 0, 8)
  message.writeUInt16BE((counts[2] ?? 0) + (query.edns === undefined ? 0 : 1), 10)
}

const optBytes = 11
const optOf = (dnssecOk: boolean) =>
  Buffer.from([0, 0, optType, maxUdpBytes >>> 8, maxUdpBytes & 0xff, 0, 0, dnssecOk ? 0x80 : 0, 0, 0, 0])
const opts = { plain: optOf(false), dnssec: optOf(true) } as const

/** The EDNS record of a message of ours; not to be changed. */
export function optRecord(dnssecOk: boolean): Buffer {
  return dnssecOk ? opts.dnssec : opts.plain
}

/** Another server's message with our client's id and spelling of the question. */
function adopted(query: Query, message: Buffer, limit: number): Buffer {
  const questionEnd = headerBytes + query.questionBytes.length
  if (message.length < questionEnd || message.readUInt16BE(4) !== 1) {
    throw new NetpluginError('protocol', 'BAD_MESSAGE', 'the message passed on does not answer this question')
  }
  const flags = message.readUInt16BE(2)
  if (message.length > limit) return cut(query, flags & (flagBits.authoritative | flagBits.rcode))
  const copy = Buffer.from(message)
  copy.writeUInt16BE(query.id, 0)
  copy.writeUInt16BE(flags | flagBits.recursionAvailable, 2)
  query.questionBytes.copy(copy, headerBytes)
  return copy
}
