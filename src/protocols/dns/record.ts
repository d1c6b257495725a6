// Resource records on the wire (RFC 1035 section 3.2.1, RFC 3596 for AAAA, RFC 2782 for SRV): those that we answer
// ourselves. Names in data are not compressed, so that a record can be made once and put into any message.

import { parseIpv4, parseIpv6 } from '../../lib/address.ts'
import { NetpluginError } from '../../lib/errors.ts'
import { encodeName } from './name.ts'
import { headerBytes } from './query.ts'

export interface ServiceData {
  readonly priority: number
  readonly weight: number
  readonly port: number
  readonly target: string
}

/** Times are in seconds, except the serial. */
export interface AuthorityData {
  readonly mname: string
  readonly rname: string
  readonly serial: number
  readonly refresh: number
  readonly retry: number
  readonly expire: number
  readonly minimum: number
}

interface RecordBase {
  readonly name: string
  /** Seconds. */
  readonly ttl: number
}

export type ResourceRecord =
  | (RecordBase & { readonly type: 'A' | 'AAAA' | 'PTR'; readonly data: string })
  | (RecordBase & { readonly type: 'SRV'; readonly data: ServiceData })
  | (RecordBase & { readonly type: 'SOA'; readonly data: AuthorityData })

const typeNumbers = { A: 1, SOA: 6, PTR: 12, AAAA: 28, SRV: 33 } as const
const internet = 1
/** Points at the question's name, which always starts right after the header. */
const questionName = Buffer.from([0xc0, headerBytes])

/** Records of one name and type, all of the same length, ready to be copied into answers in any rotation. */
export interface RecordSet {
  readonly bytes: Buffer
  readonly count: number
}

/** Addresses of the name that is asked for. Errors: `invalid` BAD_ADDRESS. */
export function addressSet(type: 'A' | 'AAAA', addresses: readonly string[], ttl: number): RecordSet {
  const records = addresses.map((data) => encodeRecord({ type, name: '', ttl, data }, ''))
  return { bytes: Buffer.concat(records), count: records.length }
}

/** `asked` is the question's name: a record of that name points at it. Errors: `invalid` BAD_NAME, BAD_ADDRESS. */
export function encodeRecord(record: ResourceRecord, asked: string): Buffer {
  const owner = record.name === asked ? questionName : encodeName(record.name)
  const data = encodeData(record)
  const bytes = Buffer.allocUnsafe(owner.length + 10 + data.length)
  owner.copy(bytes)
  let at = bytes.writeUInt16BE(typeNumbers[record.type], owner.length)
  at = bytes.writeUInt16BE(internet, at)
  at = bytes.writeUInt32BE(record.ttl, at)
  at = bytes.writeUInt16BE(data.length, at)
  data.copy(bytes, at)
  return bytes
}

function encodeData(record: ResourceRecord): Buffer {
  switch (record.type) {
    case 'A':
      return ipv4Bytes(record.data)
    case 'AAAA':
      return ipv6Bytes(record.data)
    case 'PTR':
      return encodeName(record.data)
    case 'SRV': {
      const { priority, weight, port, target } = record.data
      return Buffer.concat([words16(priority, weight, port), encodeName(target)])
    }
    case 'SOA': {
      const { mname, rname, serial, refresh, retry, expire, minimum } = record.data
      const numbers = words32(serial, refresh, retry, expire, minimum)
      return Buffer.concat([encodeName(mname), encodeName(rname), numbers])
    }
  }
}

function ipv4Bytes(text: string): Buffer {
  const value = parseIpv4(text)
  if (value === undefined) throw badAddress(text)
  return words32(value)
}

function ipv6Bytes(text: string): Buffer {
  const value = parseIpv6(text)
  if (value === undefined) throw badAddress(text)
  return Buffer.from(value.toString(16).padStart(32, '0'), 'hex')
}

function badAddress(text: string): NetpluginError {
  return new NetpluginError('invalid', 'BAD_ADDRESS', `"${text}" is not an address of this record's family`)
}

function words16(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 2)
  for (const [index, value] of values.entries()) bytes.writeUInt16BE(value, index * 2)
  return bytes
}

function words32(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, index * 4)
  return bytes
}
