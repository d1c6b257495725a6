// What a node missed, where memory no longer has it.

import type { Store } from '../drivers/store/store.ts'
import { NetpluginError } from '../lib/errors.ts'
import type { Change } from '../model/state.ts'
import { decodeChanges } from './load.ts'

export interface Delta {
  readonly revision: number
  readonly changes: readonly Change[]
}

/**
 * Changes of records after `since` up to `until`, which is a commit's revision. Undefined when the store has forgotten them,
 * or when there are more than `limit`: a snapshot is cheaper then.
 */
export async function readBacklog(
  store: Store,
  { since, until, limit }: { readonly since: number; readonly until: number; readonly limit: number },
  signal: AbortSignal,
): Promise<readonly Delta[] | undefined> {
  const found: Delta[] = []
  if (since >= until) return found
  let count = 0
  try {
    for await (const { revision, changes } of store.watch(since, signal)) {
      // A store may tell several commits as one: it reaches further than memory begins.
      if (revision > until) return undefined
      const { records } = decodeChanges(changes)
      count += records.length
      if (count > limit) return undefined
      // The last one is told even when it is empty: it brings the reader to the revision that memory starts from.
      if (records.length > 0 || revision === until) found.push({ revision, changes: records })
      if (revision === until) break
    }
  } catch (error) {
    if (error instanceof NetpluginError && error.code === 'COMPACTED') return undefined
    throw error
  }
  // The store stopped telling before it had told everything.
  return found.at(-1)?.revision === until ? found : undefined
}
