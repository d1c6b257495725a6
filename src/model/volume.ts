// Volumes (specification 2.2): kept for clients that store them; nothing is made of them.

import { z } from 'zod'
import { apiObject, link, linkSet, linkTo, omitEmpty, requiredName } from './body.ts'
import type { VolumeRecord } from './state.ts'

const text = z.string().max(256, 'is longer than 256 characters').default('')

/** What volumes and volume profiles say of their storage. */
export const storageFields = { datastoreType: text, poolName: text, size: text, mountPoint: text }

export const storageViewFields = {
  datastoreType: z.string().optional(),
  mountPoint: z.string().optional(),
  poolName: z.string().optional(),
  size: z.string().optional(),
}

export const volumeBody = apiObject({
  tenantName: requiredName(64),
  volumeName: requiredName(64),
  ...storageFields,
})
export type VolumeBody = z.output<typeof volumeBody>
export type VolumeInput = z.input<typeof volumeBody>

export const volumeView = z.object({
  key: z.string(),
  ...storageViewFields,
  tenantName: z.string(),
  volumeName: z.string(),
  'link-sets': z.record(z.string(), linkSet),
  links: z.object({ Tenant: link }),
})
export type VolumeView = z.infer<typeof volumeView>

export const volumeInspect = z.object({ Config: volumeView, Oper: z.object({}) })
export type VolumeInspect = z.infer<typeof volumeInspect>

export function renderStorage(record: {
  readonly datastoreType: string
  readonly mountPoint: string
  readonly poolName: string
  readonly size: string
}) {
  const { datastoreType, mountPoint, poolName, size } = record
  return omitEmpty({ datastoreType, mountPoint, poolName, size })
}

export function renderVolume(record: VolumeRecord): VolumeView {
  const { tenantName, volumeName } = record
  return {
    key: `${tenantName}:${volumeName}`,
    ...renderStorage(record),
    tenantName,
    volumeName,
    'link-sets': {},
    links: { Tenant: linkTo('tenant', tenantName) },
  }
}
