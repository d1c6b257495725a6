// HTTP conventions of the API: bodies parsed by schema, errors with the status of their kind, in JSON for clients that
// ask for it and as one line of text for the others.

import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Route } from '../api/route.ts'
import { type ErrorKind, NetpluginError, type Problem, raise } from '../lib/errors.ts'
import { findJsonError } from '../lib/json-error.ts'
import type { Log } from '../lib/log.ts'
import { isProblem, parseBody } from '../model/body.ts'

export const maxBodyBytes = 1024 * 1024

const statusOfKind: Readonly<Record<ErrorKind, number>> = {
  invalid: 400,
  unauthorized: 401,
  forbidden: 403,
  'not-found': 404,
  conflict: 409,
  exhausted: 409,
  internal: 500,
  protocol: 502,
  unavailable: 503,
  timeout: 504,
}

export interface Call<Body> {
  /** Of the path, by name. */
  readonly parameters: Readonly<Record<string, string>>
  readonly body: Body
}

/** Serves a route: `handle` gets the parsed body, and answers or throws. */
export async function serve<Input, Body, Answer>(
  app: FastifyInstance,
  route: Route<Input, Body, Answer>,
  handle: (call: Call<Body>) => Promise<Answer | Problem> | Answer | Problem,
): Promise<void> {
  const { body: schema } = await route.schemas()
  app.route({
    method: route.method,
    url: route.path,
    handler: async (request, reply) => {
      // Routes without a schema have Body = undefined.
      const body = schema === undefined ? (undefined as Body) : parseBody(schema, request.body)
      if (isProblem(body)) raise(body)
      const answer = await handle({ parameters: parametersOf(request), body })
      if (isProblem(answer)) raise(answer)
      return reply.type('application/json; charset=utf-8').send(JSON.stringify(answer))
    },
  })
}

export function parametersOf(request: FastifyRequest): Readonly<Record<string, string>> {
  const { params } = request
  if (typeof params !== 'object' || params === null) return {}
  return Object.fromEntries(Object.entries(params).map(([name, value]) => [name, String(value)]))
}

/** Every body is read as JSON, whatever its type says, except where nodes speak: there other types are refused. */
export function readBodiesAsJson(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('*', { parseAs: 'string', bodyLimit: maxBodyBytes }, (request, text, done) => {
    const type = request.headers['content-type'] ?? ''
    if (request.url.startsWith('/plugin/') && !/^application\/([\w.-]+\+)?json\b/i.test(type)) {
      const message = `content type ${JSON.stringify(type)} is not accepted here; send application/json`
      done(new NetpluginError('invalid', 'CONTENT_TYPE', message))
      return
    }
    try {
      done(null, parseJson(String(text)))
    } catch (error) {
      done(error instanceof Error ? error : new Error(String(error)))
    }
  })
}

function parseJson(text: string): unknown {
  if (text.trim() === '') return undefined
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    const where = findJsonError(text) ?? 'it cannot be read'
    throw new NetpluginError('invalid', 'MALFORMED_JSON', `the body is not JSON: ${where}`, { cause })
  }
  refusePrototypeKeys(value, 0)
  return value
}

const maxDepth = 32

function refusePrototypeKeys(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null) return
  if (depth > maxDepth)
    throw new NetpluginError('invalid', 'TOO_DEEP', `the body is nested deeper than ${maxDepth} levels`)
  if (Object.hasOwn(value, '__proto__')) {
    throw new NetpluginError('invalid', 'INVALID_BODY', 'unknown attribute "__proto__"; remove it')
  }
  for (const inner of Object.values(value)) refusePrototypeKeys(inner, depth + 1)
}

/** One place where errors become answers. */
export function answerErrors(app: FastifyInstance, { log }: { readonly log: Log }): void {
  app.setErrorHandler((error: FastifyError | NetpluginError, request, reply) => {
    const told = translate(error)
    const status = told.code === 'BODY_TOO_LARGE' ? 413 : statusOfKind[told.kind]
    const { method, url } = request
    if (told.kind === 'internal') log.error('request failed', { method, url, error: error.stack ?? error.message })
    else log.debug('request refused', { method, url, code: told.code, error: told.message })
    return sendError(request, reply, status, told)
  })
  app.setNotFoundHandler((request, reply) => {
    const message = `there is nothing at ${request.method} ${request.url.split('?')[0]}; the API begins at /api/v1/`
    return sendError(request, reply, 404, { kind: 'not-found', code: 'NO_SUCH_PATH', message, details: {} })
  })
}

type Told = Required<Problem>

function translate(error: FastifyError | NetpluginError): Told {
  if (error instanceof NetpluginError && error.kind !== 'internal') return error
  if (error.code === 'FST_ERR_CTP_BODY_TOO_LARGE') {
    const message = `the body is larger than ${maxBodyBytes / 1024 / 1024} MiB`
    return { kind: 'invalid', code: 'BODY_TOO_LARGE', message, details: {} }
  }
  const status = 'statusCode' in error ? (error.statusCode ?? 500) : 500
  if (status >= 400 && status < 500)
    return { kind: 'invalid', code: 'BAD_REQUEST', message: error.message, details: {} }
  const message = 'netmaster failed to serve this request; its log says why'
  return { kind: 'internal', code: 'INTERNAL', message, details: {} }
}

function sendError(request: FastifyRequest, reply: FastifyReply, status: number, told: Told): FastifyReply {
  reply.code(status)
  if (!(request.headers.accept ?? '').includes('application/json')) {
    return reply.type('text/plain; charset=utf-8').send(`${told.message}\n`)
  }
  const { kind, code, message, details } = told
  return reply.type('application/json; charset=utf-8').send(JSON.stringify({ kind, code, message, details }))
}
