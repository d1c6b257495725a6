// Tenants (specification 2.2, 2.3): a name space of networks and groups with its own address space.

import { z } from 'zod'
import { apiObject, linkSet, linkSets, omitEmpty, optionalName, requiredName } from './body.ts'
import { endpointOper } from './endpoint.ts'
import { groupOper } from './endpoint-group.ts'
import { networkOper } from './network.ts'
import type { TenantRecord } from './state.ts'

export const tenantBody = apiObject({
  tenantName: requiredName(64),
  defaultNetwork: optionalName(64),
})
export type TenantBody = z.output<typeof tenantBody>
/** What a client may send: defaults may be left out. */
export type TenantInput = z.input<typeof tenantBody>

export const tenantView = z.object({
  key: z.string(),
  defaultNetwork: z.string().optional(),
  tenantName: z.string(),
  'link-sets': z.record(z.string(), linkSet),
})
export type TenantView = z.infer<typeof tenantView>

export const tenantOper = z.object({
  endpointGroups: z.array(groupOper).optional(),
  endpoints: z.array(endpointOper).optional(),
  networks: z.array(networkOper).optional(),
  totalEPGs: z.int().optional(),
  totalEndpoints: z.int().optional(),
  totalNetworks: z.int().optional(),
})
export type TenantOper = z.infer<typeof tenantOper>

export const tenantInspect = z.object({ Config: tenantView, Oper: tenantOper })
export type TenantInspect = z.infer<typeof tenantInspect>

/** What refers to a tenant, by key. */
export interface TenantLinks {
  readonly networks: Iterable<string>
  readonly groups: Iterable<string>
}

export function renderTenant(record: TenantRecord, links: TenantLinks): TenantView {
  return {
    key: record.tenantName,
    ...omitEmpty({ defaultNetwork: record.defaultNetwork }),
    tenantName: record.tenantName,
    'link-sets': linkSets({
      EndpointGroups: { type: 'endpointGroup', keys: links.groups },
      Networks: { type: 'network', keys: links.networks },
    }),
  }
}
