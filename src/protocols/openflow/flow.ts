// Flows: what a table holds. On the wire a flow-mod puts one there and a flow-stats entry reports it; both share match
// and instructions (OpenFlow 1.4.1 sections 7.2.3, 7.3.4.1, 7.3.5.2).

import type { Reader, Writer } from '../../lib/bytes.ts'
import { NetpluginError } from '../../lib/errors.ts'
import { type Action, canonicalActions } from './action.ts'
import { decodeActions } from './action-decode.ts'
import { encodeActions } from './action-encode.ts'
import { canonicalMatch, decodeMatch, encodeMatch, type Match } from './match.ts'
import { instructionTypes } from './wire.ts'

export interface Flow {
  readonly table: number
  readonly priority: number
  readonly cookie: bigint
  readonly match: Match
  readonly actions: readonly Action[]
  /** The table that goes on with the packet after the actions. */
  readonly goto?: number
  readonly meter?: number
  readonly idleTimeoutSeconds?: number
  readonly hardTimeoutSeconds?: number
  /** What somebody else put there and this codec has no words for; sent back as it came. */
  readonly foreign?: Foreign
}

/** Bytes in hex. */
export interface Foreign {
  readonly match?: string
  readonly instructions?: string
}

/** A flow as the switch reports it. */
export interface FlowStats extends Flow {
  readonly packets: bigint
  readonly bytes: bigint
  readonly durationSeconds: number
}

/** Appends the instructions: meter, actions, goto, each only when there is one. */
export function encodeInstructions(w: Writer, flow: Flow): void {
  if (flow.meter !== undefined) w.u16(instructionTypes.meter).u16(8).u32(flow.meter)
  if (flow.actions.some((action) => action.type !== 'drop')) {
    const start = w.length
    w.u16(instructionTypes.apply).u16(0).zeros(4)
    encodeActions(w, flow.actions)
    w.patchU16(start + 2, w.length - start)
  }
  if (flow.goto !== undefined) w.u16(instructionTypes.goto).u16(8).u8(flow.goto).zeros(3)
  if (flow.foreign?.instructions !== undefined) w.bytes(Buffer.from(flow.foreign.instructions, 'hex'))
}

interface Instructions {
  readonly actions: readonly Action[]
  readonly goto?: number
  readonly meter?: number
  readonly foreign: string
}

/** Reads instructions to the end of the reader. */
export function decodeInstructions(r: Reader): Instructions {
  let actions: Action[] = []
  let goto: number | undefined
  let meter: number | undefined
  let foreign = ''
  while (r.remaining > 0) {
    const type = r.u16()
    const length = r.u16()
    if (length < 8) {
      throw new NetpluginError('protocol', 'INSTRUCTION_LENGTH', `instruction of type ${type} has length ${length}`)
    }
    const body = r.sub(length - 4)
    if (type === instructionTypes.apply) actions = decodeActions(body.skip(4))
    else if (type === instructionTypes.goto) goto = body.u8()
    else if (type === instructionTypes.meter) meter = body.u32()
    else {
      const head = Buffer.of(type >>> 8, type, length >>> 8, length)
      foreign += Buffer.concat([head, body.bytes(body.remaining)]).toString('hex')
    }
  }
  return {
    actions,
    ...(goto === undefined ? {} : { goto }),
    ...(meter === undefined ? {} : { meter }),
    foreign,
  }
}

/** Match and instructions as they follow the fixed part of a flow-mod or of flow stats. */
export type FlowBody = Pick<Flow, 'match' | 'actions' | 'goto' | 'meter' | 'foreign'>

export function decodeFlowBody(r: Reader): FlowBody {
  const { match, foreign: foreignMatch } = decodeMatch(r)
  const { foreign: instructions, ...rest } = decodeInstructions(r)
  const foreign: Foreign = {
    ...(foreignMatch === '' ? {} : { match: foreignMatch }),
    ...(instructions === '' ? {} : { instructions }),
  }
  return { match, ...rest, ...(foreignMatch === '' && instructions === '' ? {} : { foreign }) }
}

/** The timeouts of a flow; 0 on the wire is none. */
export function timeouts(idle: number, hard: number): Pick<Flow, 'idleTimeoutSeconds' | 'hardTimeoutSeconds'> {
  return {
    ...(idle === 0 ? {} : { idleTimeoutSeconds: idle }),
    ...(hard === 0 ? {} : { hardTimeoutSeconds: hard }),
  }
}

/** The flow in canonical form: what the switch will report after it was given this one. */
export function canonicalise(flow: Flow): Flow {
  const { table, priority, cookie, goto, meter, foreign } = flow
  return {
    table,
    priority,
    cookie,
    match: canonicalMatch(flow.match),
    actions: canonicalActions(flow.actions),
    ...(goto === undefined ? {} : { goto }),
    ...(meter === undefined ? {} : { meter }),
    ...timeouts(flow.idleTimeoutSeconds ?? 0, flow.hardTimeoutSeconds ?? 0),
    ...(foreign === undefined ? {} : { foreign }),
  }
}

/** Reads one `ofp_flow_stats`. */
export function decodeFlowStats(r: Reader): FlowStats {
  const length = r.u16()
  if (length < 56) throw new NetpluginError('protocol', 'FLOW_LENGTH', `flow entry of ${length} bytes`)
  const entry = r.sub(length - 2)
  const table = entry.u8()
  const durationSeconds = entry.skip(1).u32()
  const priority = entry.skip(4).u16()
  const idle = entry.u16()
  const hard = entry.u16()
  const cookie = entry.skip(6).u64()
  const packets = entry.u64()
  const bytes = entry.u64()
  const body = decodeFlowBody(entry)
  return { table, priority, cookie, ...body, ...timeouts(idle, hard), packets, bytes, durationSeconds }
}

/** Appends one `ofp_flow_stats`: what a switch says about a flow. */
export function encodeFlowStats(w: Writer, flow: FlowStats): void {
  const start = w.length
  w.u16(0).u8(flow.table).zeros(1).u32(flow.durationSeconds).u32(0).u16(flow.priority)
  w.u16(flow.idleTimeoutSeconds ?? 0)
    .u16(flow.hardTimeoutSeconds ?? 0)
    .zeros(6)
  w.u64(flow.cookie).u64(flow.packets).u64(flow.bytes)
  encodeMatch(w, flow.match, flow.foreign?.match)
  encodeInstructions(w, flow)
  w.patchU16(start, w.length - start)
}
