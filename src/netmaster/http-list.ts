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

/** What a list is made of: items are rendered from what is there when their turn comes. */
export interface ListSource<Item> {
  /** In any order. */
  readonly keys: Iterable<string>
  /** The item as it is now; undefined when it went meanwhile. */
  readonly get: (key: string) => Item | undefined
}

/** Rendered in one turn of the event loop: less than a millisecond's worth. */
const sliceItems = 100
/** Sorted in one turn. */
const runKeys = 2_000
/** Sent at once. */
const pieceChars = 32_768

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
      return sendAll(reply, pieces(source, query))
    },
  })
}

/** What is one piece needs no stream. */
async function sendAll(reply: FastifyReply, texts: AsyncGenerator<string>): Promise<FastifyReply> {
  const { value: first } = await texts.next()
  const second = await texts.next()
  if (second.done === true) return reply.send(first)
  const all = async function* () {
    yield first
    yield second.value
    yield* texts
  }
  return reply.send(Readable.from(all(), { objectMode: false }))
}

async function sendPage<Item>(
  request: FastifyRequest,
  reply: FastifyReply,
  source: ListSource<Item>,
  query: ListQuery,
  limit: number,
): Promise<FastifyReply> {
  const page: Selected<Item>[] = []
  for await (const slice of selected(source, query)) {
    page.push(...slice)
    if (page.length > limit) break
  }
  const items = page.slice(0, limit)
  if (page.length > limit) {
    const [path = ''] = request.url.split('?')
    reply.header('link', `<${path}?${nextPage(query, items.at(-1)?.key ?? '')}>; rel="next"`)
  }
  return reply.send(JSON.stringify(items.map(({ item }) => item)))
}

/** The text of the whole list. */
async function* pieces<Item>(source: ListSource<Item>, query: ListQuery): AsyncGenerator<string> {
  let text = '['
  let separator = ''
  for await (const slice of selected(source, query)) {
    if (text.length > pieceChars) {
      yield text
      text = ''
    }
    for (const { item } of slice) {
      text += separator + JSON.stringify(item)
      separator = ','
    }
  }
  yield `${text}]`
}

interface Selected<Item> {
  readonly key: string
  readonly item: Item
}

/** What the query asks for, a slice in each turn of the event loop; a slice is empty when nothing of it passes. */
async function* selected<Item>(source: ListSource<Item>, query: ListQuery): AsyncGenerator<Selected<Item>[]> {
  let slice: Selected<Item>[] = []
  let looked = 0
  for (const key of inOrder(await runs(source.keys, query.after))) {
    const item = source.get(key)
    if (item !== undefined && passes(item, query.filters)) slice.push({ key, item })
    if (++looked % sliceItems !== 0) continue
    yield slice
    slice = []
    await nextTurn()
  }
  yield slice
}

/** The keys after one, in sorted runs: to sort tens of thousands at once would take too long for one turn. */
async function runs(keys: Iterable<string>, after: string): Promise<string[][]> {
  const all = [...keys].filter((key) => key > after)
  const sorted: string[][] = []
  for (let at = 0; at < all.length; at += runKeys) {
    if (at > 0) await nextTurn()
    sorted.push(all.slice(at, at + runKeys).sort())
  }
  return sorted
}

/** Merges sorted runs. */
function* inOrder(sorted: readonly (readonly string[])[]): Generator<string> {
  const heads = sorted.map((run) => ({ run, at: 0 })).filter(({ run }) => run.length > 0)
  while (heads.length > 0) {
    let least = 0
    let key = next(heads[0])
    for (let each = 1; each < heads.length; each++) {
      const other = next(heads[each])
      if (other < key) [least, key] = [each, other]
    }
    yield key
    const head = heads[least]
    if (head !== undefined && ++head.at >= head.run.length) heads.splice(least, 1)
  }
}

function next(head: { readonly run: readonly string[]; readonly at: number } | undefined): string {
  return head?.run[head.at] ?? ''
}
