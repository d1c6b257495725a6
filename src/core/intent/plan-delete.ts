// The endpoints that the document lists go; its networks go when nothing is left on them; a tenant goes when the document
// lists it without networks. What is not there is no error, and what intents did not make stays.

import type { Intent, IntentTenant } from '../../model/intent.ts'
import { intentEndpointId } from '../../model/intent.ts'
import { networkKey } from '../../model/network.ts'
import type { Cluster, Plan, Step } from './plan.ts'

export function planDelete(cluster: Cluster, intent: Intent): Plan {
  const gone = new Set<string>()
  for (const tenant of intent.tenants) {
    for (const network of tenant.networks) {
      for (const { container } of network.endpoints) {
        const id = intentEndpointId(network.name, tenant.name, container)
        if (cluster.endpoints.get(id)?.origin === 'intent') gone.add(id)
      }
    }
  }
  const kept: Plan['kept'][number][] = []
  const steps: Step[] = [...gone].map((id) => ({ kind: 'remove-endpoint', id }))
  for (const tenant of intent.tenants) {
    if (tenant.networks.length === 0) removeTenant(cluster, tenant, { steps, kept })
    for (const { name } of tenant.networks) {
      const key = networkKey(tenant.name, name)
      if (!cluster.networks.has(key)) continue
      const why = holdsNetwork(cluster, key, gone)
      if (why === undefined) steps.push({ kind: 'remove-network', key })
      else kept.push({ kind: 'network', key, why })
    }
  }
  for (const { name } of intent.hosts)
    if (cluster.objects.intentHost.has(name)) steps.push({ kind: 'remove-host', name })
  for (const { name } of intent.infraNetworks) {
    if (cluster.objects.infraNetwork.has(name)) steps.push({ kind: 'remove-infra-network', name })
  }
  return { steps, kept, notes: [] }
}

/** Why a network stays, or undefined when it can go. */
function holdsNetwork(cluster: Cluster, key: string, gone: ReadonlySet<string>): string | undefined {
  if (cluster.networks.get(key)?.origin !== 'intent') return 'it was not made by an intent; use netctl network rm'
  const on = (record: { readonly tenantName: string; readonly networkName: string }) =>
    networkKey(record.tenantName, record.networkName) === key
  const left = [...cluster.endpoints].filter(([id, record]) => on(record) && !gone.has(id))
  if (left.length > 0) return `${left.length === 1 ? 'an endpoint is' : `${left.length} endpoints are`} left on it`
  const groups = [...cluster.groups.values()].filter(on)
  return groups.length === 0 ? undefined : 'endpoint groups are left on it; use netctl group rm'
}

function removeTenant(
  cluster: Cluster,
  { name }: IntentTenant,
  { steps, kept }: { readonly steps: Step[]; readonly kept: Plan['kept'][number][] },
): void {
  const record = cluster.tenants.get(name)
  if (record === undefined) return
  if (record.origin === 'intent') {
    steps.push({ kind: 'remove-tenant', name })
    return
  }
  kept.push({ kind: 'tenant', key: name, why: 'it was not made by an intent; use netctl tenant rm' })
}
