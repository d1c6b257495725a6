// What etcd and the way to it say when something fails, as errors of ours. etcd's own errors are told apart by their text
// (etcd's api/v3rpc/rpctypes/error.go): their gRPC codes are shared by many.

import { status } from '@grpc/grpc-js'
import { NetpluginError } from '../../lib/errors.ts'
import { leaseLost } from './local-leases.ts'

export interface GrpcFailure {
  /** gRPC's status code. */
  readonly code: number
  readonly details: string
}

export function grpcFailure(error: unknown): GrpcFailure {
  const found = typeof error === 'object' && error !== null ? error : {}
  return {
    code: 'code' in found && typeof found.code === 'number' ? found.code : status.UNKNOWN,
    details: 'details' in found && typeof found.details === 'string' ? found.details : String(error),
  }
}

/** Whether another member may answer better. */
export function isMembersFault({ code, details }: GrpcFailure): boolean {
  return (
    code === status.UNAVAILABLE ||
    code === status.DEADLINE_EXCEEDED ||
    code === status.CANCELLED ||
    (code === status.UNKNOWN && !details.startsWith('etcdserver:')) ||
    code === status.INTERNAL ||
    /etcdserver: (request timed out|no leader|not capable|leader changed|server stopped|too many requests)/.test(
      details,
    )
  )
}

/** The token is too old, or the rights have changed since. */
export function wantsNewToken({ code, details }: GrpcFailure): boolean {
  return code === status.UNAUTHENTICATED || details.includes('revision of auth store is old')
}

export const isCompacted = ({ details }: GrpcFailure): boolean => details.includes('has been compacted')
/** What `abortOp` of etcd.ts makes of a transaction. */
export const isKeyNotFound = ({ details }: GrpcFailure): boolean => details === 'etcdserver: key not found'
export const isLeaseNotFound = ({ details }: GrpcFailure): boolean => details.includes('requested lease not found')

/** An answer of etcd that no other member would give differently. */
export function refusal(failure: GrpcFailure, user: string | undefined): NetpluginError {
  const { code, details } = failure
  if (isLeaseNotFound(failure)) return leaseLost('etcd does not know it (any more)')
  const denied = code === status.PERMISSION_DENIED || details.includes('permission denied')
  if (denied && user !== undefined) {
    const message = `etcd does not let user ${JSON.stringify(user)} do this: ${details}; grant a role of that user: etcdctl role grant-permission ROLE readwrite --prefix=true /netplugin/`
    return new NetpluginError('forbidden', 'STORE_FORBIDDEN', message)
  }
  if (details.includes('authentication failed')) {
    const message = `etcd refuses user ${JSON.stringify(user ?? '')} or its password; check --store-user and --store-password-file`
    return new NetpluginError('unauthorized', 'STORE_UNAUTHORIZED', message)
  }
  if (details.includes('authentication is not enabled')) {
    const message = 'etcd has no users, and one is given; leave --store-user out, or enable them: etcdctl auth enable'
    return new NetpluginError('unauthorized', 'STORE_UNAUTHORIZED', message)
  }
  if (denied || details.includes('user name is empty') || code === status.UNAUTHENTICATED) {
    const message = 'etcd wants a user; give --store-user and --store-password-file'
    return new NetpluginError('unauthorized', 'STORE_UNAUTHORIZED', message)
  }
  if (details.includes('database space exceeded')) {
    const message =
      'etcd is full and takes no more writes (NOSPACE); compact and defragment it, then: etcdctl alarm disarm'
    return new NetpluginError('unavailable', 'STORE_WRITE_FAILED', message)
  }
  if (details.includes('request is too large') || details.includes('too many operations')) {
    const message = `etcd takes less at once than its defaults: ${details}; start it without --max-request-bytes and --max-txn-ops`
    return new NetpluginError('invalid', 'STORE_LIMITS', message)
  }
  return new NetpluginError('protocol', 'STORE_PROTOCOL', `etcd answers: ${details} (gRPC ${code})`)
}

/** Trying again does not help. */
export const isAboutTls = (details: string): boolean => /certificate|SSL|TLS|alert/i.test(details)

/** Nobody answered as wanted; one line for each member. */
export function unreachable(failures: ReadonlyMap<string, string>): NetpluginError {
  const each = [...failures].map(([endpoint, why]) => `${endpoint}: ${why}`).join('; ')
  const hint = [...failures.values()].some(isAboutTls)
    ? 'check --store-ca, --store-cert and --store-key'
    : 'check that etcd runs, has a leader (etcdctl endpoint status), and --etcd-endpoints'
  return new NetpluginError('unavailable', 'STORE_UNREACHABLE', `etcd does not answer (${each}); ${hint}`)
}
