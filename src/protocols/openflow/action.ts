// What a flow does with a packet: the actions this system uses of OpenFlow 1.4 (section 7.2.4) and of the Nicira
// extensions (ovs-actions(7)). An action has one canonical form; decoding gives it, `canonicalAction` makes it.

import { canonicalIpv6 } from '../../lib/address.ts'
import { canonicalValue, type FieldRange, type FieldValue, fieldNamed } from './field.ts'
import { canonicalWanted } from './match.ts'
import type { FieldName } from './oxm.ts'
import { portNumber, portOfNumber, type ReservedPort, reservedPorts } from './port.ts'

export type Action =
  | { readonly type: 'output'; readonly port: number | ReservedPort }
  /** Output to the port whose number the field holds. */
  | { readonly type: 'output_field'; readonly from: FieldRange }
  /** Without mask the whole field is written. */
  | {
      readonly type: 'set_field'
      readonly field: FieldName
      readonly value: FieldValue
      readonly mask?: FieldValue
    }
  | { readonly type: 'move'; readonly from: FieldRange; readonly to: FieldRange }
  | { readonly type: 'push_vlan' }
  | { readonly type: 'pop_vlan' }
  | { readonly type: 'dec_ttl' }
  | { readonly type: 'resubmit'; readonly table: number; readonly inPort?: number }
  | { readonly type: 'group'; readonly group: number }
  | Conntrack
  | { readonly type: 'ct_clear' }
  /** Clause numbers count from 0; `of` is how many there are (2 to 64). */
  | { readonly type: 'conjunction'; readonly id: number; readonly clause: number; readonly of: number }
  /** `userdata` (hex) comes back in the packet-in; `reason` is an OFPR number (default 1, "action"). */
  | {
      readonly type: 'controller'
      readonly controllerId: number
      readonly reason?: number
      readonly maxLen?: number
      readonly userdata?: string
    }
  /** Bytes (hex) that the switch keeps and ignores. */
  | { readonly type: 'note'; readonly bytes: string }
  /** Nothing at all: a flow without actions drops. Says so for a reader; has no bytes. */
  | { readonly type: 'drop' }
  /** An action that this codec does not know, header and all, hex. */
  | { readonly type: 'unknown'; readonly bytes: string }

export interface Conntrack {
  readonly type: 'ct'
  readonly commit?: boolean
  /** With commit: replace a connection that was begun from the other side. */
  readonly force?: boolean
  readonly zone: number | FieldRange
  /** Where the packet goes on once it is tracked; without it the packet ends here and a copy is tracked. */
  readonly table?: number
  readonly nat?: Nat
  /** set_field and move on ct_mark and ct_label. */
  readonly exec?: readonly Action[]
  /** Control port of a protocol whose data connections are related: 21 for FTP, 69 for TFTP. */
  readonly alg?: number
}

export type Nat =
  | 'restore'
  | {
      readonly kind: 'src' | 'dst'
      readonly min: string
      readonly max?: string
      readonly portMin?: number
      readonly portMax?: number
      /** How a port or address of the range is chosen. */
      readonly choose?: 'hash' | 'random'
      /** The same client keeps the same address. */
      readonly persistent?: boolean
    }

export const reasonAction = 1
export const wholePacket = 0xffff

/** The actions in canonical form: what the switch will report after it was given these. */
export function canonicalActions(actions: readonly Action[]): Action[] {
  const canonical: Action[] = []
  for (const action of actions) if (action.type !== 'drop') canonical.push(canonicalAction(action))
  return canonical
}

export function canonicalAction(action: Action): Action {
  switch (action.type) {
    case 'output':
      return { type: 'output', port: portOfNumber(portNumber(action.port)) }
    case 'set_field':
      return canonicalSetField(action.field, action.value, action.mask)
    case 'resubmit': {
      const { table, inPort } = action
      const elsewhere = inPort !== undefined && inPort !== reservedPorts.in_port
      return { type: 'resubmit', table, ...(elsewhere ? { inPort } : {}) }
    }
    case 'ct':
      return canonicalConntrack(action)
    case 'controller': {
      const { controllerId, reason, maxLen, userdata } = action
      return {
        type: 'controller',
        controllerId,
        ...(reason === undefined || reason === reasonAction ? {} : { reason }),
        ...(maxLen === undefined || maxLen === wholePacket ? {} : { maxLen }),
        ...(userdata === undefined || userdata === '' ? {} : { userdata: userdata.toLowerCase() }),
      }
    }
    case 'note':
      return { type: 'note', bytes: paddedNote(action.bytes) }
    default:
      return action
  }
}

/** Mask dropped when it covers the field. */
export function canonicalSetField(name: FieldName, value: FieldValue, mask: FieldValue | undefined): Action {
  const field = fieldNamed(name)
  if (mask === undefined) return { type: 'set_field', field: name, value: canonicalValue(field, value) }
  const wanted = canonicalWanted(field, { value, mask })
  if (wanted === undefined) return { type: 'set_field', field: name, value: canonicalValue(field, 0), mask: 0 }
  if (typeof wanted !== 'object') return { type: 'set_field', field: name, value: wanted }
  return { type: 'set_field', field: name, value: wanted.value, mask: wanted.mask }
}

function canonicalConntrack(ct: Conntrack): Conntrack {
  const exec = canonicalActions(ct.exec ?? [])
  return {
    type: 'ct',
    ...(ct.commit === true ? { commit: true } : {}),
    ...(ct.force === true ? { force: true } : {}),
    zone: ct.zone,
    ...(ct.table === undefined ? {} : { table: ct.table }),
    ...(ct.nat === undefined ? {} : { nat: canonicalNat(ct.nat) }),
    ...(exec.length === 0 ? {} : { exec }),
    ...(ct.alg === undefined || ct.alg === 0 ? {} : { alg: ct.alg }),
  }
}

/** A range of one is a single address or port. */
export function canonicalNat(nat: Nat): Nat {
  if (nat === 'restore') return nat
  const min = canonicalAddress(nat.min)
  const max = nat.max === undefined ? min : canonicalAddress(nat.max)
  const { portMin, portMax } = nat
  return {
    kind: nat.kind,
    min,
    ...(max === min ? {} : { max }),
    ...(portMin === undefined ? {} : { portMin }),
    ...(portMax === undefined || portMax === portMin ? {} : { portMax }),
    ...(nat.choose === undefined ? {} : { choose: nat.choose }),
    ...(nat.persistent === true ? { persistent: true } : {}),
  }
}

function canonicalAddress(text: string): string {
  return text.includes(':') ? (canonicalIpv6(text) ?? text) : text
}

/** Notes fill the action to a multiple of 8 bytes: 6, 14, 22, ... of their own. */
function paddedNote(hex: string): string {
  const bytes = Math.ceil(hex.length / 2)
  const room = 6 + Math.ceil(Math.max(0, bytes - 6) / 8) * 8
  return hex.toLowerCase().padEnd(room * 2, '0')
}
