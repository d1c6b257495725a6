// Tenants (specification 2.3): made with their id, deleted when nothing is in them; nothing but the default action changes.

import type { Problem } from '../../lib/errors.ts'
import { omitEmpty, problem } from '../../model/body.ts'
import { networkKey } from '../../model/network.ts'
import type { ReferringKind } from '../../model/references.ts'
import type { TenantRecord } from '../../model/state.ts'
import { renderTenant, type TenantBody, type TenantInspect, type TenantView } from '../../model/tenant.ts'
import { type Decision, unchanged } from '../decision.ts'
import type { View } from '../tables.ts'
import { inspectGroupOper } from './endpoint-groups.ts'
import { endpointOpers } from './endpoints.ts'
import { inspectNetworkOper } from './networks.ts'
import { checkKey, heldBy, notFound, type ObjectKind, referring, sortedValues } from './object.ts'
import { inspectPolicyOper } from './policies.ts'
import { inspectServiceOper } from './service-lbs.ts'

/** The other half of the zones that connection tracking has is for the tenants' ways out. */
const tenantIds = { first: 1, last: 32_767 }

export const tenantObject: ObjectKind<TenantBody, TenantView, TenantInspect> = {
  keys: (view) => view.tenants.keys(),
  get: (view, key) => {
    const record = view.tenants.get(key)
    return record === undefined ? notFound('tenant', key) : render(view, record)
  },
  put: (view, key, body) => checkKey(key, body.tenantName, body.key) ?? putTenant(view, body),
  remove: removeTenant,
  inspect: (view, key) => {
    const record = view.tenants.get(key)
    return record === undefined ? notFound('tenant', key) : inspectTenant(view, record)
  },
}

function putTenant(view: View, body: TenantBody): Decision<TenantView> | Problem {
  const existing = view.tenants.get(body.tenantName)
  if (existing === undefined) return createTenant(view, body)
  if (body.defaultNetwork === existing.defaultNetwork) return changeTenant(view, existing, body)
  const was = existing.defaultNetwork === '' ? 'none' : existing.defaultNetwork
  const message = `the default network of tenant ${body.tenantName} is ${was} and cannot change; delete the tenant and make it anew`
  return problem('conflict', 'TENANT_FIXED', message, { field: 'defaultNetwork' })
}

/** Only its default action can change, and only by saying so: who makes a tenant that is there does not open it. */
function changeTenant(view: View, existing: TenantRecord, body: TenantBody): Decision<TenantView> {
  const { defaultAction: before, ...rest } = existing
  const record: TenantRecord = { ...rest, ...denial(body) }
  if (body.defaultAction === '' || record.defaultAction === before) return unchanged(render(view, existing))
  const { tenantName } = record
  return { records: [{ kind: 'tenant', key: tenantName, value: record }], grants: [], result: render(view, record) }
}

function denial({ defaultAction }: Partial<TenantBody>): Pick<TenantRecord, 'defaultAction'> {
  return defaultAction === 'deny' ? { defaultAction } : {}
}

/** Of a name that no tenant has. The default network need not be there yet: networks are made after their tenant. */
export function createTenant(
  view: View,
  body: Omit<TenantBody, 'defaultAction'> & Partial<TenantBody>,
): Decision<TenantView> | Problem {
  const { tenantName, defaultNetwork } = body
  const tenantId = view.numbers['tenant-id'].lowestFree(tenantIds)
  if (tenantId === undefined)
    return problem('exhausted', 'TENANTS_EXHAUSTED', 'no more than 32767 tenants are possible')
  const record: TenantRecord = { tenantName, defaultNetwork, tenantId, ...denial(body) }
  return {
    records: [{ kind: 'tenant', key: tenantName, value: record }],
    grants: [{ kind: 'number', pool: 'tenant-id', number: tenantId, owner: tenantName }],
    result: render(view, record),
  }
}

function removeTenant(view: View, key: string): Decision<string> | Problem {
  const record = view.tenants.get(key)
  if (record === undefined) return notFound('tenant', key)
  const held = tenantHeld(view, key)
  if (held !== undefined) return held
  return {
    records: [{ kind: 'tenant', key, value: null }],
    grants: [{ kind: 'number', pool: 'tenant-id', number: record.tenantId, owner: null }],
    result: key,
  }
}

/** What must go before a tenant, in the order in which it can. */
function tenantHeld(view: View, key: string): Problem | undefined {
  const held = (code: string, holders: ReadonlyMap<string, unknown>, noun: string) =>
    heldBy(code, `tenant ${key} has`, holders, noun, 'delete them first')
  const having = (kind: ReferringKind) => view.referrers(kind, 'tenant', key)
  return (
    held('TENANT_HAS_APP_PROFILES', having('appProfile'), 'app profile') ??
    held('TENANT_HAS_GROUPS', view.groupsOf(key), 'endpoint group') ??
    held('TENANT_HAS_POLICIES', having('policy'), 'policy') ??
    held('TENANT_HAS_NETPROFILES', having('netprofile'), 'netprofile') ??
    held('TENANT_HAS_SERVICES', having('service'), 'service') ??
    held('TENANT_HAS_NETWORKS', view.networksOf(key), 'network') ??
    held('TENANT_HAS_CONTRACTS', having('contracts'), 'external contracts group') ??
    held('TENANT_HAS_VOLUMES', having('volume'), 'volume') ??
    held('TENANT_HAS_VOLUME_PROFILES', having('volumeProfile'), 'volume profile')
  )
}

function render(view: View, record: TenantRecord): TenantView {
  const { tenantName } = record
  const inTenant = (kind: ReferringKind) => referring(view, kind, 'tenant', tenantName)
  return renderTenant(record, {
    appProfiles: inTenant('appProfile'),
    groups: inTenant('group'),
    netprofiles: inTenant('netprofile'),
    networks: { type: 'network', keys: view.networksOf(tenantName).keys() },
    policies: inTenant('policy'),
    services: inTenant('service'),
    volumeProfiles: inTenant('volumeProfile'),
    volumes: inTenant('volume'),
  })
}

function inspectTenant(view: View, record: TenantRecord): TenantInspect {
  const { tenantName } = record
  const having = <K extends ReferringKind>(kind: K) => view.referrers(kind, 'tenant', tenantName)
  const networks = sortedValues(view.networksOf(tenantName))
  const groups = sortedValues(view.groupsOf(tenantName))
  const policies = [...having('policy').keys()].sort()
  const services = sortedValues(having('service'))
  const endpoints = networks.flatMap((network) =>
    endpointOpers(view, view.endpointsIn(networkKey(tenantName, network.networkName))),
  )
  return {
    Config: render(view, record),
    Oper: omitEmpty({
      endpointGroups: groups.map((group) => inspectGroupOper(view, group)),
      endpoints,
      networks: networks.map((network) => inspectNetworkOper(view, network)),
      policies: policies.map((policy) => inspectPolicyOper(view, policy)),
      servicelbs: services.map((service) => inspectServiceOper(view, service)),
      totalAppProfiles: having('appProfile').size,
      totalEPGs: groups.length,
      totalEndpoints: endpoints.length,
      totalNetprofiles: having('netprofile').size,
      totalNetworks: networks.length,
      totalPolicies: policies.length,
      totalServicelbs: services.length,
    }),
  }
}
