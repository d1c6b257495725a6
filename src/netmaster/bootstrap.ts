// What a cluster starts with: settings that only the first start decides, the global object, the tenant `default`.
// Nothing that exists is reset by a restart.

import type { Store, StoreSnapshot } from '../drivers/store/store.ts'
import type { Log } from '../lib/log.ts'
import { defaultGlobal, type GlobalRecord } from '../model/state.ts'
import type { Cluster } from './cluster.ts'
import { unchanged } from './decision.ts'
import { createTenant } from './objects/tenants.ts'
import { settingsKey } from './store-keys.ts'

export interface Defaults {
  /** Encapsulation of networks that do not name one. */
  readonly netMode: 'vlan' | 'vxlan'
  readonly fwdMode: GlobalRecord['fwdMode']
}

export interface Settings {
  readonly netMode: Defaults['netMode']
}

/** The settings of the store, and its content; the settings of a first start are the defaults, and are written. */
export async function prepareStore(
  defaults: Defaults,
  { store, log }: { readonly store: Store; readonly log: Log },
): Promise<{ readonly settings: Settings; readonly snapshot: StoreSnapshot }> {
  const snapshot = await store.snapshot()
  const stored = snapshot.entries.find((entry) => entry.key === settingsKey)?.value
  if (stored !== undefined && typeof stored === 'object' && 'netMode' in stored) {
    const netMode = stored.netMode === 'vlan' ? 'vlan' : 'vxlan'
    if (netMode !== defaults.netMode) {
      log.info('the network mode of the first start stays in force', { stored: netMode, given: defaults.netMode })
    }
    return { settings: { netMode }, snapshot }
  }
  await store.commit({
    expect: [{ key: settingsKey, revision: 0 }],
    put: [{ key: settingsKey, value: { netMode: defaults.netMode } }],
    delete: [],
  })
  // Ours, or those of another master that was faster.
  return prepareStore(defaults, { store, log })
}

/** Makes the global object and the tenant `default` when they are not there. */
export async function seedCluster(cluster: Cluster, { fwdMode }: Defaults): Promise<void> {
  await cluster.transact((view) => {
    if (view.globalStored) return unchanged(undefined)
    return {
      records: [{ kind: 'global', key: 'global', value: { ...defaultGlobal, fwdMode } }],
      grants: [],
      result: undefined,
    }
  })
  await cluster.transact((view) => {
    if (view.tenants.has('default')) return unchanged(undefined)
    const created = createTenant(view, { tenantName: 'default', defaultNetwork: '' })
    return 'code' in created ? created : { ...created, result: undefined }
  })
}
