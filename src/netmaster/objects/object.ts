// What the REST layer needs of one kind of object. Everything is pure: writes are decisions of a transaction.

import type { Problem } from '../../lib/errors.ts'
import { type KeysOfType, problem } from '../../model/body.ts'
import { linkType, type ReferringKind } from '../../model/references.ts'
import type { RecordKind } from '../../model/state.ts'
import type { Decision } from '../decision.ts'
import type { View } from '../tables.ts'

export interface ObjectKind<Body, Rendered, Inspected> {
  /** Of all objects, in any order. */
  keys(view: View): Iterable<string>
  get(view: View, key: string): Rendered | Problem
  /** Creates or changes the object; answers it as it is afterwards. */
  put(view: View, key: string, body: Body): Decision<Rendered> | Problem
  /** Answers the key. */
  remove(view: View, key: string): Decision<string> | Problem
  inspect(view: View, key: string): Inspected | Problem
}

export function notFound(noun: string, key: string): Problem {
  const code = `${noun.toUpperCase().replaceAll(' ', '_')}_NOT_FOUND`
  return problem('not-found', code, `${noun} ${key} not found`, { key })
}

/** The key in the URL must be the one the names in the body make. */
export function checkKey(urlKey: string, bodyKey: string, givenKey: string | undefined): Problem | undefined {
  const wrong = bodyKey !== urlKey ? bodyKey : givenKey
  if (wrong === undefined || wrong === '' || wrong === urlKey) return undefined
  return problem(
    'invalid',
    'KEY_MISMATCH',
    `the URL is that of ${urlKey}, but the body is that of ${wrong}; make them agree`,
  )
}

/** `a, b, c and 4 more`. */
export function nameSome(names: Iterable<string>): string {
  const all = [...names].sort()
  const shown = all.slice(0, 3).join(', ')
  return all.length <= 3 ? shown : `${shown} and ${all.length - 3} more`
}

/** `1 network`, `2 networks`, `3 policies`. */
export function count(n: number, noun: string): string {
  return `${n} ${n === 1 ? noun : `${noun}s`.replace(/ys$/, 'ies')}`
}

export function sortedValues<V>(map: ReadonlyMap<string, V>): V[] {
  return [...map.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value)
}

/** Refuses what lies in a tenant that is not there. */
export function checkTenant(view: View, tenantName: string): Problem | undefined {
  return view.tenants.has(tenantName) ? undefined : notFound('tenant', tenantName)
}

/** Refuses the first of these groups of a tenant that is not there; empty names name none. */
export function checkGroups(view: View, tenantName: string, names: readonly string[]): Problem | undefined {
  const keys = names.map((name) => (name === '' ? '' : `${tenantName}:${name}`))
  const missing = keys.find((key) => key !== '' && !view.groups.has(key))
  return missing === undefined ? undefined : notFound('endpoint group', missing)
}

/** The same of networks. */
export function checkNetworks(view: View, tenantName: string, names: readonly string[]): Problem | undefined {
  const keys = names.map((name) => (name === '' ? '' : `${tenantName}:${name}`))
  const missing = keys.find((key) => key !== '' && !view.networks.has(key))
  return missing === undefined ? undefined : notFound('network', missing)
}

/** A link set: the objects of a kind that name this one. */
export function referring(view: View, kind: ReferringKind, to: RecordKind, key: string): KeysOfType {
  return { type: linkType(kind), keys: view.referrers(kind, to, key).keys() }
}

/** A link set: the objects of a kind with these names in a tenant. */
export function named(kind: ReferringKind, tenant: string, names: readonly string[]): KeysOfType {
  return { type: linkType(kind), keys: names.map((name) => `${tenant}:${name}`) }
}

/** Why something cannot be deleted, when anything in the map still names it. */
export function heldBy(
  code: string,
  what: string,
  holders: ReadonlyMap<string, unknown>,
  noun: string,
  advice: string,
): Problem | undefined {
  if (holders.size === 0) return undefined
  const keys = [...holders.keys()].sort()
  const message = `${what} ${count(keys.length, noun)} (${nameSome(keys)}); ${advice}`
  return problem('conflict', code, message, { holders: keys.slice(0, 20), count: keys.length })
}
