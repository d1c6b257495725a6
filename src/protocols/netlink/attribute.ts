// Netlink attributes: type-length-value records, each padded to four bytes, in the host's byte order (netlink(7),
// linux/netlink.h "struct nlattr"). A table names the attributes of one message; the codec walks the table.
//
//   | length u16 | type u16 | value … | zeros to a multiple of 4 |      length counts header and value, not the padding

import { formatIpv4, formatIpv6, macBytes, parseIpv4, parseIpv6, parseMac } from '../../lib/address.ts'
import { Reader, Writer } from '../../lib/bytes.ts'
import { NetpluginError } from '../../lib/errors.ts'

/** What a value looks like on the wire; `text` ends with a zero byte, `chars` does not. Both are read with or without. */
export interface FormValues {
  readonly u8: number
  readonly u16: number
  readonly u32: number
  readonly i32: number
  readonly text: string
  readonly chars: string
  /** A hardware address of any length, `aa:bb:…`. Written: six bytes. */
  readonly mac: string
  /** 4 bytes or 16 bytes. */
  readonly ip: string
  readonly bytes: Buffer
}

export type Form = keyof FormValues

export interface AttributeSpec {
  readonly type: number
  readonly form: Form
}

export type AttributeTable = Readonly<Record<string, AttributeSpec>>

export type AttributeValues<T extends AttributeTable> = {
  readonly [K in keyof T]?: FormValues[T[K]['form']] | undefined
}

const headerLength = 4
const alignment = 4
/** Upper bits of the type say "nested" and "network byte order". */
const typeMask = 0x3fff

/** Appends the attributes that have a value, in the order of `values`. */
export function writeAttributes<T extends AttributeTable>(
  writer: Writer,
  table: T,
  values: AttributeValues<T>,
): Writer {
  for (const [name, value] of Object.entries(values)) {
    const spec = table[name]
    if (spec === undefined || value === undefined) continue
    const start = writer.length
    writer.u16le(0).u16le(spec.type)
    writeValue(writer, spec.form, value)
    const length = writer.length - start
    if (length > 0xffff) {
      throw new NetpluginError('invalid', 'ATTRIBUTE_TOO_LONG', `netlink attribute ${name} is longer than 65531 bytes`)
    }
    writer.patchU16le(start, length)
    writer.align(alignment, start)
  }
  return writer
}

/** The attributes as bytes: for the value of a nested attribute. */
export function attributeBytes<T extends AttributeTable>(table: T, values: AttributeValues<T>): Buffer {
  return writeAttributes(new Writer(128), table, values).take()
}

/**
 * The attributes of the table found in the rest of the reader; others are skipped, the last of a repeated one wins.
 * Values of the form `bytes` are views. Throws a `protocol` error on lengths that cannot be.
 */
export function readAttributes<T extends AttributeTable>(reader: Reader, table: T): AttributeValues<T> {
  const byType = new Map(Object.entries(table).map(([name, spec]) => [spec.type, { name, form: spec.form }]))
  const values: Record<string, string | number | Buffer> = {}
  while (reader.remaining >= headerLength) {
    const start = reader.offset
    const length = reader.u16le()
    const type = reader.u16le() & typeMask
    if (length < headerLength) {
      throw new NetpluginError(
        'protocol',
        'BAD_ATTRIBUTE',
        `netlink attribute ${type} has the impossible length ${length}`,
      )
    }
    const value = reader.sub(length - headerLength)
    reader.align(alignment, start)
    const spec = byType.get(type)
    if (spec !== undefined) values[spec.name] = readValue(value, spec.form, spec.name)
  }
  // The table gave both the names and the forms of what was read.
  return values as AttributeValues<T>
}

function writeValue(writer: Writer, form: Form, value: string | number | Buffer): void {
  switch (form) {
    case 'u8':
      writer.u8(Number(value))
      break
    case 'u16':
      writer.u16le(Number(value))
      break
    case 'u32':
    case 'i32':
      writer.u32le(Number(value))
      break
    case 'text':
      writer.bytes(Buffer.from(`${value}\0`))
      break
    case 'chars':
      writer.bytes(Buffer.from(String(value)))
      break
    case 'mac':
      writer.bytes(encodeMac(String(value)))
      break
    case 'ip':
      writer.bytes(encodeIp(String(value)))
      break
    case 'bytes':
      if (Buffer.isBuffer(value)) writer.bytes(value)
      break
  }
}

function readValue(reader: Reader, form: Form, name: string): string | number | Buffer {
  switch (form) {
    case 'u8':
      return reader.u8()
    case 'u16':
      return reader.u16le()
    case 'u32':
      return reader.u32le()
    case 'i32':
      return reader.i32le()
    case 'text':
    case 'chars': {
      const bytes = reader.bytes(reader.remaining)
      const end = bytes.indexOf(0)
      return bytes.toString('utf8', 0, end < 0 ? bytes.length : end)
    }
    case 'mac':
      return [...reader.bytes(reader.remaining)].map((byte) => byte.toString(16).padStart(2, '0')).join(':')
    case 'ip':
      return decodeIp(reader.bytes(reader.remaining), name)
    case 'bytes':
      return reader.bytes(reader.remaining)
  }
}

function encodeMac(text: string): Buffer {
  if (parseMac(text) === undefined) {
    throw new NetpluginError('invalid', 'BAD_MAC', `'${text}' is not a MAC address; write it as aa:bb:cc:dd:ee:ff`)
  }
  return macBytes(text)
}

/** 4 or 16 bytes; throws `invalid` when the text is no address. */
export function encodeIp(text: string): Buffer {
  const v4 = parseIpv4(text)
  if (v4 !== undefined) return new Writer(4).u32(v4).take()
  const v6 = parseIpv6(text)
  if (v6 === undefined) throw new NetpluginError('invalid', 'BAD_ADDRESS', `'${text}' is not an IP address`)
  return new Writer(16)
    .u64(v6 >> 64n)
    .u64(v6)
    .take()
}

/** Canonical text of 4 or 16 bytes; throws `protocol` for any other length. */
export function decodeIp(bytes: Buffer, name: string): string {
  const reader = new Reader(bytes)
  if (bytes.length === 4) return formatIpv4(reader.u32())
  if (bytes.length === 16) return formatIpv6((reader.u64() << 64n) | reader.u64())
  throw new NetpluginError(
    'protocol',
    'BAD_ATTRIBUTE',
    `netlink address ${name} has ${bytes.length} bytes, not 4 or 16`,
  )
}
