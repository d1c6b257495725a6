// Bytes to actions, in canonical form. What the switch may hold but we never send becomes `unknown`, byte for byte, so
// that reading back a foreign flow cannot fail.

import { formatIpv4, formatIpv6 } from '../../lib/address.ts'
import { Reader } from '../../lib/bytes.ts'
import { NetpluginError } from '../../lib/errors.ts'
import { type Action, type Conntrack, canonicalAction, canonicalNat, canonicalSetField, type Nat } from './action.ts'
import { decodeHeader, type Field, type FieldRange, fieldBits } from './field.ts'
import { decodePayload } from './match.ts'
import { portOfNumber, portOfShort, reservedPorts } from './port.ts'
import { actionTypes, controller2Props, ctFlags, natFlags, natRange, niciraActions, niciraVendor } from './wire.ts'

const vlanEtherType = 0x8100

/** Reads actions to the end of the reader. */
export function decodeActions(r: Reader): Action[] {
  const actions: Action[] = []
  while (r.remaining > 0) {
    const type = r.u16()
    const length = r.u16()
    if (length < 8 || length % 8 !== 0) {
      throw new NetpluginError('protocol', 'ACTION_LENGTH', `action of type ${type} has length ${length}`)
    }
    const bytes = r.bytes(length - 4)
    actions.push(decodeAction(type, new Reader(bytes)) ?? unknownAction(type, length, bytes))
  }
  return actions
}

function unknownAction(type: number, length: number, bytes: Buffer): Action {
  const head = Buffer.of(type >>> 8, type, length >>> 8, length)
  return { type: 'unknown', bytes: head.toString('hex') + bytes.toString('hex') }
}

/** undefined when this is an action, or a form of one, that we have no name for. */
function decodeAction(type: number, r: Reader): Action | undefined {
  switch (type) {
    case actionTypes.output:
      return decodeOutput(r)
    case actionTypes.group:
      return { type: 'group', group: r.u32() }
    case actionTypes.pushVlan:
      return r.u16() === vlanEtherType ? { type: 'push_vlan' } : undefined
    case actionTypes.popVlan:
      return { type: 'pop_vlan' }
    case actionTypes.decTtl:
      return { type: 'dec_ttl' }
    case actionTypes.setField:
      return decodeSetField(r)
    case actionTypes.experimenter:
      return r.u32() === niciraVendor ? decodeNicira(r.u16(), r) : undefined
    default:
      return undefined
  }
}

function decodeNicira(subtype: number, r: Reader): Action | undefined {
  switch (subtype) {
    case niciraActions.outputReg: {
      const bits = r.u16()
      const from = decodeRange(r, bits)
      return from === undefined ? undefined : { type: 'output_field', from }
    }
    case niciraActions.regMove:
      return decodeMove(r)
    case niciraActions.regLoad:
      return decodeRegLoad(r)
    case niciraActions.regLoad2:
      return decodeSetField(r)
    case niciraActions.resubmit:
      return { type: 'resubmit', table: 0xff, inPort: portOfShort(r.u16()) }
    case niciraActions.resubmitTable: {
      const inPort = portOfShort(r.u16())
      return canonicalAction({ type: 'resubmit', table: r.u8(), inPort })
    }
    case niciraActions.ct:
      return decodeConntrack(r)
    case niciraActions.ctClear:
      return { type: 'ct_clear' }
    case niciraActions.conjunction: {
      const clause = r.u8()
      const of = r.u8()
      return { type: 'conjunction', id: r.u32(), clause, of }
    }
    case niciraActions.controller: {
      const maxLen = r.u16()
      const controllerId = r.u16()
      return canonicalAction({ type: 'controller', controllerId, reason: r.u8(), maxLen })
    }
    case niciraActions.controller2:
      return decodeController2(r.skip(6))
    case niciraActions.note:
      return { type: 'note', bytes: r.bytes(r.remaining).toString('hex') }
    default:
      return undefined
  }
}

/** How much of the packet goes along matters only to the controller, and there we always ask for the whole. */
function decodeOutput(r: Reader): Action | undefined {
  const port = r.u32()
  const maxLen = r.u16()
  if (port === reservedPorts.controller && maxLen !== 0xffff) return undefined
  return { type: 'output', port: portOfNumber(port) }
}

function decodeSetField(r: Reader): Action | undefined {
  const header = decodeHeader(r)
  if (header.field === undefined) return undefined
  const { field, masked, length } = header
  const wanted = decodePayload(r, field, masked, length)
  if (wanted === undefined) return undefined
  if (typeof wanted !== 'object') return { type: 'set_field', field: field.name, value: wanted }
  return { type: 'set_field', field: field.name, value: wanted.value, mask: wanted.mask }
}

/** The older way to set some bits of a field. */
function decodeRegLoad(r: Reader): Action | undefined {
  const bits = r.u16()
  const to = decodeRange(r, bits)
  if (to === undefined) return undefined
  const value = r.u64() << BigInt(to.offset)
  const mask = ((1n << BigInt(to.bits)) - 1n) << BigInt(to.offset)
  const { field } = to
  if ((value & ~mask) !== 0n) return undefined
  return canonicalSetField(field, value, mask)
}

/** A four byte field header after its `offset << 6 | bits - 1`; undefined for a field without a row. */
function decodeRange(r: Reader, offsetBits: number): FieldRange | undefined {
  const { field } = decodeHeader(r)
  return field === undefined ? undefined : rangeOf(field, offsetBits >>> 6, (offsetBits & 63) + 1)
}

function rangeOf(field: Field, offset: number, bits: number): FieldRange {
  if (bits < 1 || offset + bits > fieldBits(field)) {
    throw new NetpluginError('protocol', 'OXM_RANGE', `${field.name} has no bits ${offset}..${offset + bits - 1}`)
  }
  return { field: field.name, offset, bits }
}

function decodeMove(r: Reader): Action | undefined {
  const bits = r.u16()
  const fromOffset = r.u16()
  const toOffset = r.u16()
  const from = decodeHeader(r).field
  const to = decodeHeader(r).field
  if (from === undefined || to === undefined) return undefined
  return { type: 'move', from: rangeOf(from, fromOffset, bits), to: rangeOf(to, toOffset, bits) }
}

function decodeController2(r: Reader): Action | undefined {
  let controller: Extract<Action, { type: 'controller' }> = { type: 'controller', controllerId: 0 }
  while (r.remaining >= 4) {
    const start = r.offset
    const type = r.u16()
    const length = r.u16()
    const body = r.sub(length - 4)
    if (type === controller2Props.maxLen) controller = { ...controller, maxLen: body.u16() }
    else if (type === controller2Props.controllerId) controller = { ...controller, controllerId: body.u16() }
    else if (type === controller2Props.reason) controller = { ...controller, reason: body.u8() }
    else if (type === controller2Props.userdata) {
      controller = { ...controller, userdata: body.bytes(body.remaining).toString('hex') }
    } else return undefined
    r.align(8, start)
  }
  return controller.userdata === undefined ? undefined : canonicalAction(controller)
}

function decodeConntrack(r: Reader): Action | undefined {
  const flags = r.u16()
  const zoneHeader = r.bytes(4)
  const zoneBits = r.u16()
  const table = r.u8()
  const alg = r.skip(3).u16()
  const zone = decodeZone(zoneHeader, zoneBits)
  if (zone === undefined || (flags & ~(ctFlags.commit | ctFlags.force)) !== 0) return undefined
  const nested = decodeNested(r)
  if (nested === undefined) return undefined
  const ct: Conntrack = {
    type: 'ct',
    commit: (flags & ctFlags.commit) !== 0,
    force: (flags & ctFlags.force) !== 0,
    zone,
    ...(table === 0xff ? {} : { table }),
    ...nested,
    alg,
  }
  return canonicalAction(ct)
}

/** A zone is a number, or where one stands: a header of zeros says which. */
function decodeZone(header: Buffer, zone: number): number | FieldRange | undefined {
  return header.readUInt32BE(0) === 0 ? zone : decodeRange(new Reader(header), zone)
}

interface Nested {
  readonly nat?: Nat
  readonly exec: readonly Action[]
}

/** The actions inside `ct`: one nat at most, then what it does to mark and label. */
function decodeNested(r: Reader): Nested | undefined {
  let nat: Nat | undefined
  const exec: Action[] = []
  while (r.remaining > 0) {
    const type = r.u16()
    const length = r.u16()
    if (length < 8) throw new NetpluginError('protocol', 'ACTION_LENGTH', `action of type ${type} has length ${length}`)
    const body = r.sub(length - 4)
    const bytes = body.bytes(body.remaining)
    const found = decodeNat(type, new Reader(bytes))
    if (found !== undefined) nat = found
    else {
      const action = decodeAction(type, new Reader(bytes))
      if (action === undefined) return undefined
      exec.push(action)
    }
  }
  return { ...(nat === undefined ? {} : { nat }), exec }
}

/** undefined when this is no nat action. */
function decodeNat(type: number, r: Reader): Nat | undefined {
  if (type !== actionTypes.experimenter || r.remaining < 12) return undefined
  if (r.u32() !== niciraVendor || r.u16() !== niciraActions.nat) return undefined
  const flags = r.skip(2).u16()
  const present = r.u16()
  if ((flags & (natFlags.src | natFlags.dst)) === 0) return 'restore'
  const min = natAddress(r, present, natRange.ipv4Min, natRange.ipv6Min)
  const max = natAddress(r, present, natRange.ipv4Max, natRange.ipv6Max)
  const portMin = (present & natRange.portMin) === 0 ? undefined : r.u16()
  const portMax = (present & natRange.portMax) === 0 ? undefined : r.u16()
  if (min === undefined) return undefined
  return canonicalNat({
    kind: (flags & natFlags.src) !== 0 ? 'src' : 'dst',
    min,
    ...(max === undefined ? {} : { max }),
    ...(portMin === undefined ? {} : { portMin }),
    ...(portMax === undefined ? {} : { portMax }),
    ...((flags & natFlags.hash) !== 0 ? { choose: 'hash' as const } : {}),
    ...((flags & natFlags.random) !== 0 ? { choose: 'random' as const } : {}),
    persistent: (flags & natFlags.persistent) !== 0,
  })
}

function natAddress(r: Reader, present: number, flag4: number, flag6: number): string | undefined {
  if ((present & flag4) !== 0) return formatIpv4(r.u32())
  if ((present & flag6) !== 0) return formatIpv6((r.u64() << 64n) | r.u64())
  return undefined
}
