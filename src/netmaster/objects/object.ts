// What the REST layer needs of one kind of object. Everything is pure: writes are decisions of a transaction.

import type { Problem } from '../../lib/errors.ts'
import { problem } from '../../model/body.ts'
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

/** `1 network`, `2 networks`. */
export function count(n: number, noun: string): string {
  return `${n} ${noun}${n === 1 ? '' : 's'}`
}

export function sortedValues<V>(map: ReadonlyMap<string, V>): V[] {
  return [...map.entries()].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, value]) => value)
}
