// Changes to what a switch does: flow-mods, group-mods and meter-mods (OpenFlow 1.4.1 sections 7.3.4.1, 7.3.4.2 and
// 7.3.4.4), alone or in a bundle; Open vSwitch takes no meter-mods in bundles.

import type { Writer } from '../../lib/bytes.ts'
import { NetpluginError, unreachable } from '../../lib/errors.ts'
import { decodeFlowBody, encodeInstructions, type Flow, timeouts } from './flow.ts'
import { decodeBuckets, encodeBuckets, type Group, groupTypeNumber, groupTypeOf } from './group.ts'
import { encodeMatch, type Match } from './match.ts'
import { beginMessage, endMessage, type Message } from './message.ts'
import { decodeMeterBody, encodeMeterBody, type Meter } from './meter.ts'
import { anyPort } from './port.ts'
import { anyGroup, anyTable, flowCommands, groupCommands, messageTypes, meterCommands, noBuffer } from './wire.ts'

/** Bits of a 64 bit number: a cookie agrees when it equals `value` where `mask` has ones. */
export interface Masked64 {
  readonly value: bigint
  readonly mask: bigint
}

export type Modification =
  /** Replaces a flow of the same table, priority and match. */
  | { readonly op: 'add-flow'; readonly flow: Flow }
  /** The one flow with exactly this identity. */
  | { readonly op: 'delete-flow'; readonly table: number; readonly priority: number; readonly match: Match }
  /** Every flow of the table (all tables when left out) whose cookie agrees. */
  | { readonly op: 'delete-flows'; readonly table?: number; readonly cookie?: Masked64 }
  /** `add-group` refuses a number that is taken, `modify-group` one that is not; `put-group` takes either. */
  | { readonly op: 'add-group' | 'modify-group' | 'put-group'; readonly group: Group }
  /** With it go the flows that use the group. `allGroups` deletes every group. */
  | { readonly op: 'delete-group'; readonly id: number }
  /** `add-meter` refuses a number that is taken, `modify-meter` one that is not. Not in bundles. */
  | { readonly op: 'add-meter' | 'modify-meter'; readonly meter: Meter }
  /** With it go the flows that use the meter. `allMeters` deletes every meter. Not in bundles. */
  | { readonly op: 'delete-meter'; readonly id: number }

/** Means nothing in a loose deletion; this is what ovs-ofctl sends. */
const defaultPriority = 0x8000
const anyCookie: Masked64 = { value: 0n, mask: 0n }

/** Appends the message for one modification. What cannot be encoded is an `invalid` error. */
export function encodeModification(w: Writer, xid: number, m: Modification): void {
  switch (m.op) {
    case 'add-flow':
      encodeFlowMod(w, xid, flowCommands.add, m.flow, anyCookie)
      return
    case 'delete-flow': {
      const flow = { table: m.table, priority: m.priority, match: m.match, cookie: 0n, actions: [] }
      encodeFlowMod(w, xid, flowCommands.deleteStrict, flow, anyCookie)
      return
    }
    case 'delete-flows': {
      const flow = { table: m.table ?? anyTable, priority: defaultPriority, match: {}, cookie: 0n, actions: [] }
      encodeFlowMod(w, xid, flowCommands.delete, flow, m.cookie ?? anyCookie)
      return
    }
    case 'add-group':
      encodeGroupMod(w, xid, groupCommands.add, m.group)
      return
    case 'modify-group':
      encodeGroupMod(w, xid, groupCommands.modify, m.group)
      return
    case 'put-group':
      encodeGroupMod(w, xid, groupCommands.put, m.group)
      return
    case 'delete-group':
      encodeGroupMod(w, xid, groupCommands.delete, { id: m.id, type: 'all', buckets: [] })
      return
    case 'add-meter':
      encodeMeterMod(w, xid, meterCommands.add, (body) => encodeMeterBody(body, m.meter))
      return
    case 'modify-meter':
      encodeMeterMod(w, xid, meterCommands.modify, (body) => encodeMeterBody(body, m.meter))
      return
    case 'delete-meter':
      encodeMeterMod(w, xid, meterCommands.delete, (body) => body.u16(0).u32(m.id))
      return
    default:
      unreachable(m)
  }
}

function encodeFlowMod(w: Writer, xid: number, command: number, flow: Flow, cookie: Masked64): void {
  const start = beginMessage(w, messageTypes.flowMod, xid)
  w.u64(command === flowCommands.add ? flow.cookie : cookie.value).u64(cookie.mask)
  w.u8(flow.table)
    .u8(command)
    .u16(flow.idleTimeoutSeconds ?? 0)
    .u16(flow.hardTimeoutSeconds ?? 0)
  w.u16(flow.priority).u32(noBuffer).u32(anyPort).u32(anyGroup).u16(0).u16(0)
  encodeMatch(w, flow.match, flow.foreign?.match)
  encodeInstructions(w, flow)
  endMessage(w, start)
}

function encodeGroupMod(w: Writer, xid: number, command: number, group: Group): void {
  const start = beginMessage(w, messageTypes.groupMod, xid)
  w.u16(command).u8(groupTypeNumber(group.type)).zeros(1).u32(group.id)
  encodeBuckets(w, group)
  endMessage(w, start)
}

function encodeMeterMod(w: Writer, xid: number, command: number, body: (w: Writer) => void): void {
  const start = beginMessage(w, messageTypes.meterMod, xid)
  w.u16(command)
  body(w)
  endMessage(w, start)
}

/** Reads a flow-mod, group-mod or meter-mod: for a switch. Commands that `Modification` has no word for are `protocol` errors. */
export function decodeModification(message: Message): Modification {
  if (message.type === messageTypes.flowMod) return decodeFlowMod(message)
  if (message.type === messageTypes.groupMod) return decodeGroupMod(message)
  if (message.type === messageTypes.meterMod) return decodeMeterMod(message)
  throw new NetpluginError('protocol', 'MESSAGE_TYPE', `message type ${message.type} is no modification`)
}

function decodeFlowMod({ body: r }: Message): Modification {
  const cookie = r.u64()
  const mask = r.u64()
  const table = r.u8()
  const command = r.u8()
  const idle = r.u16()
  const hard = r.u16()
  const priority = r.u16()
  const body = decodeFlowBody(r.skip(16))
  if (command === flowCommands.add) {
    return { op: 'add-flow', flow: { table, priority, cookie, ...body, ...timeouts(idle, hard) } }
  }
  if (command === flowCommands.deleteStrict) return { op: 'delete-flow', table, priority, match: body.match }
  if (command === flowCommands.delete) {
    return {
      op: 'delete-flows',
      ...(table === anyTable ? {} : { table }),
      ...(mask === 0n ? {} : { cookie: { value: cookie, mask } }),
    }
  }
  throw new NetpluginError('protocol', 'FLOW_COMMAND', `flow-mod command ${command} is not supported`)
}

function decodeGroupMod({ body: r }: Message): Modification {
  const command = r.u16()
  const type = groupTypeOf(r.u8())
  const id = r.skip(1).u32()
  if (command === groupCommands.delete) return { op: 'delete-group', id }
  const group: Group = { id, type, buckets: decodeBuckets(r, type) }
  if (command === groupCommands.add) return { op: 'add-group', group }
  if (command === groupCommands.modify) return { op: 'modify-group', group }
  if (command === groupCommands.put) return { op: 'put-group', group }
  throw new NetpluginError('protocol', 'GROUP_COMMAND', `group-mod command ${command} is not supported`)
}

function decodeMeterMod({ body: r }: Message): Modification {
  const command = r.u16()
  const meter = decodeMeterBody(r)
  if (command === meterCommands.add) return { op: 'add-meter', meter }
  if (command === meterCommands.modify) return { op: 'modify-meter', meter }
  if (command === meterCommands.delete) return { op: 'delete-meter', id: meter.id }
  throw new NetpluginError('protocol', 'METER_COMMAND', `meter-mod command ${command} is not supported`)
}
