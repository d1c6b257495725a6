// App profiles (specification 2.2, 2.3): the groups of a tenant that make one application.

import { z } from 'zod'
import { apiObject, link, linkSet, linkSets, linkTo, omitEmpty, requiredName, textList } from './body.ts'
import { groupKey } from './endpoint-group.ts'
import type { AppProfileRecord } from './state.ts'

export const appProfileBody = apiObject({
  tenantName: requiredName(64),
  appProfileName: requiredName(64),
  endpointGroups: textList(64),
})
export type AppProfileBody = z.output<typeof appProfileBody>
export type AppProfileInput = z.input<typeof appProfileBody>

export const appProfileView = z.object({
  key: z.string(),
  appProfileName: z.string(),
  endpointGroups: z.array(z.string()).optional(),
  tenantName: z.string(),
  'link-sets': z.record(z.string(), linkSet),
  links: z.object({ Tenant: link }),
})
export type AppProfileView = z.infer<typeof appProfileView>

export const appProfileInspect = z.object({ Config: appProfileView })
export type AppProfileInspect = z.infer<typeof appProfileInspect>

export function appProfileKey(tenantName: string, appProfileName: string): string {
  return `${tenantName}:${appProfileName}`
}

export function renderAppProfile(record: AppProfileRecord): AppProfileView {
  const groups = { type: 'endpointGroup', keys: record.endpointGroups.map((name) => groupKey(record.tenantName, name)) }
  return {
    key: appProfileKey(record.tenantName, record.appProfileName),
    appProfileName: record.appProfileName,
    ...omitEmpty({ endpointGroups: [...record.endpointGroups] }),
    tenantName: record.tenantName,
    'link-sets': linkSets({ EndpointGroups: groups }),
    links: { Tenant: linkTo('tenant', record.tenantName) },
  }
}
