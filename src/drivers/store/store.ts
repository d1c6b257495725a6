// What netmaster needs of a store: JSON values by key, transactions with compare-and-swap, a snapshot at one revision,
// a watch from a revision on, and leases. Small enough for an embedded file, etcd and Consul alike.
//
// Revisions are whole numbers that grow with each commit. They may leave some out, as etcd's do, and need not begin at 1.

import type { Clock } from '../../lib/clock.ts'
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
  /** Revision of the newest commit in it, to watch from. What a lease's end removed may be missing already and be told again. */
  readonly revision: number
  /** Names this store's life: another epoch means that revisions cannot be compared. */
  readonly epoch: string
  /** Sorted by key. */
  readonly entries: readonly StoreEntry[]
}

export interface StorePut {
  readonly key: string
  readonly value: StoreValue
  /** The id of a lease that the key ends with. Written again without one, it stays. */
  readonly lease?: string
}

export interface Commit {
  /** Conditions: the key exists, and was not written after this revision; 0: it does not exist. */
  readonly expect: readonly { readonly key: string; readonly revision: number }[]
  readonly put: readonly StorePut[]
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

/** What a watch tells. A store that only tells states (Consul) may tell several commits as one, at the revision of the last. */
export interface StoreCommit {
  readonly revision: number
  readonly changes: readonly StoreChange[]
}

/** A claim to being alive: keys that were put with it vanish, in a commit of their own, when it ends. */
export interface Lease {
  /** For `StorePut.lease`. */
  readonly id: string
  /**
   * Aborts when the lease has ended, or when so much time has passed without an answer of the store that it may have:
   * what rests on it must stop then. The reason is a NetpluginError LEASE_LOST. Does not abort by `end` or `close`.
   */
  readonly lost: AbortSignal
  /** Ends it now. Best effort when the store cannot be reached: it then ends by time. A second call does nothing. */
  end(): Promise<void>
}

export interface Store {
  snapshot(): Promise<StoreSnapshot>
  /**
   * The newest value of one key, with whatever was committed before this was asked, by anybody; of several servers a
   * majority vouches for it. Undefined: there is no such key.
   */
  get(key: string): Promise<StoreEntry | undefined>
  /**
   * All or nothing; resolves when the result is durable. A revision is given to each commit, in order.
   * Throws `conflict` LEASE_LOST when a lease it names has ended, and STORE_UNCERTAIN when the store went away before it
   * said whether the commit was done: read before you try again.
   */
  commit(commit: Commit): Promise<CommitResult>
  /**
   * Every commit after `fromRevision`, in order, first those of the past, then live ones; ends when the signal aborts.
   * Throws `conflict` COMPACTED when that past is no longer kept: take a snapshot.
   */
  watch(fromRevision: number, signal: AbortSignal): AsyncIterable<StoreCommit>
  /**
   * A new lease, kept alive by this store until it is ended or lost; it ends `ttlMs` after its holder was last heard of.
   * A store may make that longer: etcd counts whole seconds from 2, Consul from 10 s. With the embedded stores a lease ends
   * with its process, seen when the file is opened again.
   */
  lease(ttlMs: number): Promise<Lease>
  /** Ends its leases, too. */
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
  /** Left out: the system's. */
  readonly clock?: Clock
}

/** The codes a store throws with (kind `unavailable` unless noted). */
export type StoreErrorCode =
  | 'COMPACTED' // conflict
  | 'LEASE_LOST' // conflict
  | 'STORE_CLOSED'
  | 'STORE_WRITE_FAILED'
  | 'STORE_UNCERTAIN'
  | 'STORE_DAMAGED'
  | 'STORE_IN_USE' // conflict
  | 'STORE_TOO_NEW' // conflict

export type StoreError = NetpluginError & { readonly code: StoreErrorCode }
