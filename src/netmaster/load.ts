// From the entries of the store to tables in memory.

import type { StoreEntry } from '../drivers/store/store.ts'
import type { GrantChange } from '../model/grant.ts'
import { type Change, recordKinds } from '../model/state.ts'
import { decodeEntry } from './store-keys.ts'
import { Tables } from './tables.ts'

export function loadTables(entries: readonly StoreEntry[]): Tables {
  const records: Change[] = []
  const grants: GrantChange[] = []
  for (const { key, value } of entries) {
    const decoded = decodeEntry(key, value)
    if (decoded.type === 'record') records.push(decoded.change)
    else if (decoded.type === 'grant') grants.push(decoded.grant)
  }
  const tables = new Tables()
  for (const kind of recordKinds)
    tables.apply(
      records.filter((change) => change.kind === kind),
      [],
    )
  tables.apply([], grants)
  return tables
}
