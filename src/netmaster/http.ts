// HTTP conventions of the API: what a route of src/api becomes on the server.

import Fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify'
import type { AnyRoute, Route } from '../api/route.ts'
import { type Problem, raise } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { ignoredAttributes, isProblem, parseBody } from '../model/body.ts'
import { type ConditionHeaders, etagOf, isKnown } from './conditions.ts'
import { maxBodyBytes, readBodiesAsJson } from './http-body.ts'
import { answerBadRequest, answerBadUrl, answerErrors } from './http-errors.ts'
import { methodsAt, servedPath } from './http-paths.ts'

export const jsonType = 'application/json; charset=utf-8'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** What this route was made from. */
    definition?: AnyRoute
  }
}

export interface Call<Body> {
  /** Of the path, by name. */
  readonly parameters: Readonly<Record<string, string>>
  readonly body: Body
  readonly headers: ConditionHeaders
}

export interface ServerOptions {
  /** A request that takes longer to arrive is refused, and its connection closed. */
  readonly requestMs: number
  /** A connection on which nothing moves for so long is closed. */
  readonly idleMs: number
}

export const serverDefaults: ServerOptions = { requestMs: 30_000, idleMs: 120_000 }

export interface Server {
  readonly app: FastifyInstance
  /** Everything served so far, in the order it was added. */
  readonly routes: readonly AnyRoute[]
}

/** A server without routes that follows the conventions. */
export function createServer({ requestMs, idleMs }: ServerOptions, { log }: { readonly log: Log }): Server {
  const app = Fastify({
    bodyLimit: maxBodyBytes,
    forceCloseConnections: true,
    requestTimeout: requestMs,
    connectionTimeout: idleMs,
    http: { headersTimeout: requestMs, connectionsCheckingInterval: Math.max(100, requestMs / 10) },
    clientErrorHandler: answerBadRequest,
    frameworkErrors: answerBadUrl,
    rewriteUrl: ({ url = '/' }) => servedPath(url),
    routerOptions: { ignoreTrailingSlash: true, ignoreDuplicateSlashes: true, maxParamLength: 1_024 },
  })
  const routes: AnyRoute[] = []
  app.addHook('onRoute', ({ method, config }) => {
    const definition = config?.definition
    if (definition !== undefined && method === definition.method) routes.push(definition)
  })
  readBodiesAsJson(app)
  answerErrors(app, { log, allowed: (path) => methodsAt(path, routes) })
  return { app, routes }
}

/** Serves a route: `handle` gets the parsed body, and answers or throws. */
export async function serve<Input, Body, Answer>(
  app: FastifyInstance,
  route: Route<Input, Body, Answer>,
  handle: (call: Call<Body>) => Promise<Answer | Problem> | Answer | Problem,
): Promise<void> {
  const { body: schema } = await route.schemas()
  const tagged = route.tagged === true && route.method !== 'DELETE'
  app.route({
    method: route.method,
    url: route.path,
    config: { definition: route },
    handler: async (request, reply) => {
      // Routes without a schema have Body = undefined.
      const body = schema === undefined ? (undefined as Body) : parseBody(schema, request.body)
      if (isProblem(body)) raise(body)
      const ignored = schema === undefined ? [] : ignoredAttributes(schema, request.body)
      if (ignored.length > 0) reply.header('warning', warningOf(ignored))
      const answer = await handle({ parameters: parametersOf(request), body, headers: request.headers })
      if (isProblem(answer)) raise(answer)
      const text = JSON.stringify(answer)
      return tagged ? sendTagged(request, reply, text) : reply.type(jsonType).send(text)
    },
  })
}

/** RFC 7234, section 5.5. Header values are ASCII. */
function warningOf(ignored: readonly string[]): string {
  const names = ignored.slice(0, 5).map((name) => name.slice(0, 64).replace(/[^\w.-]/g, '?'))
  return `299 netmaster "unknown attributes ignored: ${names.join(', ')}"`
}

function sendTagged(request: FastifyRequest, reply: FastifyReply, text: string): FastifyReply {
  const tag = etagOf(text)
  reply.header('etag', tag)
  const reads = request.method === 'GET' || request.method === 'HEAD'
  if (reads && isKnown(request.headers, tag)) return reply.code(304).send()
  return reply.type(jsonType).send(text)
}

export function parametersOf(request: FastifyRequest): Readonly<Record<string, string>> {
  const { params } = request
  if (typeof params !== 'object' || params === null) return {}
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)]))
}
