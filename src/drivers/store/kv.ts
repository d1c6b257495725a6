// What a networked store must be able to do for `KvStore` to make a Store of it: text by key, transactions of limited size,
// a watch, leases. Revisions are those of the store and hold for all its keys.

import { NetpluginError } from '../../lib/errors.ts'

export interface KvEntry {
  readonly key: string
  readonly value: string
  /** Of the transaction that wrote it last. */
  readonly revision: number
  /** It vanishes with a lease. */
  readonly leased: boolean
}

export type KvCondition =
  | { readonly key: string; readonly is: 'absent' }
  /** Last written at this revision. */
  | { readonly key: string; readonly is: 'at'; readonly revision: number }
  /** It exists, and was not written after this revision. */
  | { readonly key: string; readonly is: 'until'; readonly revision: number }

export interface KvWrite {
  readonly key: string
  /** Null: delete, when it is there. */
  readonly value: string | null
  readonly lease?: string
}

/** Each key is written at most once. */
export interface KvTransaction {
  readonly conditions: readonly KvCondition[]
  readonly writes: readonly KvWrite[]
}

export type KvResult = { readonly ok: true; readonly revision: number } | { readonly ok: false }

export interface KvChange {
  readonly key: string
  /** Null: deleted. */
  readonly value: string | null
}

/** What one transaction, or the end of a lease, changed below a prefix; of Consul perhaps of several. */
export interface KvCommit {
  readonly revision: number
  readonly changes: readonly KvChange[]
}

/** The largest transaction that the store does at once. */
export interface KvLimits {
  readonly conditions: number
  readonly writes: number
  /** Conditions and writes together. */
  readonly operations: number
  /** Of keys and values, as UTF-8. */
  readonly bytes: number
}

/**
 * Calls end by themselves, within `unavailable` errors when nobody answers. Reads see every transaction that was answered
 * before they began.
 */
export interface Kv {
  readonly limits: KvLimits
  /** Names the life of the store as far as the store knows one itself. */
  identity(): Promise<string>
  /** Everything below a prefix, at one revision. */
  read(prefix: string): Promise<readonly KvEntry[]>
  /** Those of the keys that exist. */
  get(keys: readonly string[]): Promise<readonly KvEntry[]>
  /**
   * All or nothing. Throws kinds `unavailable`, `timeout` or `protocol` when it is not known whether it was, or will be,
   * done; anything else (LEASE_LOST, STORE_FORBIDDEN), or with `details.sent` false, when it was not.
   */
  transact(transaction: KvTransaction): Promise<KvResult>
  /** Every change below a prefix after a revision, in order; over lost connections. Throws COMPACTED. */
  watch(prefix: string, from: number, signal: AbortSignal): AsyncIterable<KvCommit>
  /** `ttlMs`: what it became. */
  grant(ttlMs: number): Promise<{ readonly id: string; readonly ttlMs: number }>
  /** False: it has ended. */
  keepAlive(id: string): Promise<boolean>
  revoke(id: string): Promise<void>
  /** What was before this revision need not be kept for watchers. */
  compact(revision: number): Promise<void>
  close(): Promise<void>
}

/** The same error, saying that nothing was asked of anybody. */
export function notSent({ kind, code, message, cause }: NetpluginError): NetpluginError {
  return new NetpluginError(kind, code, message, { cause, details: { sent: false } })
}
