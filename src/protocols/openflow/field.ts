// One field of a packet on the wire and in the program: a header (class, number, length), a value, maybe a mask.
// Values have one canonical form per kind, so that what a switch reports equals what was sent.

import { formatIpv4, formatIpv6, formatMac, parseIpv4, parseIpv6, parseMac } from '../../lib/address.ts'
import type { Reader, Writer } from '../../lib/bytes.ts'
import { NetpluginError } from '../../lib/errors.ts'
import { type FieldName, type OxmSpec, oxmFields, vlanPresent } from './oxm.ts'

/** A number up to 32 bits, a bigint for 64 and 128, text for addresses: '02:00:00:00:00:01', '10.0.0.1', 'fe80::1'. */
export type FieldValue = number | bigint | string

/** A value of which only the bits set in `mask` count; the mask is written like the value. */
export interface Masked {
  readonly value: FieldValue
  readonly mask: FieldValue
}

/** Part of a field: `bits` bits from bit `offset`, where bit 0 is the least significant. */
export interface FieldRange {
  readonly field: FieldName
  readonly offset: number
  readonly bits: number
}

/** A row of the table with what the codec derives from it. */
export interface Field extends OxmSpec {
  readonly name: FieldName
  /** Position on the wire. */
  readonly rank: number
  /** All significant bits set. */
  readonly ones: bigint
  /** The same as a number; exact up to 32 bits. */
  readonly most: number
}

interface FieldIndex {
  readonly byName: ReadonlyMap<string, Field>
  readonly byId: ReadonlyMap<number, Field>
}

const index = indexFields()

function indexFields(): FieldIndex {
  const byName = new Map<string, Field>()
  const byId = new Map<number, Field>()
  for (const [name, row] of Object.entries(oxmFields)) {
    const spec: OxmSpec = row
    const ones = (1n << BigInt(spec.bits ?? spec.bytes * 8)) - 1n
    const field: Field = { ...spec, name: name as FieldName, rank: byName.size, ones, most: Number(ones) }
    byName.set(name, field)
    for (const id of [spec.id, spec.nxm, spec.also]) if (id !== undefined) byId.set(idKey(id[0], id[1], id[2]), field)
  }
  return { byName, byId }
}

function idKey(oxmClass: number, number: number, experimenter: number | undefined): number {
  return experimenter === undefined ? oxmClass * 128 + number : 2 ** 23 + experimenter * 128 + number
}

/** The field of that name; an unknown name is an `invalid` error. */
export function fieldNamed(name: string): Field {
  const field = index.byName.get(name)
  if (field === undefined) throw new NetpluginError('invalid', 'OXM_FIELD', `there is no match field "${name}"`)
  return field
}

/** A header as read; `length` is that of value and mask together. */
export type OxmHeader =
  | { readonly field: Field; readonly masked: boolean; readonly length: number }
  | { readonly field: undefined; readonly raw: string; readonly length: number }

const experimenterClass = 0xffff

/** Reads a header; of a field without a row in the table it returns the header's bytes as hex. */
export function decodeHeader(r: Reader): OxmHeader {
  const word = r.u32()
  const oxmClass = word >>> 16
  const number = (word >>> 9) & 0x7f
  const masked = (word & 0x100) !== 0
  const experimenter = oxmClass === experimenterClass ? r.u32() : undefined
  const length = (word & 0xff) - (experimenter === undefined ? 0 : 4)
  const field = index.byId.get(idKey(oxmClass, number, experimenter))
  if (length < 0 || (field !== undefined && length !== 0 && length !== field.bytes * (masked ? 2 : 1))) {
    throw new NetpluginError('protocol', 'OXM_LENGTH', `match field ${field?.name ?? number} has length ${length}`)
  }
  if (field !== undefined) return { field, masked, length }
  const header = word.toString(16).padStart(8, '0')
  return { field, raw: header + (experimenter?.toString(16).padStart(8, '0') ?? ''), length }
}

/** Which numbering a header uses: that of OpenFlow 1.4, or that of the Nicira extensions. */
export type Numbering = 'openflow' | 'nicira'

export function encodeHeader(w: Writer, field: Field, masked: boolean, numbering: Numbering = 'openflow'): void {
  const [oxmClass, number, experimenter] = numbering === 'nicira' ? (field.nxm ?? field.id) : field.id
  const payload = masked ? field.bytes * 2 : field.bytes
  w.u16(oxmClass)
  w.u8((number << 1) | (masked ? 1 : 0))
  w.u8(experimenter === undefined ? payload : payload + 4)
  if (experimenter !== undefined) w.u32(experimenter)
}

/** A header of exactly four bytes, which the older Nicira actions need. */
export function encodeShortHeader(w: Writer, field: Field): void {
  const id = field.nxm ?? field.id
  if (id[2] !== undefined) {
    throw new NetpluginError('invalid', 'OXM_FIELD', `field ${field.name} cannot be used in this action`)
  }
  encodeHeader(w, field, false, 'nicira')
}

/** How many bits of the field mean something. */
export function fieldBits(field: Field): number {
  return field.bits ?? field.bytes * 8
}

/** The value as a number of `field.bytes` bytes; a value that does not fit the field is an `invalid` error. */
export function valueBits(field: Field, value: FieldValue): bigint {
  const bits = parseValue(field, value)
  if (bits === undefined || bits < 0n || bits > field.ones) throw badValue(field, value)
  return bits
}

function parseValue(field: Field, value: FieldValue): bigint | undefined {
  if (typeof value === 'bigint') return value
  if (typeof value === 'number') return Number.isSafeInteger(value) ? BigInt(value) : undefined
  switch (field.kind) {
    case 'mac':
      return asBigint(parseMac(value))
    case 'ipv4':
      return asBigint(parseIpv4(value))
    case 'ipv6':
      return parseIpv6(value)
    default:
      return undefined
  }
}

function asBigint(value: number | undefined): bigint | undefined {
  return value === undefined ? undefined : BigInt(value)
}

function badValue(field: Field, value: FieldValue): NetpluginError {
  return new NetpluginError(
    'invalid',
    'OXM_VALUE',
    `${String(value)} is no value for the field ${field.name} (${field.kind}, ${fieldBits(field)} bits)`,
    { details: { field: field.name } },
  )
}

/** The canonical value of a number of `field.bytes` bytes. */
export function valueOfBits(field: Field, bits: bigint): FieldValue {
  switch (field.kind) {
    case 'number':
      return Number(bits)
    case 'wide':
      return bits
    case 'mac':
      return formatMac(Number(bits))
    case 'ipv4':
      return formatIpv4(Number(bits))
    case 'ipv6':
      return formatIpv6(bits)
  }
}

/** The kinds that flows are full of take a path without bigints. */
export function canonicalValue(field: Field, value: FieldValue): FieldValue {
  if (typeof value === 'number' && field.kind === 'number' && value >= 0 && value <= field.most) {
    if (Number.isInteger(value)) return value
  } else if (typeof value === 'string' && field.kind === 'ipv4') {
    // Of an IPv4 address no other text is understood than its canonical one.
    if (parseIpv4(value) !== undefined) return value
  }
  return valueOfBits(field, valueBits(field, value))
}

/** Writes a whole value. The kinds that flows are full of take a path without bigints. */
export function encodeValue(w: Writer, field: Field, value: FieldValue): void {
  if (typeof value === 'number' && field.kind === 'number') {
    if (!Number.isInteger(value) || value < 0 || value > field.most) throw badValue(field, value)
    if (lacksTag(field, value)) throw untagged(value)
    encodeSmall(w, field.bytes, value)
  } else if (typeof value === 'string' && field.kind === 'ipv4') {
    const number = parseIpv4(value)
    if (number === undefined) throw badValue(field, value)
    w.u32(number)
  } else encodeBits(w, field, valueBits(field, value))
}

/** The commonest slip: a VLAN id without the bit that says there is a tag. */
function lacksTag(field: Field, value: number): boolean {
  return field.name === 'vlan_vid' && value !== 0 && value < vlanPresent
}

function untagged(value: number): NetpluginError {
  const message = `vlan_vid ${value} lacks the bit for "tagged": write 0x1000 | ${value}, or 0 for untagged`
  return new NetpluginError('invalid', 'OXM_VLAN', message)
}

export function encodeBits(w: Writer, field: Field, bits: bigint): void {
  if (field.bytes === 16) w.u64(bits >> 64n).u64(bits & 0xffff_ffff_ffff_ffffn)
  else if (field.bytes === 8) w.u64(bits)
  else if (field.bytes === 6) w.u16(Number(bits >> 32n)).u32(Number(bits & 0xffff_ffffn))
  else encodeSmall(w, field.bytes, Number(bits))
}

function encodeSmall(w: Writer, bytes: number, value: number): void {
  if (bytes === 4) w.u32(value)
  else if (bytes === 2) w.u16(value)
  else w.u8(value)
}

export function decodeBits(r: Reader, field: Field): bigint {
  switch (field.bytes) {
    case 16:
      return (r.u64() << 64n) | r.u64()
    case 8:
      return r.u64()
    case 6:
      return (BigInt(r.u16()) << 32n) | BigInt(r.u32())
    default:
      return BigInt(decodeSmall(r, field.bytes))
  }
}

function decodeSmall(r: Reader, bytes: number): number {
  return bytes === 4 ? r.u32() : bytes === 2 ? r.u16() : r.u8()
}

export function decodeValue(r: Reader, field: Field): FieldValue {
  if (field.kind === 'number') {
    const value = decodeSmall(r, field.bytes)
    if (field.bits === undefined) return value
    const significant = value & Number(field.ones)
    if (lacksTag(field, significant))
      throw new NetpluginError('protocol', 'OXM_VLAN', `vlan_vid ${value} has no tag bit`)
    return significant
  }
  if (field.kind === 'ipv4') return formatIpv4(r.u32())
  return valueOfBits(field, decodeBits(r, field))
}
