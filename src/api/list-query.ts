// The query string of lists: which items, and how many at a time. `?tenantName=blue` keeps items with that attribute
// (of attributes that are lists, those that contain it); `?limit=100` answers a page, whose header Link names the next.

import type { ZodType } from 'zod'
import { closest } from '../lib/closest.ts'
import type { Problem } from '../lib/errors.ts'
import { problem } from '../model/body.ts'

export const maxLimit = 1_000

export interface ListQuery {
  /** Items of a page; undefined: all. */
  readonly limit: number | undefined
  /** Only items whose key comes after this one. */
  readonly after: string
  readonly filters: readonly Filter[]
}

export interface Filter {
  readonly name: string
  readonly value: string
}

/** The attributes an item can be chosen by: all but its links. */
export function filterNames(item: ZodType): readonly string[] {
  const shape = 'shape' in item && typeof item.shape === 'object' && item.shape !== null ? item.shape : {}
  return Object.keys(shape).filter((name) => name !== 'links' && name !== 'link-sets')
}

/** Every parameter a list of such items understands. */
export function queryNames(item: ZodType): readonly string[] {
  return ['limit', 'after', ...filterNames(item)]
}

/** `query`: a value for each name, or several; `names`: the attributes items can be chosen by. */
export function parseListQuery(
  query: Readonly<Record<string, unknown>>,
  names: readonly string[],
): ListQuery | Problem {
  let limit: number | undefined
  let after = ''
  const filters: Filter[] = []
  for (const [name, value] of Object.entries(query)) {
    if (typeof value !== 'string') {
      return problem('invalid', 'REPEATED_PARAMETER', `parameter ${JSON.stringify(name)} is given more than once`, {
        name,
      })
    }
    if (name === 'limit') {
      limit = /^\d{1,9}$/.test(value) ? Number(value) : 0
      if (limit < 1 || limit > maxLimit) {
        const message = `limit must be a number from 1 to ${maxLimit}, not ${JSON.stringify(value)}`
        return problem('invalid', 'INVALID_LIMIT', message, { limit: value })
      }
    } else if (name === 'after') after = value
    else if (names.includes(name)) filters.push({ name, value })
    else return unknown(name, names)
  }
  return { limit, after, filters }
}

function unknown(name: string, names: readonly string[]): Problem {
  const known = ['limit', 'after', ...names]
  const near = closest(name, known)
  const hint = near === undefined ? `use ${known.join(', ')}` : `did you mean ${near}?`
  return problem('invalid', 'UNKNOWN_PARAMETER', `unknown parameter ${JSON.stringify(name)}; ${hint}`, { name, known })
}

/** Whether an item as it is rendered passes all filters. An attribute that is left out counts as empty. */
export function passes(item: unknown, filters: readonly Filter[]): boolean {
  return filters.every(({ name, value }) => {
    const found: unknown =
      typeof item === 'object' && item !== null && Object.hasOwn(item, name) ? Reflect.get(item, name) : ''
    return Array.isArray(found) ? found.some((each) => String(each) === value) : String(found) === value
  })
}

/** The query string of the page after `last`. */
export function nextPage(query: ListQuery, last: string): string {
  const parameters = new URLSearchParams()
  for (const { name, value } of query.filters) parameters.set(name, value)
  if (query.limit !== undefined) parameters.set('limit', String(query.limit))
  parameters.set('after', last)
  return parameters.toString()
}
