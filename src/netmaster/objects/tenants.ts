// Tenants (specification 2.3): made and deleted, never changed; deleted only when nothing is in them.

import type { Problem } from '../../lib/errors.ts'
import { omitEmpty, problem } from '../../model/body.ts'
import type { TenantRecord } from '../../model/state.ts'
import { renderTenant, type TenantBody, type TenantInspect, type TenantView } from '../../model/tenant.ts'
import type { Decision } from '../decision.ts'
import type { View } from '../tables.ts'
import { inspectGroupOper } from './endpoint-groups.ts'
import { endpointOpers } from './endpoints.ts'
import { inspectNetworkOper } from './networks.ts'
import { checkKey, count, nameSome, notFound, type ObjectKind, sortedValues } from './object.ts'

const tenantIds = { first: 1, last: 65_534 }

export const tenantObject: ObjectKind<TenantBody, TenantView, TenantInspect> = {
  keys: (view) => view.tenants.keys(),
  get: (view, key) => {
    const record = view.tenants.get(key)
    return record === undefined ? notFound('tenant', key) : render(view, record)
  },
  put: (view, key, body) => checkKey(key, body.tenantName, body.key) ?? createTenant(view, body),
  remove: removeTenant,
  inspect: (view, key) => {
    const record = view.tenants.get(key)
    return record === undefined ? notFound('tenant', key) : inspectTenant(view, record)
  },
}

/** Refuses an existing tenant, whatever the body says: tenants have nothing that can change. */
export function createTenant(view: View, body: TenantBody): Decision<TenantView> | Problem {
  const { tenantName, defaultNetwork } = body
  if (view.tenants.has(tenantName)) {
    const message = `tenant ${tenantName} exists already, and tenants cannot be changed; delete it first, or use it as it is`
    return problem('conflict', 'TENANT_EXISTS', message, { tenant: tenantName })
  }
  const tenantId = view.numbers['tenant-id'].lowestFree(tenantIds)
  if (tenantId === undefined)
    return problem('exhausted', 'TENANTS_EXHAUSTED', 'no more than 65534 tenants are possible')
  const record: TenantRecord = { tenantName, defaultNetwork, tenantId }
  return {
    records: [{ kind: 'tenant', key: tenantName, value: record }],
    grants: [{ kind: 'number', pool: 'tenant-id', number: tenantId, owner: tenantName }],
    result: render(view, record),
  }
}

function removeTenant(view: View, key: string): Decision<string> | Problem {
  const record = view.tenants.get(key)
  if (record === undefined) return notFound('tenant', key)
  const groups = view.groupsOf(key)
  const networks = view.networksOf(key)
  const holders = groups.size > 0 ? groups : networks
  if (holders.size > 0) {
    const noun = groups.size > 0 ? 'endpoint group' : 'network'
    const message = `tenant ${key} has ${count(holders.size, noun)} (${nameSome(holders.keys())}); delete them first`
    return problem('conflict', 'TENANT_IN_USE', message, { groups: groups.size, networks: networks.size })
  }
  return {
    records: [{ kind: 'tenant', key, value: null }],
    grants: [{ kind: 'number', pool: 'tenant-id', number: record.tenantId, owner: null }],
    result: key,
  }
}

function render(view: View, record: TenantRecord): TenantView {
  const { tenantName } = record
  return renderTenant(record, {
    networks: view.networksOf(tenantName).keys(),
    groups: view.groupsOf(tenantName).keys(),
  })
}

function inspectTenant(view: View, record: TenantRecord): TenantInspect {
  const { tenantName } = record
  const networks = sortedValues(view.networksOf(tenantName))
  const groups = sortedValues(view.groupsOf(tenantName))
  const endpoints = networks.flatMap((network) =>
    endpointOpers(view, view.endpointsIn(`${tenantName}:${network.networkName}`)),
  )
  return {
    Config: render(view, record),
    Oper: omitEmpty({
      endpointGroups: groups.map((group) => inspectGroupOper(view, group)),
      endpoints,
      networks: networks.map((network) => inspectNetworkOper(view, network)),
      totalEPGs: groups.length,
      totalEndpoints: endpoints.length,
      totalNetworks: networks.length,
    }),
  }
}
