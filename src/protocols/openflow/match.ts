// Which packets a flow is about: fields with values, on the wire a list of OXM TLVs (OpenFlow 1.4.1 section 7.2.2).
// The canonical form of a match has its fields in table order, addresses in canonical text, no mask that is all ones
// and no field whose mask is zero; decoding always gives the canonical form.

import type { Reader, Writer } from '../../lib/bytes.ts'
import { NetpluginError } from '../../lib/errors.ts'
import {
  canonicalValue,
  decodeBits,
  decodeHeader,
  decodeValue,
  encodeBits,
  encodeHeader,
  encodeValue,
  type Field,
  type FieldValue,
  fieldNamed,
  type Masked,
  valueBits,
  valueOfBits,
} from './field.ts'
import type { FieldName } from './oxm.ts'

/** Fields that must have these values; a packet must agree with all of them. The empty match is every packet. */
export type Match = { readonly [F in FieldName]?: FieldValue | Masked }

type MatchEntries = { -readonly [F in FieldName]?: FieldValue | Masked }

/** A match as read, with the bytes (hex) of fields that have no row in the table; '' when there are none. */
export interface DecodedMatch {
  readonly match: Match
  readonly foreign: string
}

const matchTypeOxm = 1

/** Appends an `ofp_match`, padded to 8 bytes. */
export function encodeMatch(w: Writer, match: Match, foreign = ''): void {
  const start = w.length
  w.u16(matchTypeOxm).u16(0)
  encodeFields(w, match)
  if (foreign !== '') w.bytes(Buffer.from(foreign, 'hex'))
  w.patchU16(start + 2, w.length - start)
  w.align(8, start)
}

/** Appends the fields alone, without header and padding. */
export function encodeFields(w: Writer, match: Match): void {
  for (const { field, wanted } of entriesOf(match)) encodeField(w, field, wanted)
}

interface Entry {
  readonly field: Field
  readonly wanted: FieldValue | Masked
}

/** The fields in wire order. Wide registers are taken apart: the switch reports the 32 bit registers they consist of. */
function entriesOf(match: Match): Entry[] {
  const entries: Entry[] = []
  for (const [name, wanted] of Object.entries(match)) {
    if (wanted === undefined) continue
    const field = fieldNamed(name)
    if (name.startsWith('x')) entries.push(...registersOf(field, wanted))
    else entries.push({ field, wanted })
  }
  return entries.sort((a, b) => a.field.rank - b.field.rank)
}

/** xreg0 is reg0 (high half) and reg1; xxreg0 is reg0 to reg3. */
function registersOf(wide: Field, wanted: FieldValue | Masked): Entry[] {
  const words = wide.bytes / 4
  const first = Number(wide.name.replace(/^x+reg/, '')) * words
  const masked = typeof wanted === 'object'
  const value = valueBits(wide, masked ? wanted.value : wanted)
  const mask = masked ? valueBits(wide, wanted.mask) : wide.ones
  const entries: Entry[] = []
  for (let word = 0; word < words; word++) {
    const field = fieldNamed(`reg${first + word}`)
    const shift = BigInt(32 * (words - 1 - word))
    const part = maskedOfBits(field, (value >> shift) & field.ones, (mask >> shift) & field.ones)
    if (part !== undefined) entries.push({ field, wanted: part })
  }
  return entries
}

/** Appends one field, header and all; a mask of ones is dropped, and a field whose mask is zero is not written. */
function encodeField(w: Writer, field: Field, wanted: FieldValue | Masked): void {
  if (typeof wanted !== 'object') {
    encodeHeader(w, field, false)
    encodeValue(w, field, wanted)
    return
  }
  const mask = valueBits(field, wanted.mask)
  if (mask === 0n) return
  const exact = mask === field.ones
  if (!exact && !field.maskable) {
    throw new NetpluginError('invalid', 'OXM_MASK', `the field ${field.name} cannot be matched with a mask`)
  }
  encodeHeader(w, field, !exact)
  encodeBits(w, field, valueBits(field, wanted.value) & mask)
  if (!exact) encodeBits(w, field, mask)
}

/** Reads an `ofp_match` and its padding. */
export function decodeMatch(r: Reader): DecodedMatch {
  const start = r.offset
  const type = r.u16()
  const length = r.u16()
  if (type !== matchTypeOxm || length < 4) {
    throw new NetpluginError('protocol', 'MATCH_FORMAT', `match of type ${type}, length ${length} is not OXM`)
  }
  const decoded = decodeFields(r.sub(length - 4))
  r.align(8, start)
  return decoded
}

/** Reads fields to the end of the reader. */
export function decodeFields(r: Reader): DecodedMatch {
  const match: MatchEntries = {}
  let foreign = ''
  while (r.remaining > 0) {
    const header = decodeHeader(r)
    if (header.field === undefined) foreign += header.raw + r.bytes(header.length).toString('hex')
    else {
      const value = decodePayload(r, header.field, header.masked, header.length)
      if (typeof value === 'object' && !header.field.maskable) {
        throw new NetpluginError('protocol', 'OXM_MASK', `match field ${header.field.name} has a mask`)
      }
      if (value !== undefined) match[header.field.name] = value
    }
  }
  return { match, foreign }
}

/** Value and mask in canonical form; undefined when the mask is zero. */
export function decodePayload(
  r: Reader,
  field: Field,
  masked: boolean,
  length: number,
): FieldValue | Masked | undefined {
  if (length === 0) throw new NetpluginError('protocol', 'OXM_LENGTH', `match field ${field.name} has no value`)
  if (!masked) return decodeValue(r, field)
  const value = decodeBits(r, field)
  return maskedOfBits(field, value, decodeBits(r, field))
}

/** The canonical form of value and mask. */
export function maskedOfBits(field: Field, value: bigint, mask: bigint): FieldValue | Masked | undefined {
  const significant = mask & field.ones
  if (significant === 0n) return undefined
  const kept = valueOfBits(field, value & significant)
  return significant === field.ones ? kept : { value: kept, mask: valueOfBits(field, significant) }
}

/** The canonical form of one wanted value; undefined when its mask is zero. */
export function canonicalWanted(field: Field, wanted: FieldValue | Masked): FieldValue | Masked | undefined {
  if (typeof wanted !== 'object') return canonicalValue(field, wanted)
  return maskedOfBits(field, valueBits(field, wanted.value), valueBits(field, wanted.mask))
}

/** The match in canonical form: what the switch will report after it was given `match`. */
export function canonicalMatch(match: Match): Match {
  const canonical: MatchEntries = {}
  for (const { field, wanted } of entriesOf(match)) {
    const value = canonicalWanted(field, wanted)
    if (value !== undefined) canonical[field.name] = value
  }
  return canonical
}

/** Whether `canonical` is the canonical form of `match`. */
export function isCanonicalOf(canonical: Match, match: Match): boolean {
  const wanted = canonicalMatch(match)
  const names = Object.keys(wanted) as FieldName[]
  return names.length === Object.keys(canonical).length && names.every((name) => isSame(canonical[name], wanted[name]))
}

function isSame(a: FieldValue | Masked | undefined, b: FieldValue | Masked | undefined): boolean {
  if (typeof a !== 'object' || typeof b !== 'object') return a === b
  return a.value === b.value && a.mask === b.mask
}
