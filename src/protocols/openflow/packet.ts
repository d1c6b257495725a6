// Packets between switch and program: packet-out (OpenFlow 1.4.1 section 7.3.7), and packets in, which we ask for in
// Nicira's newer form because it carries the flow's user data (NXT_PACKET_IN2).

import type { Reader, Writer } from '../../lib/bytes.ts'
import type { Action } from './action.ts'
import { decodeActions } from './action-decode.ts'
import { encodeActions } from './action-encode.ts'
import { decodeFields, decodeMatch, encodeFields, type Match } from './match.ts'
import { beginMessage, encodeNiciraMessage, endMessage } from './message.ts'
import { portNumber, portOfNumber } from './port.ts'
import { messageTypes, niciraMessages, noBuffer, packetIn2Props } from './wire.ts'

export interface PacketIn {
  readonly table: number
  readonly cookie: bigint
  /** OFPR number: 0 no match, 1 action, 2 invalid TTL. */
  readonly reason: number
  /** What the packet carried beside its bytes: in_port, tunnel, registers, connection state. */
  readonly fields: Match
  readonly packet: Buffer
  /** From the `controller` action, hex. */
  readonly userdata: string
}

export interface PacketOut {
  readonly inPort: number | 'controller'
  readonly actions: readonly Action[]
  readonly packet: Buffer
}

export function encodePacketOut(w: Writer, xid: number, out: PacketOut): void {
  const start = beginMessage(w, messageTypes.packetOut, xid)
  w.u32(noBuffer).u32(portNumber(out.inPort))
  const lengthAt = w.length
  w.u16(0).zeros(6)
  const actionsAt = w.length
  encodeActions(w, out.actions)
  w.patchU16(lengthAt, w.length - actionsAt)
  w.bytes(out.packet)
  endMessage(w, start)
}

/** Reads the body of a packet-out: for a switch. */
export function decodePacketOut(r: Reader): PacketOut {
  const port = portOfNumber(r.skip(4).u32())
  const length = r.u16()
  const actions = decodeActions(r.skip(6).sub(length))
  const inPort = typeof port === 'number' || port === 'controller' ? port : portNumber(port)
  return { inPort, actions, packet: Buffer.from(r.bytes(r.remaining)) }
}

/** Reads the standard packet-in. */
export function decodePacketIn(r: Reader): PacketIn {
  const reason = r.skip(6).u8()
  const table = r.u8()
  const cookie = r.u64()
  const { match } = decodeMatch(r)
  return { table, cookie, reason, fields: match, packet: r.skip(2).bytes(r.remaining), userdata: '' }
}

/** Reads the properties of an NXT_PACKET_IN2. */
export function decodePacketIn2(r: Reader): PacketIn {
  let packetIn: PacketIn = { table: 0, cookie: 0n, reason: 1, fields: {}, packet: Buffer.alloc(0), userdata: '' }
  while (r.remaining >= 4) {
    const start = r.offset
    const type = r.u16()
    const length = r.u16()
    packetIn = withProperty(packetIn, type, r.sub(length - 4))
    r.align(8, start)
  }
  return packetIn
}

function withProperty(packetIn: PacketIn, type: number, body: Reader): PacketIn {
  switch (type) {
    case packetIn2Props.packet:
      return { ...packetIn, packet: body.bytes(body.remaining) }
    case packetIn2Props.tableId:
      return { ...packetIn, table: body.u8() }
    case packetIn2Props.cookie:
      return { ...packetIn, cookie: body.skip(4).u64() }
    case packetIn2Props.reason:
      return { ...packetIn, reason: body.u8() }
    case packetIn2Props.metadata:
      return { ...packetIn, fields: decodeFields(body).match }
    case packetIn2Props.userdata:
      return { ...packetIn, userdata: body.bytes(body.remaining).toString('hex') }
    default:
      return packetIn
  }
}

/** Appends an NXT_PACKET_IN2: for a switch. */
export function encodePacketIn2(w: Writer, xid: number, packetIn: PacketIn): void {
  encodeNiciraMessage(w, xid, niciraMessages.packetIn2, () => {
    property(w, packetIn2Props.packet, () => w.bytes(packetIn.packet))
    property(w, packetIn2Props.tableId, () => w.u8(packetIn.table))
    property(w, packetIn2Props.cookie, () => w.zeros(4).u64(packetIn.cookie))
    property(w, packetIn2Props.reason, () => w.u8(packetIn.reason))
    property(w, packetIn2Props.metadata, () => encodeFields(w, packetIn.fields))
    if (packetIn.userdata !== '') {
      property(w, packetIn2Props.userdata, () => w.bytes(Buffer.from(packetIn.userdata, 'hex')))
    }
  })
}

/** Appends type, length and body, padded to 8 bytes; the padding is not in the length. */
export function property(w: Writer, type: number, body: () => void): void {
  const start = w.length
  w.u16(type).u16(0)
  body()
  w.patchU16(start + 2, w.length - start)
  w.align(8, start)
}

const packetIn2Format = 2
const wholePacket = 0xffff

/** Appends what makes the switch send packets to this connection, as the controller with that number. */
export function encodePacketInRequest(w: Writer, nextXid: () => number, controllerId: number): void {
  encodeNiciraMessage(w, nextXid(), niciraMessages.setPacketInFormat, () => w.u32(packetIn2Format))
  encodeNiciraMessage(w, nextXid(), niciraMessages.setControllerId, () => w.zeros(6).u16(controllerId))
  const start = beginMessage(w, messageTypes.setConfig, nextXid())
  w.u16(0).u16(wholePacket)
  endMessage(w, start)
}
