// Questions whose answers come in parts: flows, groups, ports (OpenFlow 1.4.1 section 7.3.5).

import type { Reader, Writer } from '../../lib/bytes.ts'
import { encodeMatch } from './match.ts'
import { beginMessage, endMessage } from './message.ts'
import type { Masked64 } from './modification.ts'
import { anyPort } from './port.ts'
import { anyGroup, anyTable, messageTypes, multipartMore } from './wire.ts'

export interface FlowFilter {
  readonly table?: number
  readonly cookie?: Masked64
}

/** Appends a request of that type with this body. */
export function encodeMultipartRequest(w: Writer, xid: number, type: number, body?: (w: Writer) => void): void {
  const start = beginMessage(w, messageTypes.multipartRequest, xid)
  w.u16(type).u16(0).zeros(4)
  body?.(w)
  endMessage(w, start)
}

/** Of type `flow` or `aggregate`: both are asked in the same words. */
export function encodeFlowsRequest(w: Writer, xid: number, type: number, filter: FlowFilter): void {
  encodeMultipartRequest(w, xid, type, () => {
    w.u8(filter.table ?? anyTable)
      .zeros(3)
      .u32(anyPort)
      .u32(anyGroup)
      .zeros(4)
    w.u64(filter.cookie?.value ?? 0n).u64(filter.cookie?.mask ?? 0n)
    encodeMatch(w, {})
  })
}

/** Reads the body of a flow request: for a switch. */
export function decodeFlowFilter(r: Reader): FlowFilter {
  const table = r.u8()
  const value = r.skip(15).u64()
  const mask = r.u64()
  return { ...(table === anyTable ? {} : { table }), ...(mask === 0n ? {} : { cookie: { value, mask } }) }
}

/** Reads how many flows there are of the body of an aggregate reply (7.3.5.3). */
export function decodeAggregate(r: Reader): number {
  const flows = r.skip(16).u32()
  r.skip(4)
  return flows
}

/** Appends the body of an aggregate reply: for a switch. */
export function encodeAggregate(
  w: Writer,
  flows: readonly { readonly packets: bigint; readonly bytes: bigint }[],
): void {
  const sum = (of: 'packets' | 'bytes') => flows.reduce((all, flow) => all + flow[of], 0n)
  w.u64(sum('packets')).u64(sum('bytes')).u32(flows.length).zeros(4)
}

/** Type and flags that begin request and reply. */
export function decodeMultipartHeader(r: Reader): { readonly type: number; readonly more: boolean } {
  const type = r.u16()
  const flags = r.u16()
  r.skip(4)
  return { type, more: (flags & multipartMore) !== 0 }
}

/** Appends one part of a reply. */
export function encodeMultipartReply(w: Writer, xid: number, type: number, more: boolean, entries: Uint8Array): void {
  const start = beginMessage(w, messageTypes.multipartReply, xid)
  w.u16(type)
    .u16(more ? multipartMore : 0)
    .zeros(4)
    .bytes(entries)
  endMessage(w, start)
}
