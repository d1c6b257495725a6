// Forgetting tracked connections: NXT_CT_FLUSH_ZONE for a whole zone, NXT_CT_FLUSH (Open vSwitch 3.1 and later) for
// those that agree with parts of their five-tuple.

import { parseIpv4, parseIpv6 } from '../../lib/address.ts'
import type { Reader, Writer } from '../../lib/bytes.ts'
import { NetpluginError } from '../../lib/errors.ts'
import { encodeNiciraMessage } from './message.ts'
import { property } from './packet.ts'
import { niciraMessages } from './wire.ts'

/** One direction of a connection; what is left out may be anything. */
export interface ConnectionTuple {
  readonly source?: string
  readonly destination?: string
  readonly sourcePort?: number
  readonly destinationPort?: number
}

/** Which connections; everything left out may be anything. */
export interface ConntrackMatch {
  readonly zone?: number
  /** IP protocol number; needed when a port is given. */
  readonly protocol?: number
  /** As the first packet was sent. */
  readonly original?: ConnectionTuple
  /** As the answers come: after address translation. */
  readonly reply?: ConnectionTuple
}

const tupleTypes = { original: 0, reply: 1, zone: 2 } as const
const tupleFields = { source: 0, destination: 1, sourcePort: 2, destinationPort: 3 } as const

/** Appends the shortest message that says it. */
export function encodeConntrackFlush(w: Writer, xid: number, match: ConntrackMatch): void {
  const { zone, protocol, original, reply } = match
  if (zone !== undefined && protocol === undefined && isEmpty(original) && isEmpty(reply)) {
    encodeNiciraMessage(w, xid, niciraMessages.ctFlushZone, () => w.zeros(6).u16(zone))
    return
  }
  encodeNiciraMessage(w, xid, niciraMessages.ctFlush, () => {
    w.u8(protocol ?? 0).zeros(7)
    encodeTuple(w, tupleTypes.original, original ?? {})
    encodeTuple(w, tupleTypes.reply, reply ?? {})
    if (zone !== undefined) smallProperty(w, tupleTypes.zone, zone)
  })
}

function isEmpty(tuple: ConnectionTuple | undefined): boolean {
  return tuple === undefined || Object.values(tuple).every((part) => part === undefined)
}

function encodeTuple(w: Writer, type: number, tuple: ConnectionTuple): void {
  if (isEmpty(tuple)) return
  const { source, destination, sourcePort, destinationPort } = tuple
  property(w, type, () => {
    w.zeros(4)
    if (source !== undefined) property(w, tupleFields.source, () => encodeAddress(w, source))
    if (destination !== undefined) property(w, tupleFields.destination, () => encodeAddress(w, destination))
    if (sourcePort !== undefined) smallProperty(w, tupleFields.sourcePort, sourcePort)
    if (destinationPort !== undefined) smallProperty(w, tupleFields.destinationPort, destinationPort)
  })
}

/** A 16 bit property counts its padding in its length, unlike the others. */
function smallProperty(w: Writer, type: number, value: number): void {
  w.u16(type).u16(8).u16(value).zeros(2)
}

/** IPv4 goes as an IPv4-mapped IPv6 address. */
function encodeAddress(w: Writer, text: string): void {
  const v4 = parseIpv4(text)
  const v6 = v4 === undefined ? parseIpv6(text) : 0xffff_0000_0000n | BigInt(v4)
  if (v6 === undefined) throw new NetpluginError('invalid', 'CONNTRACK_ADDRESS', `"${text}" is no address`)
  w.u64(v6 >> 64n).u64(v6)
}

/** Reads the zone out of either message: for a switch that only counts what it was asked. */
export function decodeFlushedZone(subtype: number, r: Reader): number | undefined {
  if (subtype === niciraMessages.ctFlushZone) return r.skip(6).u16()
  r.skip(8)
  while (r.remaining >= 4) {
    const start = r.offset
    const type = r.u16()
    const length = r.u16()
    const body = r.sub(length - 4)
    if (type === tupleTypes.zone) return body.u16()
    r.align(8, start)
  }
  return undefined
}
