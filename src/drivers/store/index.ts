// The stores netmaster can be started with.

import { join } from 'node:path'
import { makeFolder } from '../../lib/folder.ts'
import { MemoryStore } from './memory.ts'
import { SqliteStore } from './sqlite.ts'
import type { Store, StoreDeps } from './store.ts'

export const storeKinds = ['sqlite', 'memory'] as const
export type StoreKind = (typeof storeKinds)[number]

/** Changes kept for watchers: enough for agents to resume after minutes away. */
const historyLimit = 50_000

/** Opens the store of this kind; `directory` is where an embedded one keeps its file. */
export function openStore(options: { readonly kind: StoreKind; readonly directory: string }, deps: StoreDeps): Store {
  switch (options.kind) {
    case 'memory':
      return new MemoryStore({ historyLimit }, deps)
    case 'sqlite':
      makeFolder(options.directory, { mode: 0o700, purpose: 'state directory', flag: '--state-dir' })
      return new SqliteStore({ historyLimit, path: join(options.directory, 'state.sqlite') }, deps)
  }
}

export { MemoryStore } from './memory.ts'
export { SqliteStore, type SqliteStoreOptions } from './sqlite.ts'
export type * from './store.ts'
