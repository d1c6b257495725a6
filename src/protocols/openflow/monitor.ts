// The switch tells of changes of flows as they happen (OpenFlow 1.4.1 section 7.3.5.14), those made by the connection that asked
// in a few bytes that say no more than that.

import type { Reader, Writer } from '../../lib/bytes.ts'
import { NetpluginError } from '../../lib/errors.ts'
import { encodeMatch } from './match.ts'
import { encodeMultipartRequest } from './multipart.ts'
import { anyPort } from './port.ts'
import { anyGroup, anyTable, flowEvents, multipartTypes } from './wire.ts'

/** OFPFMF_ADD, _REMOVED, _MODIFY: flows as they are now are not listed, and of a change not what it does. */
const changesOnly = 0b1110
const monitorId = 1
/** Length and event. */
const headerBytes = 4

/** Appends a request to be told of changes of any flow. */
export function encodeMonitorRequest(w: Writer, xid: number): void {
  encodeMultipartRequest(w, xid, multipartTypes.flowMonitor, () => {
    w.u32(monitorId).u32(anyPort).u32(anyGroup).u16(changesOnly).u8(anyTable).u8(0)
    encodeMatch(w, {})
  })
}

/** Reads one update; whether it tells of a change by somebody else. Throws `protocol` FLOW_UPDATE_FORMAT. */
export function decodeFlowUpdate(r: Reader): boolean {
  const length = r.u16()
  const event = r.u16()
  if (length < headerBytes) {
    throw new NetpluginError('protocol', 'FLOW_UPDATE_FORMAT', `a flow update of ${length} bytes is too short`)
  }
  r.skip(length - headerBytes)
  return event === flowEvents.added || event === flowEvents.removed || event === flowEvents.modified
}

/** Appends an update of a change by somebody else, as far as we read it: for a switch. */
export function encodeFlowUpdate(w: Writer): void {
  const start = w.length
  w.u16(0).u16(flowEvents.modified).zeros(20)
  encodeMatch(w, {})
  w.patchU16(start, w.length - start)
}
