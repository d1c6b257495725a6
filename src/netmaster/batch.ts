// Decisions that go to the store together.

import type { StoreValue } from '../drivers/store/store.ts'
import type { NetpluginError } from '../lib/errors.ts'
import type { Decide, Decision } from './decision.ts'
import { grantKey, recordKey } from './store-keys.ts'

/** A transaction that waits for its answer. */
export interface Entry {
  readonly decide: Decide<unknown>
  readonly resolve: (result: unknown, revision: number) => void
  readonly reject: (error: NetpluginError) => void
}

export class Batch {
  readonly entries: { readonly entry: Entry; readonly decision: Decision<unknown> }[] = []
  /** By key; the last write counts. Null: delete. */
  readonly writes = new Map<string, StoreValue | null>()

  add(entry: Entry, decision: Decision<unknown>): void {
    this.entries.push({ entry, decision })
    for (const change of decision.records) {
      this.writes.set(recordKey(change), change.value === null ? null : { ...change.value })
    }
    for (const grant of decision.grants) {
      this.writes.set(
        grantKey(grant),
        grant.kind === 'address' && grant.owner !== null ? { ...grant.owner } : grant.owner,
      )
    }
  }
}
