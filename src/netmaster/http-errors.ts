// Errors as answers: the status of their kind; JSON for clients that ask for it, one line of text for the others.

import type { Socket } from 'node:net'
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { type ErrorKind, NetpluginError, type Problem } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { maxBodyBytes } from './http-body.ts'

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

/** Where HTTP has a status of its own for something. */
const statusOfCode: Readonly<Record<string, number>> = {
  METHOD_NOT_ALLOWED: 405,
  PRECONDITION_FAILED: 412,
  BODY_TOO_LARGE: 413,
  CONTENT_TYPE: 415,
}

/** Longer ones are cut in messages. */
const maxShownUrl = 200

type Told = Required<Problem>

/** One place where errors become answers. `allowed`: the methods of a path, empty where there is nothing. */
export function answerErrors(
  app: FastifyInstance,
  { log, allowed }: { readonly log: Log; readonly allowed: (path: string) => readonly string[] },
): void {
  app.setErrorHandler((error: FastifyError | NetpluginError, request, reply) => {
    const told = translate(error)
    const { method, url } = request
    if (told.kind === 'internal') log.error('request failed', { method, url, error: error.stack ?? error.message })
    else log.debug('request refused', { method, url, code: told.code, error: told.message })
    return sendError(request, reply, told)
  })
  app.setNotFoundHandler((request, reply) => {
    const { method } = request
    const [path = ''] = request.url.split('?')
    const methods = allowed(path)
    if (methods.length === 0) {
      const message = `there is nothing at ${method} ${path.slice(0, maxShownUrl)}; the API begins at /api/v1/, and /api/v1/docs describes it`
      return sendError(request, reply, { kind: 'not-found', code: 'NO_SUCH_PATH', message, details: {} })
    }
    reply.header('allow', methods.join(', '))
    if (method === 'OPTIONS') return reply.code(204).send()
    const message = `${method} is not possible at ${path.slice(0, maxShownUrl)}; possible: ${methods.join(', ')}`
    return sendError(request, reply, { kind: 'invalid', code: 'METHOD_NOT_ALLOWED', message, details: { methods } })
  })
}

/** For URLs that cannot be read, which never reach a route. */
export function answerBadUrl(error: FastifyError, request: FastifyRequest, reply: FastifyReply): void {
  void sendError(request, reply, translate(error))
}

/** For bytes that are not HTTP, heads that are too long, and senders that are too slow. */
export function answerBadRequest(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy()
    return
  }
  const [status, text] =
    error.code === 'ERR_HTTP_REQUEST_TIMEOUT'
      ? ['408 Request Timeout', 'the request took too long to arrive']
      : error.code === 'HPE_HEADER_OVERFLOW'
        ? ['431 Request Header Fields Too Large', 'the head of the request is too long']
        : ['400 Bad Request', 'this is not a request in HTTP/1.1']
  const head = `HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8`
  socket.end(`${head}\r\ncontent-length: ${text.length + 1}\r\n\r\n${text}\n`)
  // Whoever goes on sending is not listened to.
  socket.destroySoon()
}

/**
 * Whether errors are to be JSON: only for those who name it, and do not like text better. Who takes anything, as curl and
 * the original's clients do, gets text.
 */
export function asksForJson(accept: string | undefined): boolean {
  let json = 0
  let text = 0
  for (const range of (accept ?? '').toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim())
    const weight = parameters.find((parameter) => /^q\s*=/.test(parameter))?.split('=')[1]
    const quality = weight === undefined ? 1 : Number(weight) || 0
    if (type === 'application/json' || type === 'application/*') json = Math.max(json, quality)
    else if (type.startsWith('text/')) text = Math.max(text, quality)
  }
  return json > 0 && json >= text
}

function translate(error: FastifyError | NetpluginError): Told {
  if (error instanceof NetpluginError && error.kind !== 'internal') return error
  switch (error.code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE': {
      const message = `the body is larger than ${maxBodyBytes / 1024 / 1024} MiB`
      return { kind: 'invalid', code: 'BODY_TOO_LARGE', message, details: {} }
    }
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE': {
      const message = 'the header Content-Type is none that can be read; send application/json'
      return { kind: 'invalid', code: 'CONTENT_TYPE', message, details: {} }
    }
    case 'FST_ERR_BAD_URL': {
      const message = 'the URL cannot be read: percent signs must be followed by two hexadecimal digits, in UTF-8'
      return { kind: 'invalid', code: 'BAD_URL', message, details: {} }
    }
  }
  const status = 'statusCode' in error ? (error.statusCode ?? 500) : 500
  if (status >= 400 && status < 500)
    return { kind: 'invalid', code: 'BAD_REQUEST', message: error.message, details: {} }
  const message = 'netmaster failed to serve this request; its log says why'
  return { kind: 'internal', code: 'INTERNAL', message, details: {} }
}

function sendError(request: FastifyRequest, reply: FastifyReply, told: Told): FastifyReply {
  const { kind, code, details } = told
  const message = printable(told.message)
  reply.code(statusOfCode[code] ?? statusOfKind[kind]).header('vary', 'accept')
  if (!asksForJson(request.headers.accept)) return reply.type('text/plain; charset=utf-8').send(`${message}\n`)
  return reply.type('application/json; charset=utf-8').send(JSON.stringify({ kind, code, message, details }))
}

/** Control characters, and those that turn the direction of text, as escapes: messages end up on terminals. */
export function printable(text: string): string {
  return text.replace(/[\p{Cc}\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu, (character) => {
    return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`
  })
}
