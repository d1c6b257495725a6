// What the switch refuses, as errors of this program: the code is the specification's name for it
// (OpenFlow 1.4.1 section 7.5.4; extension errors as Open vSwitch numbers them).

import type { Reader, Writer } from '../../lib/bytes.ts'
import { type ErrorDetails, type ErrorKind, NetpluginError } from '../../lib/errors.ts'
import { beginMessage, endMessage } from './message.ts'
import { messageTypes, niciraVendor } from './wire.ts'

/** An error message as read. */
export interface SwitchError {
  readonly type: number
  readonly code: number
  /** The specification's name, or `OFPET_<type>_<code>`. */
  readonly name: string
}

/** Prefix and names by type; a name's place is its code, `-` where no code is assigned. */
const standardErrors: readonly (readonly [prefix: string, names: string])[] = [
  ['OFPHFC_', 'INCOMPATIBLE EPERM'],
  [
    'OFPBRC_',
    'BAD_VERSION BAD_TYPE BAD_STAT BAD_VENDOR BAD_SUBTYPE EPERM BAD_LEN BUFFER_EMPTY BUFFER_UNKNOWN BAD_TABLE_ID ' +
      'IS_SECONDARY BAD_PORT BAD_PACKET MULTIPART_BUFFER_OVERFLOW MULTIPART_REQUEST_TIMEOUT MULTIPART_REPLY_TIMEOUT',
  ],
  [
    'OFPBAC_',
    'BAD_TYPE BAD_LEN BAD_VENDOR BAD_VENDOR_TYPE BAD_OUT_PORT BAD_ARGUMENT EPERM TOO_MANY BAD_QUEUE BAD_OUT_GROUP ' +
      'MATCH_INCONSISTENT UNSUPPORTED_ORDER BAD_TAG BAD_SET_TYPE BAD_SET_LEN BAD_SET_ARGUMENT',
  ],
  [
    'OFPBIC_',
    'UNKNOWN_INST UNSUP_INST BAD_TABLE_ID UNSUP_METADATA UNSUP_METADATA_MASK BAD_EXPERIMENTER BAD_EXP_TYPE BAD_LEN ' +
      'EPERM DUP_INST',
  ],
  [
    'OFPBMC_',
    'BAD_TYPE BAD_LEN BAD_TAG BAD_DL_ADDR_MASK BAD_NW_ADDR_MASK BAD_WILDCARDS BAD_FIELD BAD_VALUE BAD_MASK ' +
      'BAD_PREREQ DUP_FIELD EPERM',
  ],
  [
    'OFPFMFC_',
    'UNKNOWN TABLE_FULL BAD_TABLE_ID OVERLAP EPERM BAD_TIMEOUT BAD_COMMAND BAD_FLAGS CANT_SYNC BAD_PRIORITY IS_SYNC',
  ],
  [
    'OFPGMFC_',
    'GROUP_EXISTS INVALID_GROUP WEIGHT_UNSUPPORTED OUT_OF_GROUPS OUT_OF_BUCKETS CHAINING_UNSUPPORTED ' +
      'WATCH_UNSUPPORTED LOOP UNKNOWN_GROUP CHAINED_GROUP BAD_TYPE BAD_COMMAND BAD_BUCKET BAD_WATCH EPERM',
  ],
  ['OFPPMFC_', 'BAD_PORT BAD_HW_ADDR BAD_CONFIG BAD_ADVERTISE EPERM'],
  ['OFPTMFC_', 'BAD_TABLE BAD_CONFIG EPERM'],
  ['OFPQOFC_', 'BAD_PORT BAD_QUEUE EPERM'],
  ['OFPSCFC_', 'BAD_FLAGS BAD_LEN EPERM'],
  ['OFPRRFC_', 'STALE UNSUP BAD_ROLE'],
  [
    'OFPMMFC_',
    'UNKNOWN METER_EXISTS INVALID_METER UNKNOWN_METER BAD_COMMAND BAD_FLAGS BAD_RATE BAD_BURST BAD_BAND ' +
      'BAD_BAND_VALUE OUT_OF_METERS OUT_OF_BANDS',
  ],
  ['OFPTFFC_', 'BAD_TABLE BAD_METADATA - - - EPERM'],
  ['OFPBPC_', 'BAD_TYPE BAD_LEN BAD_VALUE TOO_MANY DUP_TYPE BAD_EXPERIMENTER BAD_EXP_TYPE BAD_EXP_VALUE EPERM'],
  ['OFPACFC_', 'INVALID UNSUPPORTED EPERM'],
  ['OFPMOFC_', 'UNKNOWN MONITOR_EXISTS INVALID_MONITOR UNKNOWN_MONITOR BAD_COMMAND BAD_FLAGS BAD_TABLE_ID BAD_OUT'],
  [
    'OFPBFC_',
    'UNKNOWN EPERM BAD_ID BUNDLE_EXIST BUNDLE_CLOSED OUT_OF_BUNDLES BAD_TYPE BAD_FLAGS MSG_BAD_LEN MSG_BAD_XID ' +
      'MSG_UNSUP MSG_CONFLICT MSG_TOO_MANY MSG_FAILED TIMEOUT BUNDLE_IN_PROGRESS',
  ],
]

const experimenterType = 0xffff

const niciraErrors: Readonly<Record<number, string>> = {
  2: 'NXBRC_NXM_INVALID',
  3: 'NXBRC_NXM_BAD_TYPE',
  4: 'NXBRC_MUST_BE_ZERO',
  5: 'NXBRC_BAD_REASON',
  11: 'NXBAC_MUST_BE_ZERO',
  12: 'NXFMFC_HARDWARE',
  13: 'NXFMFC_BAD_TABLE_ID',
  15: 'NXBAC_BAD_CONJUNCTION',
  22: 'OFPBFC_BAD_VERSION',
  34: 'NXR_NOT_SUPPORTED',
  35: 'NXR_STALE',
  42: 'NXBAC_CT_DATAPATH_SUPPORT',
  43: 'NXBMC_CT_DATAPATH_SUPPORT',
}

/** What to look at, for the errors that people meet. */
const advice: Readonly<Record<string, string>> = {
  OFPBMC_BAD_PREREQ: 'a field lacks what it depends on: add the eth_type, ip_proto or ICMP type',
  OFPBMC_BAD_VALUE: 'a field has a value out of its range',
  OFPBMC_BAD_FIELD: 'the switch does not know a field of the match; is Open vSwitch too old?',
  OFPBMC_DUP_FIELD: 'a field is matched twice',
  OFPBAC_MATCH_INCONSISTENT: 'an action needs a protocol that the match does not name',
  OFPBAC_BAD_OUT_GROUP: 'the group does not exist: put it before the flow that uses it',
  OFPBAC_BAD_SET_ARGUMENT: 'a set_field has a value out of its range',
  OFPBIC_BAD_TABLE_ID: 'goto must name a later table',
  OFPFMFC_TABLE_FULL: 'the flow table is full',
  OFPGMFC_GROUP_EXISTS: 'the group number is taken: use put-group to replace it',
  OFPGMFC_UNKNOWN_GROUP: 'no such group: use put-group to make it',
  OFPMMFC_INVALID_METER: 'no such meter: add it before the flow that uses it',
  OFPMMFC_METER_EXISTS: 'the meter number is taken: use modify-meter to change it',
  OFPMMFC_UNKNOWN_METER: 'no such meter: use add-meter to make it',
  OFPBFC_MSG_FAILED: 'a modification of the bundle failed; none was applied',
  OFPBFC_TIMEOUT: 'the switch gave up waiting for the rest of the bundle; send it again',
  NXBAC_CT_DATAPATH_SUPPORT: 'the datapath has no connection tracking',
}

const kinds: Readonly<Record<string, ErrorKind>> = {
  OFPFMFC_TABLE_FULL: 'exhausted',
  OFPGMFC_OUT_OF_GROUPS: 'exhausted',
  OFPGMFC_OUT_OF_BUCKETS: 'exhausted',
  OFPBFC_OUT_OF_BUNDLES: 'exhausted',
  OFPGMFC_GROUP_EXISTS: 'conflict',
  OFPGMFC_UNKNOWN_GROUP: 'not-found',
  OFPMMFC_METER_EXISTS: 'conflict',
  OFPMMFC_UNKNOWN_METER: 'not-found',
  OFPMMFC_OUT_OF_METERS: 'exhausted',
  OFPBFC_TIMEOUT: 'timeout',
}

/** Reads the body of an error message. */
export function decodeError(r: Reader): SwitchError {
  const type = r.u16()
  const code = r.u16()
  return { type, code, name: errorName(type, code, type === experimenterType ? r.u32() : 0) }
}

function errorName(type: number, code: number, experimenter: number): string {
  const nicira = experimenter === niciraVendor ? niciraErrors[code] : undefined
  const [prefix, names] = standardErrors[type] ?? ['', '']
  const name = names.split(' ')[code]
  return nicira ?? (name === undefined || name === '-' || name === '' ? `OFPET_${type}_${code}` : prefix + name)
}

/** Type and code of a standard error, by name; for a switch. */
export function errorNumber(name: string): { readonly type: number; readonly code: number } {
  for (const [type, [prefix, names]] of standardErrors.entries()) {
    const code = names.split(' ').indexOf(name.slice(prefix.length))
    if (name.startsWith(prefix) && code >= 0) return { type, code }
  }
  throw new NetpluginError('invalid', 'OPENFLOW_ERROR_NAME', `there is no OpenFlow error ${name}`)
}

/** Appends the error message with which a switch refuses the message `xid`. */
export function encodeError(w: Writer, xid: number, name: string): void {
  const { type, code } = errorNumber(name)
  const start = beginMessage(w, messageTypes.error, xid)
  w.u16(type).u16(code)
  endMessage(w, start)
}

/** `doing` completes "the switch refused ...". */
export function switchRefused(error: SwitchError, doing: string, details: ErrorDetails = {}): NetpluginError {
  const { name, type, code } = error
  const hint = advice[name]
  const message = `the switch refused ${doing}: ${name}${hint === undefined ? '' : ` (${hint})`}`
  return new NetpluginError(kinds[name] ?? 'invalid', name, message, { details: { ...details, type, code } })
}
