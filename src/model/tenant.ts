// Tenants (specification 2.2, 2.3): a name space of networks and groups with its own address space.

import { z } from 'zod'
import {
  apiObject,
  type KeysOfType,
  linkSet,
  linkSets,
  omitEmpty,
  optionalName,
  optionalWord,
  requiredName,
} from './body.ts'
import { endpointOper } from './endpoint.ts'
import { groupOper } from './endpoint-group.ts'
import { networkOper } from './network.ts'
import { policyOper } from './policy.ts'
import { serviceLbOper } from './service-lb.ts'
import type { TenantRecord } from './state.ts'

export const tenantBody = apiObject({
  tenantName: requiredName(64),
  defaultNetwork: optionalName(64),
  /** What becomes of connections no rule is about, where the group does not say. */
  defaultAction: optionalWord(['allow', 'deny']).default(''),
})
export type TenantBody = z.output<typeof tenantBody>
/** What a client may send: defaults may be left out. */
export type TenantInput = z.input<typeof tenantBody>

export const tenantView = z.object({
  key: z.string(),
  defaultAction: z.enum(['deny']).optional(),
  defaultNetwork: z.string().optional(),
  tenantName: z.string(),
  'link-sets': z.record(z.string(), linkSet),
})
export type TenantView = z.infer<typeof tenantView>

export const tenantOper = z.object({
  endpointGroups: z.array(groupOper).optional(),
  endpoints: z.array(endpointOper).optional(),
  networks: z.array(networkOper).optional(),
  policies: z.array(policyOper).optional(),
  servicelbs: z.array(serviceLbOper).optional(),
  totalAppProfiles: z.int().optional(),
  totalEPGs: z.int().optional(),
  totalEndpoints: z.int().optional(),
  totalNetprofiles: z.int().optional(),
  totalNetworks: z.int().optional(),
  totalPolicies: z.int().optional(),
  totalServicelbs: z.int().optional(),
})
export type TenantOper = z.infer<typeof tenantOper>

export const tenantInspect = z.object({ Config: tenantView, Oper: tenantOper })
export type TenantInspect = z.infer<typeof tenantInspect>

/** What lies in a tenant. */
export interface TenantLinks {
  readonly appProfiles: KeysOfType
  readonly groups: KeysOfType
  readonly netprofiles: KeysOfType
  readonly networks: KeysOfType
  readonly policies: KeysOfType
  readonly services: KeysOfType
  readonly volumeProfiles: KeysOfType
  readonly volumes: KeysOfType
}

export function renderTenant(record: TenantRecord, links: TenantLinks): TenantView {
  return {
    key: record.tenantName,
    ...omitEmpty({ defaultAction: record.defaultAction, defaultNetwork: record.defaultNetwork }),
    tenantName: record.tenantName,
    'link-sets': linkSets({
      AppProfiles: links.appProfiles,
      EndpointGroups: links.groups,
      NetProfiles: links.netprofiles,
      Networks: links.networks,
      Policies: links.policies,
      Servicelbs: links.services,
      VolumeProfiles: links.volumeProfiles,
      Volumes: links.volumes,
    }),
  }
}
