// What netplugin and the DNS server of its host (netnames) tell each other: JSON, one object a line. netplugin tells the
// whole view first (`begin` to `end`), then changes. `hello`, `yield` and `stop` never change: they are how a netplugin
// replaces a server of another version.

import type { Member } from './members.ts'

/** Whose questions come from a port of the switch. */
export interface Asker {
  readonly port: number
  readonly tenant: string
  readonly network: string
}

export type FeedMessage =
  /** A complete view follows; the old one counts until `end`. */
  | { readonly type: 'begin' }
  | { readonly type: 'host'; readonly pvtSubnet: string; readonly askers: readonly Asker[] }
  | { readonly type: 'members'; readonly set: readonly Member[]; readonly gone: readonly string[] }
  | { readonly type: 'end' }
  | { readonly type: 'ping' }
  | { readonly type: 'status' }
  /** Give up the control socket, and go on answering until `stop` or the end of the connection. */
  | { readonly type: 'yield' }
  | { readonly type: 'stop' }

export interface NamesStatus {
  readonly pid: number
  /** Whether a netplugin tells it what is new. */
  readonly fed: boolean
  /** Where it answers; empty: not yet. */
  readonly address: string
  readonly members: number
  readonly askers: number
  /** Messages since it started. */
  readonly asked: number
  readonly answeredHere: number
  readonly forwarded: number
  /** Over the rate of their container, and dropped. */
  readonly limited: number
}

export type NamesMessage =
  /** `program`: what netplugin gave it when it started it. */
  | { readonly type: 'hello'; readonly pid: number; readonly program: string }
  | { readonly type: 'serving'; readonly address: string }
  | { readonly type: 'yielded' }
  | { readonly type: 'pong' }
  | { readonly type: 'status'; readonly status: NamesStatus }

/** Lists are told in parts: nobody waits long for one line. */
export const membersInMessage = 500

const feedTypes: ReadonlySet<unknown> = new Set<FeedMessage['type']>([
  'begin',
  'host',
  'members',
  'end',
  'ping',
  'status',
  'yield',
  'stop',
])
const namesTypes: ReadonlySet<unknown> = new Set<NamesMessage['type']>([
  'hello',
  'serving',
  'yielded',
  'pong',
  'status',
])

export function formatLine(message: FeedMessage | NamesMessage): string {
  return `${JSON.stringify(message)}\n`
}

/** undefined: not a message of this version. Members are checked one by one: a broken one would break each answer. */
export function parseFeedLine(line: string): FeedMessage | undefined {
  const value = objectOf(line)
  if (value === undefined || !feedTypes.has(value.type)) return undefined
  if (value.type === 'members' && !(listOf(value.set, isMember) && listOf(value.gone, isText))) return undefined
  if (value.type === 'host' && !(isText(value.pvtSubnet) && listOf(value.askers, isAsker))) return undefined
  return value as FeedMessage
}

/** undefined: not a message of this version. */
export function parseNamesLine(line: string): NamesMessage | undefined {
  const value = objectOf(line)
  if (value === undefined || !namesTypes.has(value.type)) return undefined
  if (value.type === 'hello' && !(Number.isInteger(value.pid) && isText(value.program))) return undefined
  if (value.type === 'serving' && !isText(value.address)) return undefined
  if (value.type === 'status' && !isObject(value.status)) return undefined
  return value as unknown as NamesMessage
}

function objectOf(line: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const value: unknown = JSON.parse(line)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function listOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isItem)
}

function isAsker(value: unknown): boolean {
  return isObject(value) && Number.isInteger(value.port) && isText(value.tenant) && isText(value.network)
}

function isMember(value: unknown): boolean {
  if (!isObject(value) || !listOf(value.names, isText) || !listOf(value.ports, isText)) return false
  return [value.key, value.tenant, value.network, value.ipv4, value.ipv6, value.service, value.group].every(isText)
}
