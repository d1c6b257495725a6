// Bodies: JSON of bounded size and depth, whatever their type says, except where nodes speak.

import type { FastifyInstance } from 'fastify'
import { asError, NetpluginError } from '../lib/errors.ts'
import { findJsonError } from '../lib/json-error.ts'

export const maxBodyBytes = 1024 * 1024
/** Objects and lists within each other. */
const maxDepth = 32

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
      done(asError(error))
    }
  })
}

/** The value of a JSON text; undefined for an empty one. Throws `invalid` errors. */
export function parseJson(text: string): unknown {
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

function refusePrototypeKeys(value: unknown, depth: number): void {
  if (typeof value !== 'object' || value === null) return
  if (depth > maxDepth)
    throw new NetpluginError('invalid', 'TOO_DEEP', `the body is nested deeper than ${maxDepth} levels`)
  if (Object.hasOwn(value, '__proto__')) {
    throw new NetpluginError('invalid', 'INVALID_BODY', 'unknown attribute "__proto__"; remove it')
  }
  for (const inner of Object.values(value)) refusePrototypeKeys(inner, depth + 1)
}
