// Reading a query (RFC 1035 section 4.1, RFC 6891 for EDNS): everything a hostile client can get wrong is settled here.

import { asNetpluginError } from '../../lib/errors.ts'
import { readPlainName } from './name.ts'
import { recordsFrom } from './sections.ts'

/** Types by number; others are written `TYPEn` (RFC 3597). */
const typeNames: Readonly<Record<number, string>> = {
  1: 'A',
  2: 'NS',
  5: 'CNAME',
  6: 'SOA',
  12: 'PTR',
  15: 'MX',
  16: 'TXT',
  28: 'AAAA',
  33: 'SRV',
  35: 'NAPTR',
  43: 'DS',
  48: 'DNSKEY',
  64: 'SVCB',
  65: 'HTTPS',
  251: 'IXFR',
  252: 'AXFR',
  255: 'ANY',
}

export const rcodes = { NOERROR: 0, FORMERR: 1, SERVFAIL: 2, NXDOMAIN: 3, NOTIMP: 4, REFUSED: 5, BADVERS: 16 } as const
export type Rcode = keyof typeof rcodes

export interface Question {
  /** As it was asked: names are equal when they are equal in lower case. */
  readonly name: string
  readonly type: string
  /** 1 is the Internet. */
  readonly class: number
}

export interface Edns {
  /** The largest UDP answer that the client takes. */
  readonly udpPayloadBytes: number
  readonly dnssecOk: boolean
}

export interface Query {
  readonly id: number
  readonly recursionDesired: boolean
  readonly checkingDisabled: boolean
  readonly question: Question
  /** The question as it came, to be echoed. */
  readonly questionBytes: Buffer
  readonly edns: Edns | undefined
}

export type DecodedQuery =
  | { readonly kind: 'query'; readonly query: Query }
  /** Answer `reply` and forget it. */
  | { readonly kind: 'refused'; readonly rcode: Rcode; readonly reply: Buffer }
  /** Not to be answered at all: answering could start a loop between two servers. */
  | { readonly kind: 'dropped'; readonly why: string }

export const headerBytes = 12
export const optType = 41
const maxAdditionals = 4

/** Flag bits of the second header word. */
export const flagBits = {
  response: 0x8000,
  opcode: 0x7800,
  authoritative: 0x0400,
  truncated: 0x0200,
  recursionDesired: 0x0100,
  recursionAvailable: 0x0080,
  authenticData: 0x0020,
  checkingDisabled: 0x0010,
  rcode: 0x000f,
} as const

/** Never throws. The bytes are not kept, except in `questionBytes`, which is a copy. */
export function decodeQuery(message: Buffer): DecodedQuery {
  if (message.length < headerBytes) return { kind: 'dropped', why: 'shorter than a header' }
  const id = message.readUInt16BE(0)
  const flags = message.readUInt16BE(2)
  if ((flags & flagBits.response) !== 0) return { kind: 'dropped', why: 'a response, not a query' }
  if ((flags & flagBits.opcode) !== 0) return refused(id, flags, 'NOTIMP')
  const questions = message.readUInt16BE(4)
  const others = message.readUInt16BE(6) + message.readUInt16BE(8)
  const additionals = message.readUInt16BE(10)
  if (questions !== 1 || others !== 0 || additionals > maxAdditionals) return refused(id, flags, 'FORMERR')
  try {
    const { name, end } = readPlainName(message, headerBytes)
    if (end + 4 > message.length) return refused(id, flags, 'FORMERR')
    const typeNumber = message.readUInt16BE(end)
    const opts = []
    for (const record of recordsFrom(message, end + 4, additionals)) if (record.type === optType) opts.push(record)
    const [opt, ...more] = opts
    if (more.length > 0 || typeNumber === optType) return refused(id, flags, 'FORMERR')
    // The version is the second byte of what is a time to live in other records (RFC 6891 section 6.1.3).
    const questionBytes = Buffer.from(message.subarray(headerBytes, end + 4))
    if (opt !== undefined && ((opt.ttl >>> 16) & 0xff) !== 0) return badVersion(id, flags, questionBytes)
    const query: Query = {
      id,
      recursionDesired: (flags & flagBits.recursionDesired) !== 0,
      checkingDisabled: (flags & flagBits.checkingDisabled) !== 0,
      question: {
        name,
        type: typeNames[typeNumber] ?? `TYPE${typeNumber}`,
        class: message.readUInt16BE(end + 2),
      },
      questionBytes,
      edns: opt === undefined ? undefined : { udpPayloadBytes: opt.class, dnssecOk: (opt.ttl & 0x8000) !== 0 },
    }
    return { kind: 'query', query }
  } catch (error) {
    if (asNetpluginError(error).kind === 'protocol') return refused(id, flags, 'FORMERR')
    throw error
  }
}

function refused(id: number, flags: number, rcode: Rcode): DecodedQuery {
  return { kind: 'refused', rcode, reply: bareHeader(id, flags, rcodes[rcode], { questions: 0, additionals: 0 }) }
}

/** The code does not fit in the header: its upper bits are in an OPT record. */
function badVersion(id: number, flags: number, questionBytes: Buffer): DecodedQuery {
  const opt = Buffer.from([0, 0, optType, 0x04, 0xd0, rcodes.BADVERS >>> 4, 0, 0, 0, 0, 0])
  const header = bareHeader(id, flags, 0, { questions: 1, additionals: 1 })
  return { kind: 'refused', rcode: 'BADVERS', reply: Buffer.concat([header, questionBytes, opt]) }
}

interface Counts {
  readonly questions: number
  readonly additionals: number
}

function bareHeader(id: number, flags: number, rcode: number, { questions, additionals }: Counts): Buffer {
  const header = Buffer.alloc(headerBytes)
  header.writeUInt16BE(id, 0)
  header.writeUInt16BE(flagBits.response | (flags & (flagBits.opcode | flagBits.recursionDesired)) | rcode, 2)
  header.writeUInt16BE(questions, 4)
  header.writeUInt16BE(additionals, 10)
  return header
}
