// What the server calls an error (RFC 7047, section 3.1 and 5.2; ovsdb-server(7)) as errors with a kind and a stable code.

import { type ErrorKind, NetpluginError } from '../../lib/errors.ts'
import type { Operation } from './operation.ts'

interface ErrorType {
  readonly kind: ErrorKind
  readonly code: string
  readonly hint?: string
}

const errorTypes: Readonly<Record<string, ErrorType>> = {
  'constraint violation': { kind: 'conflict', code: 'OVSDB_CONSTRAINT_VIOLATION' },
  'referential integrity violation': { kind: 'conflict', code: 'OVSDB_REFERENTIAL_INTEGRITY' },
  'duplicate uuid-name': { kind: 'invalid', code: 'OVSDB_DUPLICATE_UUID_NAME' },
  'duplicate uuid': { kind: 'conflict', code: 'OVSDB_DUPLICATE_UUID' },
  'domain error': { kind: 'invalid', code: 'OVSDB_DOMAIN' },
  'range error': { kind: 'invalid', code: 'OVSDB_RANGE' },
  'syntax error': { kind: 'invalid', code: 'OVSDB_SYNTAX' },
  'unknown column': { kind: 'invalid', code: 'OVSDB_UNKNOWN_COLUMN', hint: 'is this Open vSwitch too old?' },
  'unknown table': { kind: 'invalid', code: 'OVSDB_UNKNOWN_TABLE', hint: 'is this Open vSwitch too old?' },
  'unknown database': { kind: 'not-found', code: 'OVSDB_UNKNOWN_DATABASE', hint: 'ask a server that serves it' },
  'unknown method': { kind: 'protocol', code: 'OVSDB_UNKNOWN_METHOD', hint: 'is this Open vSwitch too old?' },
  'timed out': { kind: 'timeout', code: 'OVSDB_TIMED_OUT', hint: 'the awaited rows did not come in time' },
  aborted: { kind: 'conflict', code: 'OVSDB_ABORTED' },
  canceled: { kind: 'timeout', code: 'OVSDB_CANCELED' },
  'not owner': { kind: 'conflict', code: 'OVSDB_NOT_OWNER', hint: 'another client holds the lock' },
  'not leader': { kind: 'unavailable', code: 'OVSDB_NOT_LEADER', hint: 'connect to the leader of the cluster' },
  'not supported': { kind: 'invalid', code: 'OVSDB_NOT_SUPPORTED' },
  'not allowed': { kind: 'forbidden', code: 'OVSDB_PERMISSION' },
  'permission error': { kind: 'forbidden', code: 'OVSDB_PERMISSION' },
  'resources exhausted': { kind: 'exhausted', code: 'OVSDB_RESOURCES_EXHAUSTED' },
  'I/O error': { kind: 'unavailable', code: 'OVSDB_IO', hint: 'is the disk of the database full?' },
}

/** The error object of a response or of an operation's result, as far as it can be read. */
export interface RpcError {
  readonly error: string
  readonly details: string
}

/** Reads `{"error": ..., "details": ...}`, and the bare strings that some servers send; undefined when it is neither. */
export function parseRpcError(wire: unknown): RpcError | undefined {
  if (typeof wire === 'string') return { error: wire, details: '' }
  if (typeof wire !== 'object' || wire === null || !('error' in wire) || typeof wire.error !== 'string')
    return undefined
  return { error: wire.error, details: 'details' in wire && typeof wire.details === 'string' ? wire.details : '' }
}

/** The error for a refused request; `what` says which, for instance `monitor`. */
export function requestError(what: string, wire: unknown): NetpluginError {
  const error = parseRpcError(wire) ?? { error: JSON.stringify(wire), details: '' }
  return describe(`the ${what}`, error, {})
}

/**
 * The first error in the results of a transaction, or undefined when all went well. There may be one result more than there are
 * operations: then every operation passed and the commit did not, and the error's `operation` detail is 'commit'.
 */
export function transactionError(
  operations: readonly Operation[],
  results: readonly unknown[],
): NetpluginError | undefined {
  for (const [index, result] of results.entries()) {
    const error = parseRpcError(result)
    if (error === undefined) continue
    const operation = operations[index]
    if (operation === undefined) return describe('the commit', error, { operation: 'commit' })
    const table = 'table' in operation ? operation.table : undefined
    const what = `operation ${index} (${operation.op}${table === undefined ? '' : ` ${table}`})`
    return describe(what, error, { operation: index, op: operation.op, table })
  }
  return undefined
}

function describe(what: string, rpc: RpcError, details: Readonly<Record<string, unknown>>): NetpluginError {
  const known = Object.hasOwn(errorTypes, rpc.error) ? errorTypes[rpc.error] : undefined
  const { kind, code, hint }: ErrorType = known ?? { kind: 'internal', code: 'OVSDB_ERROR' }
  const cause = rpc.details === '' ? rpc.error : `${rpc.error}: ${rpc.details}`
  const message = `the OVSDB server refused ${what}: ${cause}${hint === undefined ? '' : ` (${hint})`}`
  return new NetpluginError(kind, code, message, { details: { ...details, error: rpc.error, details: rpc.details } })
}
