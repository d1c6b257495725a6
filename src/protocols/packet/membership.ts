// Who listens to a multicast group: IGMP (RFC 1112, 2236, 3376) and MLD (RFC 2710, 3810) as data. Both say the same with
// addresses of different sizes; what is read here was written by containers.

import { Reader, Writer } from '../../lib/bytes.ts'
import { ipv4ToBytes, ipv6ToBytes, readIpv4, readIpv6 } from './address-bytes.ts'
import { internetChecksum } from './checksum.ts'

/** Types of records of a report (RFC 3376 section 4.2.12, RFC 3810 section 5.2.12). */
export const recordTypes = {
  isInclude: 1,
  isExclude: 2,
  toInclude: 3,
  toExclude: 4,
  allow: 5,
  block: 6,
} as const

export interface MembershipRecord {
  /** One of `recordTypes`; others are to be ignored. */
  readonly type: number
  readonly group: string
  readonly sources: readonly string[]
  /** A multiple of four bytes; nobody uses it. */
  readonly auxiliary?: Uint8Array
}

/** What version 3 of IGMP and version 2 of MLD add to a query. */
export interface QueryDetails {
  /** Routers that hear it leave their timers alone. */
  readonly suppress: boolean
  /** 0 to 7. */
  readonly robustness: number
  readonly intervalSeconds: number
  readonly sources: readonly string[]
}

export type MembershipMessage =
  | {
      readonly kind: 'query'
      /** The address of all zeros asks for all groups. */
      readonly group: string
      /** Of a query of IGMP version 1: 0. */
      readonly maxResponseMs: number
      readonly details?: QueryDetails
    }
  /** `first`: by IGMP version 1. */
  | { readonly kind: 'report'; readonly group: string; readonly first?: true }
  | { readonly kind: 'leave'; readonly group: string }
  | { readonly kind: 'records'; readonly records: readonly MembershipRecord[] }

const igmpTypes = { query: 0x11, firstReport: 0x12, report: 0x16, leave: 0x17, records: 0x22 } as const
export const mldTypes = { query: 130, report: 131, leave: 132, records: 143 } as const

interface Family {
  readonly read: (reader: Reader) => string
  readonly toBytes: (text: string) => Buffer
}

const family4: Family = { read: readIpv4, toBytes: ipv4ToBytes }
const family6: Family = { read: readIpv6, toBytes: ipv6ToBytes }

/**
 * An IGMP message, the whole payload of IP. Undefined for types that are none of these, and for a wrong checksum. Errors: `protocol`
 * for one that ends early. What follows a message is left alone.
 */
export function readIgmp(bytes: Buffer): MembershipMessage | undefined {
  const reader = new Reader(bytes)
  const type = reader.u8()
  const code = reader.u8()
  reader.skip(2)
  if (internetChecksum(bytes) !== 0) return undefined
  switch (type) {
    case igmpTypes.query:
      return readQuery(reader, family4, (group) => ({ group, maxResponseMs: floatOf(code, 4) * 100 }))
    case igmpTypes.firstReport:
      return { kind: 'report', group: readIpv4(reader), first: true }
    case igmpTypes.report:
      return { kind: 'report', group: readIpv4(reader) }
    case igmpTypes.leave:
      return { kind: 'leave', group: readIpv4(reader) }
    case igmpTypes.records:
      return readRecords(reader, family4)
    default:
      return undefined
  }
}

/** The body of an ICMPv6 message of this type: what follows the checksum. Undefined and errors as of `readIgmp`. */
export function readMld(type: number, body: Buffer): MembershipMessage | undefined {
  const reader = new Reader(body)
  if (type === mldTypes.records) return readRecords(reader, family6)
  const maxResponseMs = floatOf(reader.u16(), 12)
  reader.skip(2)
  switch (type) {
    case mldTypes.query:
      return readQuery(reader, family6, (group) => ({ group, maxResponseMs }))
    case mldTypes.report:
      return { kind: 'report', group: readIpv6(reader) }
    case mldTypes.leave:
      return { kind: 'leave', group: readIpv6(reader) }
    default:
      return undefined
  }
}

/** The payload of IP, with its checksum. */
export function igmpBytes(message: MembershipMessage): Buffer {
  const writer = new Writer()
  const code = message.kind === 'query' ? codeOf(message.maxResponseMs / 100, 4) : 0
  writer.u8(igmpType(message)).u8(code).u16(0)
  writeRest(writer, message, family4)
  return writer.patchU16(2, internetChecksum(writer.view())).take()
}

function igmpType(message: MembershipMessage): number {
  return message.kind === 'report' && message.first === true ? igmpTypes.firstReport : igmpTypes[message.kind]
}

/** What follows the checksum of the ICMPv6 message. */
export function mldBody(message: MembershipMessage): Buffer {
  const writer = new Writer()
  if (message.kind !== 'records') {
    writer.u16(message.kind === 'query' ? codeOf(message.maxResponseMs, 12) : 0).u16(0)
  }
  writeRest(writer, message, family6)
  return writer.take()
}

function readQuery(
  reader: Reader,
  family: Family,
  head: (group: string) => { readonly group: string; readonly maxResponseMs: number },
): MembershipMessage {
  const query = { kind: 'query', ...head(family.read(reader)) } as const
  if (reader.remaining === 0) return query
  const flags = reader.u8()
  const intervalSeconds = floatOf(reader.u8(), 4)
  const sources = readAddresses(reader, reader.u16(), family)
  return {
    ...query,
    details: { suppress: (flags & 8) !== 0, robustness: flags & 7, intervalSeconds, sources },
  }
}

function readRecords(reader: Reader, family: Family): MembershipMessage {
  const records: MembershipRecord[] = []
  for (let left = reader.skip(2).u16(); left > 0; left--) {
    const type = reader.u8()
    const auxiliaryWords = reader.u8()
    const count = reader.u16()
    const group = family.read(reader)
    const sources = readAddresses(reader, count, family)
    const auxiliary = Buffer.from(reader.bytes(auxiliaryWords * 4))
    records.push({ type, group, sources, ...(auxiliary.length === 0 ? {} : { auxiliary }) })
  }
  return { kind: 'records', records }
}

function readAddresses(reader: Reader, count: number, family: Family): string[] {
  const addresses: string[] = []
  for (let left = count; left > 0; left--) addresses.push(family.read(reader))
  return addresses
}

function writeRest(writer: Writer, message: MembershipMessage, { toBytes }: Family): void {
  if (message.kind !== 'records') writer.bytes(toBytes(message.group))
  if (message.kind === 'query' && message.details !== undefined) {
    const { suppress, robustness, intervalSeconds, sources } = message.details
    writer
      .u8((suppress ? 8 : 0) | robustness)
      .u8(codeOf(intervalSeconds, 4))
      .u16(sources.length)
    for (const source of sources) writer.bytes(toBytes(source))
  }
  if (message.kind !== 'records') return
  writer.u16(0).u16(message.records.length)
  for (const { type, group, sources, auxiliary = new Uint8Array() } of message.records) {
    writer
      .u8(type)
      .u8(auxiliary.length / 4)
      .u16(sources.length)
      .bytes(toBytes(group))
    for (const source of sources) writer.bytes(toBytes(source))
    writer.bytes(auxiliary)
  }
}

/**
 * Times are numbers while they are small; then the highest bit is set, and three bits of exponent and `bits` of a mantissa follow
 * (RFC 3376 section 4.1.1, RFC 3810 section 5.1.3).
 */
function floatOf(code: number, bits: number): number {
  const flag = 1 << (bits + 3)
  if (code < flag) return code
  const exponent = (code >>> bits) & 7
  return ((code & ((1 << bits) - 1)) | (1 << bits)) << (exponent + 3)
}

/** The largest code that is no longer than the time. */
function codeOf(time: number, bits: number): number {
  const flag = 1 << (bits + 3)
  if (time < flag) return Math.floor(time)
  for (let exponent = 0; exponent < 8; exponent++) {
    const mantissa = Math.floor(time / 2 ** (exponent + 3))
    if (mantissa < 2 << bits) return flag | (exponent << bits) | (mantissa - (1 << bits))
  }
  return (flag << 1) - 1
}
