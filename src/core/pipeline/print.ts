// Flows of our pipeline as text for a person: tables and metadata by name, without cookie. Everything that prints flows
// (golden files, traces, `netplugin inspect`) uses this.

import {
  type Action,
  canonicalMatch,
  type FieldName,
  type Flow,
  formatActions,
  formatMatch,
  type Match,
} from '../../protocols/openflow/index.ts'
import { decidedBy, type MetadataName, metadata, origin } from './fields.ts'
import { tableName } from './tables.ts'

/** `Forward 100: Tenant=1 ipv4_dst=10.1.1.2 -> set_field…, set OutPort=3, goto Output`. */
export function printFlow(flow: Flow): string {
  const match = printMatch(flow.match)
  return `${tableName(flow.table)} ${flow.priority}: ${match === '' ? 'any' : match} -> ${printSteps(flow)}`
}

export function printMatch(match: Match): string {
  const named: string[] = []
  const fields: { -readonly [F in FieldName]?: Match[F] } = {}
  for (const [name, wanted] of Object.entries(canonicalMatch(match))) {
    const field = name as FieldName
    const names = wanted === undefined ? undefined : metadataOf(field, wanted)
    if (names === undefined) fields[field] = wanted
    else named.push(...names)
  }
  const rest = formatMatch(fields).replaceAll(',', ' ')
  return [...named, ...(rest === '' ? [] : [rest])].join(' ')
}

function printSteps(flow: Flow): string {
  const steps = flow.actions.map(printAction)
  if (flow.meter !== undefined) steps.unshift(`meter ${flow.meter}`)
  if (flow.goto !== undefined) steps.push(`goto ${tableName(flow.goto)}`)
  return steps.length === 0 ? 'drop' : steps.join(', ')
}

function printAction(action: Action): string {
  if (action.type === 'set_field') {
    const { field, value, mask } = action
    const names = metadataOf(field, mask === undefined ? value : { value, mask })
    if (names !== undefined) return `set ${names.join(' ')}`
    if (field === decidedBy.in || field === decidedBy.out) return `decided by rule 0x${value.toString(16)}`
  }
  const text = formatActions([action], tableName)
  return text.replace(/\breg\d+\[\d+\.\.\d+\]/g, nameOfRange)
}

/** `reg1[16..31]` is Tenant; `reg3[0..15]` is part of OutPort. */
function nameOfRange(text: string): string {
  const [, field = '', first = '', last = ''] = /^(reg\d+)\[(\d+)\.\.(\d+)\]$/.exec(text) ?? []
  const offset = Number(first)
  const bits = Number(last) - offset + 1
  for (const [name, place] of Object.entries(metadata)) {
    if (place.field !== field || offset < place.offset || offset + bits > place.offset + place.bits) continue
    return place.bits === bits ? name : `${name}[${offset - place.offset}..${offset - place.offset + bits - 1}]`
  }
  return text
}

/** A register value in names of metadata; undefined when it is no register or not made of whole names. */
function metadataOf(field: FieldName, wanted: NonNullable<Match[FieldName]>): string[] | undefined {
  if (!field.startsWith('reg')) return undefined
  const names: string[] = []
  const value = BigInt(typeof wanted === 'object' ? wanted.value : wanted)
  let left = typeof wanted === 'object' ? BigInt(wanted.mask) : 0xffff_ffffn
  for (const name of Object.keys(metadata) as MetadataName[]) {
    const place = metadata[name]
    const mask = ((1n << BigInt(place.bits)) - 1n) << BigInt(place.offset)
    if (place.field !== field || (left & mask) !== mask) continue
    left &= ~mask
    names.push(`${name}=${printValue(name, Number((value & mask) >> BigInt(place.offset)))}`)
  }
  return left === 0n && names.length > 0 ? names : undefined
}

function printValue(name: MetadataName, value: number): string {
  if (name !== 'Origin') return String(value)
  return Object.entries(origin).find(([, number]) => number === value)?.[0] ?? String(value)
}
