// The Internet checksum (RFC 1071) and what transport checksums cover besides their own bytes (RFC 9293 section 3.1,
// RFC 8200 section 8.1).

import { Writer } from '../../lib/bytes.ts'

/** Over all parts in a row; every part but the last must have an even length. */
export function internetChecksum(...parts: readonly Uint8Array[]): number {
  let sum = 0
  for (const part of parts) {
    for (let at = 0; at < part.length; at += 2) sum += ((part[at] ?? 0) << 8) | (part[at + 1] ?? 0)
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000)
  return ~sum & 0xffff
}

/** Source and destination are the raw bytes of the addresses. */
export function pseudoHeader(source: Uint8Array, destination: Uint8Array, protocol: number, length: number): Buffer {
  const writer = new Writer(40).bytes(source).bytes(destination)
  if (source.length === 4) writer.u8(0).u8(protocol).u16(length)
  else writer.u32(length).zeros(3).u8(protocol)
  return writer.take()
}
