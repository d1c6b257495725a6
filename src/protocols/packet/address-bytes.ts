// Addresses between text and bytes, both ways, with errors that name what is wrong.

import { formatIpv4, formatIpv6, formatMac, macBytes, parseIpv4, parseIpv6, parseMac } from '../../lib/address.ts'
import type { Reader } from '../../lib/bytes.ts'
import { NetpluginError } from '../../lib/errors.ts'

function bad(what: string, text: string): NetpluginError {
  return new NetpluginError('invalid', 'BAD_ADDRESS', `"${text}" is not ${what}`)
}

export function macToBytes(text: string): Buffer {
  if (parseMac(text) === undefined) throw bad('a MAC address', text)
  return macBytes(text)
}

export function ipv4ToBytes(text: string): Buffer {
  const value = parseIpv4(text)
  if (value === undefined) throw bad('an IPv4 address', text)
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}

export function ipv6ToBytes(text: string): Buffer {
  const value = parseIpv6(text)
  if (value === undefined) throw bad('an IPv6 address', text)
  return Buffer.from(value.toString(16).padStart(32, '0'), 'hex')
}

export function readMac(reader: Reader): string {
  return formatMac(reader.bytes(6).readUIntBE(0, 6))
}

export function readIpv4(reader: Reader): string {
  return formatIpv4(reader.u32())
}

export function readIpv6(reader: Reader): string {
  return formatIpv6((reader.u64() << 64n) | reader.u64())
}
