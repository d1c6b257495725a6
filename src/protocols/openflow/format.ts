// Flows as text: one stable form to compare by, one to read. Both use the notation of ovs-ofctl(8) where it has one.

import { unreachable } from '../../lib/errors.ts'
import { type Action, canonicalActions, type Nat } from './action.ts'
import type { FieldRange, FieldValue, Masked } from './field.ts'
import type { Flow } from './flow.ts'
import { canonicalGroup, type Group } from './group.ts'
import { canonicalMatch, type Match } from './match.ts'
import { portOfNumber } from './port.ts'

/** Table, priority and match: which flow this is. Equal exactly when the switch holds them to be the same flow. */
export function flowIdentity(flow: Pick<Flow, 'table' | 'priority' | 'match' | 'foreign'>): string {
  const match = formatMatch(canonicalMatch(flow.match))
  const foreign = flow.foreign?.match === undefined ? '' : `,foreign=${flow.foreign.match}`
  return `table=${flow.table},priority=${flow.priority}${match === '' ? '' : `,${match}`}${foreign}`
}

/** Identity and everything the flow does, without cookie and counters: equal exactly for flows that do the same. */
export function canonicalFlow(flow: Flow): string {
  return `${flowIdentity(flow)}${formatTimeouts(flow)} actions=${formatSteps(flow, String)}`
}

/** Equal exactly for groups that do the same. */
export function canonicalGroupText(group: Group): string {
  const buckets = canonicalGroup(group).buckets.map((bucket) => {
    const weight = bucket.weight === undefined ? '' : `weight:${bucket.weight},`
    const watch = bucket.watchPort === undefined ? '' : `watch_port:${bucket.watchPort},`
    return `,bucket=${weight}${watch}actions=${formatActions(bucket.actions)}`
  })
  return `group_id=${group.id},type=${group.type}${buckets.join('')}`
}

/** One line for a person; `tableName` gives tables their names. */
export function formatFlow(flow: Flow, tableName: (table: number) => string = String): string {
  const match = formatMatch(canonicalMatch(flow.match))
  const cookie = flow.cookie === 0n ? '' : `cookie=0x${flow.cookie.toString(16)}, `
  const head = `${cookie}table=${tableName(flow.table)}, priority=${flow.priority}`
  return `${head}${match === '' ? '' : `, ${match}`}${formatTimeouts(flow)} actions=${formatSteps(flow, tableName)}`
}

function formatTimeouts(flow: Flow): string {
  const { idleTimeoutSeconds: idle = 0, hardTimeoutSeconds: hard = 0 } = flow
  return `${idle === 0 ? '' : `,idle_timeout=${idle}`}${hard === 0 ? '' : `,hard_timeout=${hard}`}`
}

function formatSteps(flow: Flow, tableName: (table: number) => string): string {
  const steps: string[] = []
  if (flow.meter !== undefined) steps.push(`meter:${flow.meter}`)
  for (const action of canonicalActions(flow.actions)) steps.push(formatAction(action, tableName))
  if (flow.goto !== undefined) steps.push(`goto_table:${tableName(flow.goto)}`)
  if (flow.foreign?.instructions !== undefined) steps.push(`foreign:${flow.foreign.instructions}`)
  return steps.length === 0 ? 'drop' : steps.join(',')
}

/** The fields in the order given, `name=value` or `name=value/mask`. */
export function formatMatch(match: Match): string {
  const parts: string[] = []
  for (const [name, wanted] of Object.entries(match)) {
    if (wanted !== undefined) parts.push(`${name}=${formatWanted(name, wanted)}`)
  }
  return parts.join(',')
}

function formatWanted(name: string, wanted: FieldValue | Masked): string {
  if (typeof wanted !== 'object') return formatValue(name, wanted)
  return `${formatValue(name, wanted.value)}/${formatValue(name, wanted.mask)}`
}

const decimalFields = /port|priority|_src$|_dst$|proto|icmp|arp_op|vlan_pcp|dscp|ecn|ttl|zone/

/** Numbers that people count are decimal, bit patterns and ids hexadecimal. */
function formatValue(name: string, value: FieldValue): string {
  if (typeof value === 'string') return value
  if (name === 'in_port') return String(portOfNumber(Number(value)))
  return decimalFields.test(name) || value === 0 || value === 0n ? String(value) : `0x${value.toString(16)}`
}

export function formatActions(actions: readonly Action[], tableName: (table: number) => string = String): string {
  return actions.length === 0 ? 'drop' : actions.map((action) => formatAction(action, tableName)).join(',')
}

function formatRange(range: FieldRange): string {
  return `${range.field}[${range.offset}..${range.offset + range.bits - 1}]`
}

function formatAction(action: Action, tableName: (table: number) => string): string {
  switch (action.type) {
    case 'output':
      return `output:${action.port}`
    case 'output_field':
      return `output:${formatRange(action.from)}`
    case 'set_field': {
      const mask = action.mask === undefined ? '' : `/${formatValue(action.field, action.mask)}`
      return `set_field:${formatValue(action.field, action.value)}${mask}->${action.field}`
    }
    case 'move':
      return `move:${formatRange(action.from)}->${formatRange(action.to)}`
    case 'resubmit':
      return `resubmit(${action.inPort ?? ''},${tableName(action.table)})`
    case 'group':
      return `group:${action.group}`
    case 'ct':
      return formatConntrack(action, tableName)
    case 'conjunction':
      return `conjunction(${action.id},${action.clause + 1}/${action.of})`
    case 'controller': {
      const { controllerId, reason, maxLen, userdata } = action
      const parts = [`id=${controllerId}`]
      if (reason !== undefined) parts.push(`reason=${reason}`)
      if (maxLen !== undefined) parts.push(`max_len=${maxLen}`)
      if (userdata !== undefined) parts.push(`userdata=${userdata}`)
      return `controller(${parts.join(',')})`
    }
    case 'note':
      return `note:${action.bytes}`
    case 'unknown':
      return `unknown:${action.bytes}`
    case 'push_vlan':
    case 'pop_vlan':
    case 'dec_ttl':
    case 'ct_clear':
    case 'drop':
      return action.type
    default:
      return unreachable(action)
  }
}

function formatConntrack(ct: Extract<Action, { type: 'ct' }>, tableName: (table: number) => string): string {
  const parts: string[] = []
  if (ct.commit === true) parts.push('commit')
  if (ct.force === true) parts.push('force')
  if (ct.table !== undefined) parts.push(`table=${tableName(ct.table)}`)
  parts.push(`zone=${typeof ct.zone === 'number' ? ct.zone : formatRange(ct.zone)}`)
  if (ct.nat !== undefined) parts.push(formatNat(ct.nat))
  if (ct.exec !== undefined) parts.push(`exec(${formatActions(ct.exec, tableName)})`)
  if (ct.alg !== undefined) parts.push(`alg=${ct.alg}`)
  return `ct(${parts.join(',')})`
}

function formatNat(nat: Nat): string {
  if (nat === 'restore') return 'nat'
  const { kind, min, max, portMin, portMax, choose, persistent } = nat
  const first = portMin !== undefined && min.includes(':') ? `[${min}]` : min
  const addresses =
    max === undefined ? first : `${first}-${portMin !== undefined && max.includes(':') ? `[${max}]` : max}`
  const ports = portMin === undefined ? '' : `:${portMin}${portMax === undefined ? '' : `-${portMax}`}`
  return `nat(${kind}=${addresses}${ports}${choose === undefined ? '' : `,${choose}`}${persistent === true ? ',persistent' : ''})`
}
