// Actions to bytes (OpenFlow 1.4.1 section 7.2.4; Nicira actions as in ovs-actions(7)).

import { parseIpv4, parseIpv6 } from '../../lib/address.ts'
import type { Writer } from '../../lib/bytes.ts'
import { NetpluginError, unreachable } from '../../lib/errors.ts'
import { type Action, type Conntrack, canonicalNat, type Nat, reasonAction, wholePacket } from './action.ts'
import {
  encodeBits,
  encodeHeader,
  encodeShortHeader,
  encodeValue,
  type FieldRange,
  fieldBits,
  fieldNamed,
  valueBits,
} from './field.ts'
import { portNumber, reservedPorts, shortPort } from './port.ts'
import { actionTypes, controller2Props, ctFlags, natFlags, natRange, niciraActions, niciraVendor } from './wire.ts'

const vlanEtherType = 0x8100

export function encodeActions(w: Writer, actions: readonly Action[]): void {
  for (const action of actions) encodeAction(w, action)
}

export function encodeAction(w: Writer, action: Action): void {
  switch (action.type) {
    case 'output':
      encodeOutput(w, portNumber(action.port))
      return
    case 'group':
      w.u16(actionTypes.group).u16(8).u32(action.group)
      return
    case 'push_vlan':
      w.u16(actionTypes.pushVlan).u16(8).u16(vlanEtherType).zeros(2)
      return
    case 'pop_vlan':
      w.u16(actionTypes.popVlan).u16(8).zeros(4)
      return
    case 'dec_ttl':
      w.u16(actionTypes.decTtl).u16(8).zeros(4)
      return
    case 'set_field':
      encodeSetField(w, action)
      return
    case 'drop':
      return
    case 'unknown':
      w.bytes(Buffer.from(action.bytes, 'hex'))
      return
    case 'output_field':
    case 'move':
    case 'resubmit':
    case 'ct':
    case 'ct_clear':
    case 'conjunction':
    case 'controller':
    case 'note':
      encodeNicira(w, action)
      return
    default:
      unreachable(action)
  }
}

function encodeOutput(w: Writer, port: number): void {
  w.u16(actionTypes.output).u16(16).u32(port)
  w.u16(port === reservedPorts.controller ? wholePacket : 0).zeros(6)
}

type Nicira = Extract<
  Action,
  { type: 'output_field' | 'move' | 'resubmit' | 'ct' | 'ct_clear' | 'conjunction' | 'controller' | 'note' }
>

function encodeNicira(w: Writer, action: Nicira): void {
  const start = w.length
  switch (action.type) {
    case 'output_field':
      header(w, niciraActions.outputReg).u16(rangeBits(action.from))
      encodeShortHeader(w, fieldNamed(action.from.field))
      w.u16(wholePacket).zeros(6)
      break
    case 'move':
      encodeMove(w, action.from, action.to)
      break
    case 'resubmit':
      header(w, niciraActions.resubmitTable).u16(shortPort(action.inPort ?? reservedPorts.in_port))
      w.u8(action.table).zeros(3)
      break
    case 'ct':
      encodeConntrack(w, action)
      break
    case 'ct_clear':
      header(w, niciraActions.ctClear)
      break
    case 'conjunction':
      header(w, niciraActions.conjunction).u8(action.clause).u8(action.of).u32(action.id)
      break
    case 'controller':
      encodeController(w, action)
      break
    case 'note':
      header(w, niciraActions.note).bytes(Buffer.from(action.bytes, 'hex'))
      break
    default:
      unreachable(action)
  }
  finish(w, start)
}

/** The ten bytes every Nicira action begins with; `finish` puts the length in. */
function header(w: Writer, subtype: number): Writer {
  return w.u16(actionTypes.experimenter).u16(0).u32(niciraVendor).u16(subtype)
}

function finish(w: Writer, start: number): void {
  w.align(8, start)
  w.patchU16(start + 2, w.length - start)
}

/** Offset and width in 16 bits: `offset << 6 | bits - 1`. */
function rangeBits(range: FieldRange): number {
  const { offset, bits } = range
  const field = fieldNamed(range.field)
  if (offset < 0 || bits < 1 || bits > 64 || offset + bits > fieldBits(field)) {
    throw new NetpluginError('invalid', 'OXM_RANGE', `field ${field.name} has no bits ${offset}..${offset + bits - 1}`)
  }
  return (offset << 6) | (bits - 1)
}

function encodeSetField(w: Writer, action: Extract<Action, { type: 'set_field' }>): void {
  const start = w.length
  const field = fieldNamed(action.field)
  const mask = action.mask === undefined ? field.ones : valueBits(field, action.mask)
  if (mask === field.ones) {
    w.u16(actionTypes.setField).u16(0)
    encodeHeader(w, field, false)
    encodeValue(w, field, action.value)
  } else {
    if (mask === 0n) throw new NetpluginError('invalid', 'SET_FIELD_MASK', `set_field ${field.name} sets no bit`)
    header(w, niciraActions.regLoad2)
    encodeHeader(w, field, true, 'nicira')
    encodeBits(w, field, valueBits(field, action.value) & mask)
    encodeBits(w, field, mask)
  }
  finish(w, start)
}

function encodeMove(w: Writer, from: FieldRange, to: FieldRange): void {
  if (from.bits !== to.bits) {
    throw new NetpluginError('invalid', 'MOVE_WIDTH', `a move of ${from.bits} bits cannot fill ${to.bits} bits`)
  }
  header(w, niciraActions.regMove).u16(from.bits).u16(from.offset).u16(to.offset)
  encodeHeader(w, fieldNamed(from.field), false, 'nicira')
  encodeHeader(w, fieldNamed(to.field), false, 'nicira')
}

function encodeController(w: Writer, action: Extract<Action, { type: 'controller' }>): void {
  const { controllerId, reason = reasonAction, maxLen = wholePacket, userdata = '' } = action
  if (userdata === '') {
    header(w, niciraActions.controller).u16(maxLen).u16(controllerId).u8(reason).zeros(1)
    return
  }
  header(w, niciraActions.controller2).zeros(6)
  if (maxLen !== wholePacket) w.u16(controller2Props.maxLen).u16(8).u16(maxLen).zeros(2)
  if (controllerId !== 0) w.u16(controller2Props.controllerId).u16(8).u16(controllerId).zeros(2)
  if (reason !== reasonAction) w.u16(controller2Props.reason).u16(8).u8(reason).zeros(3)
  const start = w.length
  const data = Buffer.from(userdata, 'hex')
  w.u16(controller2Props.userdata)
    .u16(4 + data.length)
    .bytes(data)
    .align(8, start)
}

function encodeConntrack(w: Writer, ct: Conntrack): void {
  header(w, niciraActions.ct).u16((ct.commit === true ? ctFlags.commit : 0) | (ct.force === true ? ctFlags.force : 0))
  if (typeof ct.zone === 'number') w.u32(0).u16(ct.zone)
  else {
    const bits = rangeBits(ct.zone)
    encodeShortHeader(w, fieldNamed(ct.zone.field))
    w.u16(bits)
  }
  w.u8(ct.table ?? 0xff)
    .zeros(3)
    .u16(ct.alg ?? 0)
  if (ct.nat !== undefined) encodeNat(w, canonicalNat(ct.nat))
  encodeActions(w, ct.exec ?? [])
}

function encodeNat(w: Writer, nat: Nat): void {
  const start = w.length
  header(w, niciraActions.nat).zeros(2)
  if (nat === 'restore') w.u16(0).u16(0)
  else {
    const choose = nat.choose === undefined ? 0 : natFlags[nat.choose]
    w.u16(natFlags[nat.kind] | choose | (nat.persistent === true ? natFlags.persistent : 0)).u16(0)
    const present =
      natAddress(w, nat.min, natRange.ipv4Min, natRange.ipv6Min) |
      (nat.max === undefined ? 0 : natAddress(w, nat.max, natRange.ipv4Max, natRange.ipv6Max)) |
      natPort(w, nat.portMin, natRange.portMin) |
      natPort(w, nat.portMax, natRange.portMax)
    w.patchU16(start + 14, present)
  }
  finish(w, start)
}

/** Writes the address and returns the flag that says so. */
function natAddress(w: Writer, text: string, flag4: number, flag6: number): number {
  const v4 = parseIpv4(text)
  if (v4 !== undefined) {
    w.u32(v4)
    return flag4
  }
  const v6 = parseIpv6(text)
  if (v6 === undefined) throw new NetpluginError('invalid', 'NAT_ADDRESS', `"${text}" is no address to translate to`)
  w.u64(v6 >> 64n).u64(v6)
  return flag6
}

function natPort(w: Writer, port: number | undefined, flag: number): number {
  if (port === undefined) return 0
  w.u16(port)
  return flag
}
