// The API as an OpenAPI 3.1 document, made from the definitions that server and clients are made from.

import { z } from 'zod'
import { maxLimit, queryNames } from './list-query.ts'
import type { AnyRoute } from './route.ts'

export type JsonSchema = { readonly [keyword: string]: unknown }

export interface Parameter {
  readonly name: string
  readonly in: 'path' | 'query' | 'header'
  readonly required: boolean
  readonly description: string
  readonly schema: JsonSchema
}

export interface Content {
  readonly [type: string]: { readonly schema: JsonSchema }
}

export interface Operation {
  readonly operationId: string
  readonly summary: string
  readonly tags: readonly string[]
  readonly parameters: readonly Parameter[]
  readonly requestBody?: { readonly required: true; readonly content: Content }
  readonly responses: Readonly<Record<string, JsonSchema>>
}

export interface OpenApiDocument {
  readonly openapi: '3.1.0'
  readonly info: { readonly title: string; readonly version: string; readonly description: string }
  /** Path, then method in small letters. */
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components: {
    readonly schemas: Readonly<Record<string, JsonSchema>>
    readonly responses: Readonly<Record<string, JsonSchema>>
  }
}

const error = z.object({
  kind: z.string().describe('What sort of error; each has a status of its own.'),
  code: z.string().describe('Which one. Stable: programs look at this.'),
  message: z.string().describe('For a person: what is wrong, and what to do next.'),
  details: z.record(z.string(), z.unknown()).describe('Names and values the message speaks of.'),
})

const description =
  'Objects of the cluster are written whole and answered as they are stored. Errors are JSON for those who accept application/json.'

/** Describes the routes, in their order. */
export async function describeApi(routes: readonly AnyRoute[], version: string): Promise<OpenApiDocument> {
  const schemas = new Schemas()
  const paths: Record<string, Record<string, Operation>> = {}
  for (const route of routes) {
    const path = route.path.replace(/:([a-zA-Z]+)/g, '{$1}')
    const operations = paths[path] ?? {}
    operations[route.method.toLowerCase()] = await operation(route, schemas)
    paths[path] = operations
  }
  const refusal = {
    description: 'Refused, or failed.',
    content: {
      'application/json': { schema: schemas.ref(error, 'error', 'output') },
      'text/plain': { schema: { type: 'string' } },
    },
  }
  return {
    openapi: '3.1.0',
    info: { title: 'netmaster', version, description },
    paths,
    components: { schemas: schemas.all(), responses: { refusal } },
  }
}

async function operation(route: AnyRoute, schemas: Schemas): Promise<Operation> {
  const { body, answer, item } = await route.schemas()
  const { words, parameters } = partsOf(route.path)
  const name = nameOf(words)
  // The item of a list is named before its answer, which is a list of it.
  const items = item === undefined ? undefined : schemas.ref(item, name, 'output')
  const answered =
    items === undefined ? schemas.ref(answer, answerName(route, name), 'output') : { type: 'array', items }
  const success = { description: 'Served.', content: { 'application/json': { schema: answered } } }
  const conditions = route.tagged === true ? conditionsOf(route) : []
  return {
    operationId: camelCase([
      item === undefined ? route.method.toLowerCase() : 'list',
      ...words,
      ...parameters.map((each) => `by-${each}`),
    ]),
    summary: route.summary,
    tags: [tagOf(route.path)],
    parameters: [
      ...parameters.map((each) => pathParameter(each)),
      ...(item === undefined ? [] : queryNames(item).map(queryParameter)),
      ...conditions,
    ],
    ...(body === undefined
      ? {}
      : {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: schemas.ref(body, `${name}Body`, 'input') } },
          },
        }),
    responses: { '200': success, default: { $ref: '#/components/responses/refusal' } },
  }
}

/** Schemas by name; each is described once. */
class Schemas {
  readonly #names = new Map<z.ZodType, string>()
  readonly #found = new Map<string, JsonSchema>()

  ref(schema: z.ZodType, wanted: string, io: 'input' | 'output'): JsonSchema {
    // Bodies and answers of one schema differ in what may be left out.
    const known = this.#names.get(schema)
    if (known !== undefined) return { $ref: `#/components/schemas/${known}` }
    const described: Record<string, unknown> = { ...z.toJSONSchema(schema, { io, unrepresentable: 'any' }) }
    delete described.$schema
    if (described.type !== 'object') return described
    let name = wanted
    for (let count = 2; this.#found.has(name); count++) name = `${wanted}${count}`
    this.#names.set(schema, name)
    this.#found.set(name, described)
    return { $ref: `#/components/schemas/${name}` }
  }

  all(): Readonly<Record<string, JsonSchema>> {
    return Object.fromEntries([...this.#found].sort(([a], [b]) => (a < b ? -1 : 1)))
  }
}

function partsOf(path: string): { readonly words: readonly string[]; readonly parameters: readonly string[] } {
  const parts = path.replace(/^\/(api|internal)\/v1\//, '/').split('/')
  return {
    words: parts.filter((part) => part !== '' && !part.startsWith(':')),
    parameters: parts.filter((part) => part.startsWith(':')).map((part) => part.slice(1)),
  }
}

/** Of objects the name of one: all their plurals end in s. */
function nameOf(words: readonly string[]): string {
  const [first = '', second = ''] = words
  if (first === 'inspect' && words.length > 2) return camelCase([singular(second), ...words.slice(2)])
  if (first === 'inspect') return `${singular(second)}Inspect`
  if (words.length === 1) return singular(first.replace(/\.json$/, ''))
  return camelCase(words)
}

function camelCase(words: readonly string[]): string {
  return words.join('-').replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
}

function singular(plural: string): string {
  return plural.endsWith('s') ? plural.slice(0, -1) : plural
}

function answerName({ path, method }: AnyRoute, name: string): string {
  return path.startsWith('/api/v1/') && method !== 'DELETE' ? name : `${name}Answer`
}

/** They have no common beginning: the paths are older than this API. */
const intentPaths = /^\/((desired|add|del|host-bindings)-config|endpoints?|networks?|resource)(\/|$)/

function tagOf(path: string): string {
  const { words } = partsOf(path)
  const [first = '', second = ''] = words
  if (path.startsWith('/api/v1/')) return first === 'inspect' ? second : first.includes('.') ? 'service' : first
  if (path.startsWith('/internal/')) return 'nodes'
  if (intentPaths.test(path)) return 'intents'
  return path.startsWith('/plugin/') ? 'plugin' : path.startsWith('/debug/') ? 'endpoints' : 'service'
}

function pathParameter(name: string): Parameter {
  const text = name === 'key' ? 'The names that make up the key, joined by colons.' : `The ${name}.`
  return { name, in: 'path', required: true, description: text, schema: { type: 'string' } }
}

function queryParameter(name: string): Parameter {
  const optional = { name, in: 'query', required: false } as const
  if (name === 'limit') {
    const text = 'At most so many; the header Link then names the next page.'
    return { ...optional, description: text, schema: { type: 'integer', minimum: 1, maximum: maxLimit } }
  }
  const text = name === 'after' ? 'Only those whose key comes after this one.' : 'Only those with this value.'
  return { ...optional, description: text, schema: { type: 'string' } }
}

function conditionsOf({ method }: AnyRoute): readonly Parameter[] {
  const header = (name: string, text: string): Parameter => {
    return { name, in: 'header', required: false, description: text, schema: { type: 'string' } }
  }
  if (method === 'GET') return [header('If-None-Match', 'A tag: 304 when the object still has it.')]
  const match = header('If-Match', 'The tag of the object as it was read: 412 when it was changed meanwhile.')
  return method === 'DELETE' ? [match] : [match, header('If-None-Match', '`*`: 412 when the object exists.')]
}
