// Endpoint groups (specification 2.2, 2.3): endpoints of one network that share policy, and may share an address pool.

import { z } from 'zod'
import {
  apiObject,
  type KeysOfType,
  type Link,
  link,
  linkSet,
  linkSets,
  linkTo,
  omitEmpty,
  optionalName,
  optionalWord,
  requiredName,
  textList,
} from './body.ts'
import { type EndpointOper, endpointOper } from './endpoint.ts'
import { encapTag, networkKey } from './network.ts'
import type { GroupRecord, NetworkRecord } from './state.ts'

export const endpointGroupBody = apiObject({
  tenantName: requiredName(64),
  groupName: requiredName(64),
  networkName: requiredName(64),
  /** `a.b.c.d` or `a.b.c.d-e.f.g.h`; checked against the network. */
  ipPool: z.string().max(64).default(''),
  policies: textList(64),
  extContractsGrps: textList(64),
  netProfile: optionalName(64),
  cfgdTag: optionalName(128),
  /** What becomes of connections no rule is about; empty: what the tenant says. */
  defaultAction: optionalWord(['allow', 'deny']).default(''),
})
export type EndpointGroupBody = z.output<typeof endpointGroupBody>
export type EndpointGroupInput = z.input<typeof endpointGroupBody>

export const endpointGroupView = z.object({
  key: z.string(),
  cfgdTag: z.string().optional(),
  defaultAction: z.enum(['allow', 'deny']).optional(),
  extContractsGrps: z.array(z.string()).optional(),
  groupName: z.string(),
  ipPool: z.string().optional(),
  netProfile: z.string().optional(),
  networkName: z.string(),
  policies: z.array(z.string()).optional(),
  tenantName: z.string(),
  'link-sets': z.record(z.string(), linkSet),
  links: z.object({ AppProfile: link, NetProfile: link, Network: link, Tenant: link }),
})
export type EndpointGroupView = z.infer<typeof endpointGroupView>

export const groupOper = z.object({
  allocatedIPAddresses: z.string().optional(),
  availableIPAddresses: z.string().optional(),
  endpoints: z.array(endpointOper).optional(),
  externalPktTag: z.int().optional(),
  groupTag: z.string().optional(),
  numEndpoints: z.int().optional(),
  pktTag: z.int().optional(),
})
export type EndpointGroupOper = z.infer<typeof groupOper>

export const endpointGroupInspect = z.object({ Config: endpointGroupView, Oper: groupOper })
export type EndpointGroupInspect = z.infer<typeof endpointGroupInspect>

export function groupKey(tenantName: string, groupName: string): string {
  return `${tenantName}:${groupName}`
}

/** What refers to a group. */
export interface GroupLinks {
  /** Keys of the app profiles it is part of; it links to the first of them. */
  readonly appProfiles: readonly string[]
  /** Rules from or to it. */
  readonly rules: KeysOfType
}

export function renderGroup(record: GroupRecord, links: GroupLinks): EndpointGroupView {
  const inTenant = (type: string, names: readonly string[]) => ({
    type,
    keys: names.map((name) => `${record.tenantName}:${name}`),
  })
  const [appProfile] = links.appProfiles
  return {
    key: groupKey(record.tenantName, record.groupName),
    ...omitEmpty({
      cfgdTag: record.cfgdTag,
      defaultAction: record.defaultAction,
      extContractsGrps: [...record.extContractsGrps],
    }),
    groupName: record.groupName,
    ...omitEmpty({ ipPool: record.ipPool, netProfile: record.netProfile }),
    networkName: record.networkName,
    ...omitEmpty({ policies: [...record.policies] }),
    tenantName: record.tenantName,
    'link-sets': linkSets({
      ExtContractsGrps: inTenant('extContractsGroup', record.extContractsGrps),
      MatchRules: links.rules,
      Policies: inTenant('policy', record.policies),
    }),
    links: {
      AppProfile: appProfile === undefined ? {} : linkTo('appProfile', appProfile),
      NetProfile: netProfileLink(record),
      Network: linkTo('network', networkKey(record.tenantName, record.networkName)),
      Tenant: linkTo('tenant', record.tenantName),
    },
  }
}

function netProfileLink({ tenantName, netProfile }: GroupRecord): Link {
  return netProfile === '' ? {} : linkTo('netprofile', `${tenantName}:${netProfile}`)
}

/** Ranges are given for groups with a pool of their own, and empty otherwise. */
export function renderGroupOper(
  record: GroupRecord,
  network: NetworkRecord,
  use: { readonly allocated: string; readonly available: string },
  endpoints: readonly EndpointOper[],
): EndpointGroupOper {
  const tag = encapTag(network.encap)
  return omitEmpty({
    allocatedIPAddresses: use.allocated,
    availableIPAddresses: use.available,
    endpoints: [...endpoints],
    externalPktTag: tag,
    groupTag: record.cfgdTag === '' ? `${record.groupName}.${record.tenantName}` : record.cfgdTag,
    numEndpoints: endpoints.length,
    pktTag: tag,
  })
}
