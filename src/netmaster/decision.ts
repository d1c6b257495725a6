// What a transaction is: a pure function from what is known to what changes.

import type { Problem } from '../lib/errors.ts'
import type { GrantChange } from '../model/grant.ts'
import type { Change } from '../model/state.ts'
import type { View } from './tables.ts'

/** What a transaction changes, and what it answers. */
export interface Decision<R> {
  readonly records: readonly Change[]
  readonly grants: readonly GrantChange[]
  readonly result: R
}

/** Must be pure: it may run again on a newer state. */
export type Decide<R> = (view: View) => Decision<R> | Problem

/** A decision to change nothing. */
export function unchanged<R>(result: R): Decision<R> {
  return { records: [], grants: [], result }
}

/** What must still hold when a decision is committed: nobody wrote the key since this revision. */
export interface Fence {
  readonly key: string
  readonly revision: number
}
