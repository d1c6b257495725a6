// The one error type of the system: a closed set of kinds, a stable code, and whether trying again can help.
// Nobody matches on message text (docs/architecture.md, "Errors").

export const errorKinds = [
  'invalid',
  'not-found',
  'conflict',
  'exhausted',
  'unauthorized',
  'forbidden',
  'unavailable',
  'timeout',
  'protocol',
  'internal',
] as const

export type ErrorKind = (typeof errorKinds)[number]

const retryableKinds: ReadonlySet<ErrorKind> = new Set(['unavailable', 'timeout', 'protocol'])

export type ErrorDetails = Readonly<Record<string, unknown>>

export interface ErrorOptions {
  readonly cause?: unknown
  readonly details?: ErrorDetails
  /** Overrides what the kind says. */
  readonly retryable?: boolean
}

/** An error with a kind (what sort), a code (which one, stable, UPPER_SNAKE) and a message for a person. */
export class NetpluginError extends Error {
  readonly kind: ErrorKind
  readonly code: string
  readonly details: ErrorDetails
  readonly retryable: boolean

  constructor(kind: ErrorKind, code: string, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'NetpluginError'
    this.kind = kind
    this.code = code
    this.details = options.details ?? {}
    this.retryable = options.retryable ?? retryableKinds.has(kind)
  }
}

/** A problem found by pure code: what a core function returns instead of throwing. */
export interface Problem {
  readonly kind: ErrorKind
  readonly code: string
  readonly message: string
  readonly details?: ErrorDetails
}

/** Throws a returned problem as an error: for the edge between pure code and its caller. */
export function raise(problem: Problem): never {
  throw errorOf(problem)
}

export function errorOf({ kind, code, message, details = {} }: Problem): NetpluginError {
  return new NetpluginError(kind, code, message, { details })
}

/** The value as an Error: for `catch (error: unknown)`. */
export function asError(value: unknown): Error {
  return value instanceof Error ? value : new Error(String(value))
}

/** Any thrown value as a NetpluginError; what is not one already becomes `internal`. */
export function asNetpluginError(value: unknown): NetpluginError {
  if (value instanceof NetpluginError) return value
  const error = asError(value)
  return new NetpluginError('internal', 'INTERNAL', error.message, { cause: error })
}

/** Marks a branch that types say cannot be reached. */
export function unreachable(value: never): never {
  throw new NetpluginError('internal', 'UNREACHABLE', `unexpected value ${JSON.stringify(value)}`)
}
