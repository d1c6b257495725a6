// Volume profiles (specification 2.2): kept for clients that store them; nothing is made of them.

import { z } from 'zod'
import { apiObject, link, linkSet, linkTo, requiredName } from './body.ts'
import type { VolumeProfileRecord } from './state.ts'
import { renderStorage, storageFields, storageViewFields } from './volume.ts'

export const volumeProfileBody = apiObject({
  tenantName: requiredName(64),
  volumeProfileName: requiredName(64),
  ...storageFields,
})
export type VolumeProfileBody = z.output<typeof volumeProfileBody>
export type VolumeProfileInput = z.input<typeof volumeProfileBody>

export const volumeProfileView = z.object({
  key: z.string(),
  ...storageViewFields,
  tenantName: z.string(),
  volumeProfileName: z.string(),
  'link-sets': z.record(z.string(), linkSet),
  links: z.object({ Tenant: link }),
})
export type VolumeProfileView = z.infer<typeof volumeProfileView>

export const volumeProfileInspect = z.object({ Config: volumeProfileView, Oper: z.object({}) })
export type VolumeProfileInspect = z.infer<typeof volumeProfileInspect>

export function renderVolumeProfile(record: VolumeProfileRecord): VolumeProfileView {
  const { tenantName, volumeProfileName } = record
  return {
    key: `${tenantName}:${volumeProfileName}`,
    ...renderStorage(record),
    tenantName,
    volumeProfileName,
    'link-sets': {},
    links: { Tenant: linkTo('tenant', tenantName) },
  }
}
