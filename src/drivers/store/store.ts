// What netmaster needs of a store: JSON values by key, transactions with compare-and-swap, a snapshot at one revision,
// and a watch from a revision on. Small enough for an embedded file, etcd and Consul alike.

import type { NetpluginError } from '../../lib/errors.ts'

/** Anything JSON can say except null, which a change uses for "deleted". */
export type StoreValue = string | number | boolean | readonly unknown[] | { readonly [key: string]: unknown }

export interface StoreEntry {
  readonly key: string
  readonly value: StoreValue
  /** Revision of the commit that wrote it last. */
  readonly revision: number
}

export interface StoreSnapshot {
  /** Revision of the newest commit in it; 0 for an empty store. */
  readonly revision: number
  /** Names this store's life: another epoch means that revisions cannot be compared. */
  readonly epoch: string
  /** Sorted by key. */
  readonly entries: readonly StoreEntry[]
}

export interface Commit {
  /** Conditions: the key was last written at this revision; 0: it does not exist. */
  readonly expect: readonly { readonly key: string; readonly revision: number }[]
  readonly put: readonly { readonly key: string; readonly value: StoreValue }[]
  readonly delete: readonly string[]
}

export type CommitResult =
  | { readonly ok: true; readonly revision: number }
  /** Nothing was written: the expectation on this key did not hold. */
  | { readonly ok: false; readonly conflict: string }

export interface StoreChange {
  readonly key: string
  /** Null: deleted. */
  readonly value: StoreValue | null
}

export interface StoreCommit {
  readonly revision: number
  readonly changes: readonly StoreChange[]
}

export interface Store {
  snapshot(): Promise<StoreSnapshot>
  /** All or nothing; resolves when the result is durable. A revision is given to each commit, in order. */
  commit(commit: Commit): Promise<CommitResult>
  /**
   * Every commit after `fromRevision`, in order, first those of the past, then live ones; ends when the signal aborts.
   * Throws `conflict` COMPACTED when that past is no longer kept: take a snapshot.
   */
  watch(fromRevision: number, signal: AbortSignal): AsyncIterable<StoreCommit>
  close(): Promise<void>
}

/** Options of every store. */
export interface StoreOptions {
  /** Changes kept for watchers that come back; older ones are compacted. */
  readonly historyLimit: number
}

export interface StoreDeps {
  /** Makes the name of a new store's epoch. */
  readonly newEpoch: () => string
}

/** The codes a store throws with (kind `unavailable` unless noted). */
export type StoreErrorCode =
  | 'COMPACTED' // conflict
  | 'STORE_CLOSED'
  | 'STORE_WRITE_FAILED'
  | 'STORE_DAMAGED'
  | 'STORE_IN_USE' // conflict
  | 'STORE_TOO_NEW' // conflict

export type StoreError = NetpluginError & { readonly code: StoreErrorCode }
