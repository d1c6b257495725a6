// The stores netmaster can be started with.

import { randomUUID } from 'node:crypto'
import { join } from 'node:path'
import { systemClock } from '../../lib/clock.ts'
import { makeFolder } from '../../lib/folder.ts'
import { type Log, silentLog } from '../../lib/log.ts'
import { MemoryStore } from './memory.ts'
import { SqliteStore } from './sqlite.ts'
import { readSqlite } from './sqlite-reader.ts'
import type { Store, StoreDeps, StoreSnapshot } from './store.ts'
import type { ServerOptions, StoreTarget } from './target.ts'

const sqliteFile = 'state.sqlite'
/** Changes kept for watchers: enough for agents to resume after minutes away. */
const historyLimit = 50_000
/** How long a call to a store of several servers may take, and how long one of them is waited for. */
const times = { callMs: 8_000, memberMs: 3_000 }

/** Opens the store, and makes it when there is none yet. What only some need is loaded when it is asked for. */
export async function openStore(target: StoreTarget, deps: StoreDeps & { readonly log?: Log }): Promise<Store> {
  const options = { historyLimit: target.historyLimit ?? historyLimit }
  switch (target.kind) {
    case 'memory':
      return new MemoryStore(options, deps)
    case 'sqlite':
      makeFolder(target.directory, { mode: 0o700, purpose: 'state directory', flag: '--state-dir' })
      return new SqliteStore({ ...options, path: join(target.directory, sqliteFile) }, deps)
    case 'etcd':
      return openEtcd(options, target, deps)
    case 'consul':
      return openConsul(options, target, deps)
  }
}

/** What a store holds now; of the embedded one also while netmaster has it open. */
export async function readStore(target: StoreTarget): Promise<StoreSnapshot> {
  if (target.kind === 'sqlite') return readSqlite(join(target.directory, sqliteFile))
  const store = await openStore(target, { newEpoch: randomUUID })
  try {
    return await store.snapshot()
  } finally {
    await store.close()
  }
}

async function openEtcd(
  options: { readonly historyLimit: number },
  { endpoints, tls, user, prefix }: ServerOptions,
  deps: StoreDeps & { readonly log?: Log },
): Promise<Store> {
  const { clock = systemClock, log = silentLog, newEpoch } = deps
  const [{ EtcdClient }, { EtcdKv }, { KvStore }, { KvKeys }] = await Promise.all([
    import('./etcd-client.ts'),
    import('./etcd.ts'),
    import('./kv-store.ts'),
    import('./kv-keys.ts'),
  ])
  const client = new EtcdClient({ endpoints, ...(tls && { tls }), ...(user && { user }), ...times }, { clock, log })
  const kv = new EtcdKv({ prefix, user: user?.name }, client)
  return KvStore.open(options, { kv, keys: new KvKeys(prefix), clock, log, newEpoch })
}

async function openConsul(
  options: { readonly historyLimit: number },
  { endpoints, tls, user, prefix }: ServerOptions,
  deps: StoreDeps & { readonly log?: Log },
): Promise<Store> {
  const { clock = systemClock, log = silentLog, newEpoch } = deps
  const [{ ConsulClient }, { ConsulKv }, { KvStore }, { KvKeys }] = await Promise.all([
    import('./consul-client.ts'),
    import('./consul.ts'),
    import('./kv-store.ts'),
    import('./kv-keys.ts'),
  ])
  const client = new ConsulClient({ endpoints, ...(tls && { tls }), token: user?.password, ...times }, { clock })
  // Consul's keys begin without a slash.
  const keys = new KvKeys(prefix.replace(/^\/+/, ''))
  const kv = new ConsulKv({ prefix: keys.prefix, ...options }, client, { clock })
  return KvStore.open(options, { kv, keys, clock, log, newEpoch })
}

export { MemoryStore } from './memory.ts'
export { SqliteStore, type SqliteStoreOptions } from './sqlite.ts'
export type * from './store.ts'
export * from './target.ts'
