// Writing answers (RFC 1035 section 4.1, RFC 6891, RFC 2181 section 9 for truncation). Record data is encoded by
// dns-packet; the frame around it is ours, because the question must be echoed byte for byte.

import { type Answer as DnsPacketRecord, encode } from 'dns-packet'
import { NetpluginError } from '../../lib/errors.ts'
import { encodeName } from './name.ts'
import { flagBits, headerBytes, optType, type Query, type Rcode, rcodes } from './query.ts'

/** A record to answer: name, type, ttl in seconds, data as dns-packet has it for the type. */
export type ResourceRecord = Exclude<DnsPacketRecord, { type: 'OPT' }>

export type Answer =
  | {
      readonly kind: 'records'
      readonly rcode: Rcode
      /** Whether we are the source of this name. */
      readonly authoritative: boolean
      readonly answers: readonly ResourceRecord[]
      readonly authorities: readonly ResourceRecord[]
    }
  /** Somebody else's answer to the same question, passed on as it is but for its id. */
  | { readonly kind: 'message'; readonly message: Buffer }
  /** Say nothing. */
  | { readonly kind: 'drop' }

/** An answer with these records and no error; without records: the name is there, but has none of this type. */
export function localAnswer(answers: readonly ResourceRecord[]): Answer {
  return { kind: 'records', rcode: 'NOERROR', authoritative: true, answers, authorities: [] }
}

/** An answer that says only why there is none. */
export function failure(rcode: Rcode): Answer {
  return { kind: 'records', rcode, authoritative: rcode === 'NXDOMAIN', answers: [], authorities: [] }
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
 * question with the truncation flag: clients ask again over TCP. Errors: `invalid` BAD_NAME for a record that cannot
 * be encoded.
 */
export function encodeAnswer(query: Query, answer: Answer, maxBytes: number): Buffer | undefined {
  switch (answer.kind) {
    case 'drop':
      return undefined
    case 'message':
      return adopted(query, answer.message, maxBytes)
    case 'records': {
      const answers = answer.answers.map((record) => recordBytes(record, query))
      const authorities = answer.authorities.map((record) => recordBytes(record, query))
      const flags = (answer.authoritative ? flagBits.authoritative : 0) | rcodes[answer.rcode]
      const counts = { answers: answers.length, authorities: authorities.length }
      const parts = [...answers, ...authorities]
      const whole = assemble(query, flags, counts, parts)
      if (whole.length <= Math.min(maxBytes, maxMessageBytes)) return whole
      return assemble(query, flags | flagBits.truncated, { answers: 0, authorities: 0 }, [])
    }
  }
}

function assemble(
  query: Query,
  flags: number,
  counts: { readonly answers: number; readonly authorities: number },
  records: readonly Buffer[],
): Buffer {
  const header = Buffer.allocUnsafe(headerBytes)
  header.writeUInt16BE(query.id, 0)
  const echoed =
    (query.recursionDesired ? flagBits.recursionDesired : 0) | (query.checkingDisabled ? flagBits.checkingDisabled : 0)
  header.writeUInt16BE(flagBits.response | flagBits.recursionAvailable | echoed | flags, 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(counts.answers, 6)
  header.writeUInt16BE(counts.authorities, 8)
  header.writeUInt16BE(query.edns === undefined ? 0 : 1, 10)
  const opt = query.edns === undefined ? [] : [optRecord(query.edns.dnssecOk)]
  return Buffer.concat([header, query.questionBytes, ...records, ...opt])
}

/** The EDNS record of a message of ours. */
export function optRecord(dnssecOk: boolean): Buffer {
  return Buffer.from([0, 0, optType, maxUdpBytes >>> 8, maxUdpBytes & 0xff, 0, 0, dnssecOk ? 0x80 : 0, 0, 0, 0])
}

/** Points at the question's name, which always starts right after the header. */
const questionName = Buffer.from([0xc0, headerBytes])
const rootRecordOffset = headerBytes + 1

function recordBytes(record: ResourceRecord, query: Query): Buffer {
  for (const name of namesInData(record)) encodeName(name)
  const owner = record.name === query.question.name ? questionName : encodeName(record.name)
  // Encoded for the root's name, whose wire form is one byte, then given its owner.
  const whole = encode({ type: 'response', answers: [{ ...record, name: '.' }] })
  return Buffer.concat([owner, whole.subarray(rootRecordOffset)])
}

/** dns-packet does not check the length of labels. */
function namesInData(record: ResourceRecord): readonly string[] {
  switch (record.type) {
    case 'CNAME':
    case 'DNAME':
    case 'NS':
    case 'PTR':
      return [record.data]
    case 'SRV':
      return [record.data.target]
    case 'SOA':
      return [record.data.mname, record.data.rname]
    case 'MX':
      return [record.data.exchange]
    default:
      return []
  }
}

/** Another server's message with our client's id and spelling of the question. */
function adopted(query: Query, message: Buffer, maxBytes: number): Buffer {
  const questionEnd = headerBytes + query.questionBytes.length
  if (message.length < questionEnd || message.readUInt16BE(4) !== 1) {
    throw new NetpluginError('protocol', 'BAD_MESSAGE', 'the message passed on does not answer this question')
  }
  const fits = message.length <= maxBytes
  const flags = message.readUInt16BE(2)
  if (!fits) {
    const kept = flags & (flagBits.authoritative | flagBits.rcode)
    return assemble(query, kept | flagBits.truncated, { answers: 0, authorities: 0 }, [])
  }
  const copy = Buffer.from(message)
  copy.writeUInt16BE(query.id, 0)
  copy.writeUInt16BE(flags | flagBits.recursionAvailable, 2)
  query.questionBytes.copy(copy, headerBytes)
  return copy
}
