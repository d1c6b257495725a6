// Lists over HTTP: filtered, in pages, or streamed as a whole. Items are rendered a slice at a time, so that ten thousand
// of them take no memory and never hold up other requests for long.

import { Readable } from 'node:stream'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { filterNames, type ListQuery, nextPage, parseListQuery, passes } from '../api/list-query.ts'
import type { Route } from '../api/route.ts'
import { raise } from '../lib/errors.ts'
import { isProblem } from '../model/body.ts'
import { jsonType } from './http.ts'

/** What a list is made of. */
export interface ListSource<Item> {
  /** Sorted. */
  readonly keys: readonly string[]
  /** The item as it is now; undefined when it went meanwhile. */
  readonly get: (key: string) => Item | undefined
}

/** Rendered in one turn of the event loop: less than a millisecond's worth. */
const sliceItems = 100

/** Serves a list; `open` is called for each request. */
export async function serveList<Item>(
  app: FastifyInstance,
  route: Route<undefined, undefined, readonly Item[]>,
  open: () => ListSource<Item>,
): Promise<void> {
  const { item } = await route.schemas()
  const names = item === undefined ? [] : filterNames(item)
  app.route({
    method: route.method,
    url: route.path,
    config: { definition: route },
    handler: async (request, reply) => {
      const query = parseListQuery(Object(request.query), names)
      if (isProblem(query)) raise(query)
      reply.type(jsonType)
      const source = open()
      if (query.limit !== undefined) return sendPage(request, reply, source, query, query.limit)
      if (source.keys.length <= sliceItems) {
        const items = [...selected(source, query)].flat().map(({ item }) => item)
        return reply.send(JSON.stringify(items))
      }
      return reply.send(Readable.from(pieces(source, query), { objectMode: false }))
    },
  })
}

async function sendPage<Item>(
  request: FastifyRequest,
  reply: FastifyReply,
  source: ListSource<Item>,
  query: ListQuery,
  limit: number,
): Promise<FastifyReply> {
  const items: Item[] = []
  let last: string | undefined
  for (const slice of selected(source, query)) {
    for (const { key, item } of slice) {
      if (items.length === limit) {
        const [path = ''] = request.url.split('?')
        reply.header('link', `<${path}?${nextPage(query, last ?? '')}>; rel="next"`)
        return reply.send(JSON.stringify(items))
      }
      items.push(item)
      last = key
    }
    await nextTurn()
  }
  return reply.send(JSON.stringify(items))
}

/** The text of the whole list. */
async function* pieces<Item>(source: ListSource<Item>, query: ListQuery): AsyncGenerator<string> {
  let separator = '['
  for (const slice of selected(source, query)) {
    let text = ''
    for (const { item } of slice) {
      text += separator + JSON.stringify(item)
      separator = ','
    }
    if (text !== '') yield text
    await nextTurn()
  }
  yield separator === '[' ? '[]' : ']'
}

interface Selected<Item> {
  readonly key: string
  readonly item: Item
}

/** What the query asks for, in slices; a slice is empty when nothing of it passes. */
function* selected<Item>({ keys, get }: ListSource<Item>, query: ListQuery): Generator<Selected<Item>[]> {
  let slice: Selected<Item>[] = []
  let looked = 0
  for (const key of keys) {
    if (query.after !== '' && key <= query.after) continue
    const item = get(key)
    if (item !== undefined && passes(item, query.filters)) slice.push({ key, item })
    if (++looked % sliceItems !== 0) continue
    yield slice
    slice = []
  }
  yield slice
}
