// From the entries and changes of the store to tables in memory.

import type { StoreChange, StoreEntry } from '../drivers/store/store.ts'
import type { GrantChange } from '../model/grant.ts'
import { type Change, recordKinds } from '../model/state.ts'
import { decodeEntry } from './store-keys.ts'
import { Tables } from './tables.ts'

/** What is to be applied to tables together. */
export interface Applied {
  readonly records: readonly Change[]
  readonly grants: readonly GrantChange[]
}

export function loadTables(entries: readonly StoreEntry[]): Tables {
  const tables = new Tables()
  const { records, grants } = decodeChanges(entries)
  tables.apply(records, grants)
  return tables
}

/** What changes of the store are to the cluster's state; those of anything else are left out. */
export function decodeChanges(changes: readonly StoreChange[]): Applied {
  const records: Change[] = []
  const grants: GrantChange[] = []
  for (const { key, value } of changes) {
    const decoded = decodeEntry(key, value)
    if (decoded.type === 'record') records.push(decoded.change)
    else if (decoded.type === 'grant') grants.push(decoded.grant)
  }
  return { records: inOrder(records), grants }
}

/** The store sorts by key: here networks come before what has addresses of them, and go after it. */
function inOrder(records: readonly Change[]): Change[] {
  const ranked = recordKinds.map((kind) => records.filter((change) => change.kind === kind))
  const gone = ranked
    .toReversed()
    .flat()
    .filter(({ value }) => value === null)
  return [...gone, ...ranked.flat().filter(({ value }) => value !== null)]
}
