// Where records and grants live in the store:
//
//   record/<kind>/<key>                   the record, and `v`, the version of its layout
//   grant/<pool>/<number>                 its owner (text)
//   grant/address/<tenant:network>/<ip>   its owner (AddressOwner)
//   meta/settings                         what the cluster was started with
//   service/netmaster/<host:port>         a master that serves the store, while it lives (masters.ts)
//   lock/netmaster/leader                 the one that does the work in the background
//   meta/head                             written by every commit of records or grants (Head)

import type { StoreValue } from '../drivers/store/store.ts'
import { NetpluginError } from '../lib/errors.ts'
import { type AddressOwner, type GrantChange, numberPools } from '../model/grant.ts'
import { type Change, recordKinds } from '../model/state.ts'
import { isUnderstood, stateVersion } from '../model/versions.ts'

export const settingsKey = 'meta/settings'
export const headKey = 'meta/head'

/** Of the newest commit. Versions before wrote a number. */
export interface Head {
  /** Who wrote it: no two commits say the same. */
  readonly by: string
  /** Of the newest commit that changed records; missing: of this one. */
  readonly records?: number
}

export function decodeHead(value: StoreValue | null): Head {
  if (value === null || typeof value !== 'object' || !('by' in value)) return { by: '' }
  const { by, records } = value
  return { by: String(by), ...(typeof records === 'number' ? { records } : {}) }
}

export function recordKey(change: Change): string {
  return `record/${change.kind}/${change.key}`
}

export function grantKey(grant: GrantChange): string {
  return grant.kind === 'number'
    ? `grant/${grant.pool}/${grant.number}`
    : `grant/address/${grant.network}/${grant.address}`
}

export type Decoded =
  | { readonly type: 'record'; readonly change: Change }
  | { readonly type: 'grant'; readonly grant: GrantChange }
  /** Nothing the cluster's state is made of. */
  | { readonly type: 'other' }

/** What a key and its value mean; a null value is a deletion. */
export function decodeEntry(key: string, value: StoreValue | null): Decoded {
  const [area, kind = '', rest = ''] = splitKey(key)
  if (area === 'record') {
    const change = decodeRecord(key, kind, rest, value)
    return change === undefined ? { type: 'other' } : { type: 'record', change }
  }
  if (area !== 'grant') return { type: 'other' }
  if (kind === 'address') return { type: 'grant', grant: decodeAddress(key, rest, value) }
  const pool = numberPools.find((candidate) => candidate === kind)
  const number = Number(rest)
  if (pool === undefined || !Number.isSafeInteger(number)) throw damaged(key)
  if (value !== null && typeof value !== 'string') throw damaged(key)
  return { type: 'grant', grant: { kind: 'number', pool, number, owner: value } }
}

/** Into at most three parts: what follows the second slash may hold slashes. */
function splitKey(key: string): string[] {
  const first = key.indexOf('/')
  const second = key.indexOf('/', first + 1)
  return second < 0 ? [key] : [key.slice(0, first), key.slice(first + 1, second), key.slice(second + 1)]
}

/** A record as it is stored: with the version of its layout, `v`. */
export function storedRecord(record: object): StoreValue {
  return { ...record, v: stateVersion }
}

/** Undefined: of a kind that only the next version knows. */
function decodeRecord(key: string, kindText: string, recordKey: string, value: StoreValue | null): Change | undefined {
  const kind = recordKinds.find((candidate) => candidate === kindText)
  if (value === null) return kind === undefined ? undefined : ({ kind, key: recordKey, value } as Change)
  if (typeof value !== 'object' || Array.isArray(value)) throw damaged(key)
  const { v = 1, ...record } = value as { readonly v?: unknown }
  if (typeof v !== 'number') throw damaged(key)
  if (!isUnderstood(v, stateVersion)) throw tooNew(key, v)
  if (kind === undefined && v <= stateVersion) throw damaged(key)
  // Only netmaster writes here, and the version guards the layout: the shape of the record is trusted.
  return kind === undefined ? undefined : ({ kind, key: recordKey, value: record } as unknown as Change)
}

function decodeAddress(key: string, rest: string, value: StoreValue | null): GrantChange {
  const slash = rest.indexOf('/')
  if (slash < 0) throw damaged(key)
  const owner = value === null ? null : decodeOwner(key, value)
  return { kind: 'address', network: rest.slice(0, slash), address: rest.slice(slash + 1), owner }
}

function decodeOwner(key: string, value: StoreValue): AddressOwner {
  if (typeof value === 'object' && 'type' in value) {
    if (value.type === 'endpoint' && 'id' in value && typeof value.id === 'string') {
      return { type: 'endpoint', id: value.id }
    }
    if (value.type === 'service' && 'key' in value && typeof value.key === 'string') {
      return { type: 'service', key: value.key }
    }
    if (value.type === 'reservation' && 'node' in value && 'at' in value) {
      const request = 'request' in value ? { request: String(value.request) } : {}
      return { type: 'reservation', node: String(value.node), at: Number(value.at), ...request }
    }
  }
  throw damaged(key)
}

function tooNew(key: string, version: number): NetpluginError {
  const message = `the store holds records of version ${version} at ${JSON.stringify(key)}, and this netmaster reads those of ${stateVersion - 1} to ${stateVersion + 1}; start a version of netmaster that is not more than one apart`
  return new NetpluginError('conflict', 'STORE_TOO_NEW', message, { details: { key } })
}

function damaged(key: string): NetpluginError {
  const message = `the store holds something this version cannot read at ${JSON.stringify(key)}; was it changed by hand?`
  return new NetpluginError('unavailable', 'STORE_DAMAGED', message, { details: { key } })
}
