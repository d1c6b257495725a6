// What a server that refuses means, and why one could not be reached.

import type { IncomingMessage } from 'node:http'
import { asError, type ErrorKind, errorKinds, NetpluginError } from '../lib/errors.ts'

/** The error that a server answered with. */
export function refusalOf(response: IncomingMessage, text: string): NetpluginError {
  const status = response.statusCode ?? 0
  const said = parseRefusal(text)
  const kind = said?.kind ?? kindOfStatus(status)
  const message = said?.message ?? text.trim().split('\n')[0] ?? ''
  return new NetpluginError(
    kind,
    said?.code ?? 'REFUSED',
    message === '' ? `netmaster answered status ${status}` : message,
    { details: { ...said?.details, status } },
  )
}

interface Refusal {
  readonly kind: ErrorKind
  readonly code: string
  readonly message: string
  readonly details: Readonly<Record<string, unknown>>
}

function parseRefusal(text: string): Refusal | undefined {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || !('kind' in value && 'code' in value && 'message' in value)) {
    return undefined
  }
  const { code, message } = value
  const kind = errorKinds.find((candidate) => candidate === value.kind)
  if (kind === undefined || typeof code !== 'string' || typeof message !== 'string') return undefined
  const details = 'details' in value && typeof value.details === 'object' && value.details !== null ? value.details : {}
  return { kind, code, message, details: { ...details } }
}

function kindOfStatus(status: number): ErrorKind {
  if (status === 401) return 'unauthorized'
  if (status === 403) return 'forbidden'
  if (status === 404) return 'not-found'
  if (status === 409 || status === 412) return 'conflict'
  if (status === 503) return 'unavailable'
  if (status === 504) return 'timeout'
  return status >= 500 ? 'internal' : 'invalid'
}

export function systemReason(error: unknown): string {
  const code = codeOf(error)
  const known: Readonly<Record<string, string>> = {
    ECONNREFUSED: 'the connection was refused',
    ECONNRESET: 'the connection was closed',
    ENOTFOUND: 'the host name is unknown',
    EAI_AGAIN: 'the host name could not be looked up',
    EHOSTUNREACH: 'there is no route to the host',
    ENETUNREACH: 'there is no route to the network',
    ETIMEDOUT: 'the connection timed out',
  }
  return known[code] ?? asError(error).message
}

/** Whether a request may have been served although no answer, or one that does not say so, came. */
export function wasPerhapsServed(error: unknown): boolean {
  if (error instanceof NetpluginError && typeof error.details.status === 'number') return error.details.status >= 500
  if (error instanceof Error && 'perhapsServed' in error) return true
  return !['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH'].includes(codeOf(error))
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}
