// Network profiles (specification 2.2, 2.3, 5.6): bandwidth and marking for the endpoints of groups.

import { z } from 'zod'
import {
  apiObject,
  type KeysOfType,
  link,
  linkSet,
  linkSets,
  linkTo,
  omitEmpty,
  requiredName,
  wholeNumber,
} from './body.ts'
import type { NetprofileRecord } from './state.ts'

const units: Readonly<Record<string, number>> = { k: 1024, m: 1024 ** 2, g: 1024 ** 3 }
/** What a switch can count, in kilobits per second. */
const maxRate = 4_294_967_295

/** Kilobits per second: `10 Mbps` is 10 x 1024 x 1024 bits; undefined when the text says none. */
export function parseBandwidth(text: string): number | undefined {
  const match = /^([1-9]\d*) ?([kmgKMG])(?:bps|b)?$/.exec(text)
  if (match === null) return undefined
  const [, amount = '', unit = ''] = match
  const rate = Math.floor((Number(amount) * (units[unit.toLowerCase()] ?? 0)) / 1000)
  return rate <= maxRate ? rate : undefined
}

export const netprofileBody = apiObject({
  tenantName: requiredName(64),
  profileName: requiredName(64),
  bandwidth: z
    .string()
    .max(64, 'is longer than 64 characters')
    .refine((text) => text === '' || parseBandwidth(text) !== undefined, {
      error: ({ input }) => `${JSON.stringify(input)} is not a bandwidth; write a number and a unit, such as 10 Mbps`,
    })
    .default(''),
  DSCP: wholeNumber({ min: 0, max: 63 }, 0),
  burst: wholeNumber({ min: 0, max: 10_486 }, 0),
})
export type NetprofileBody = z.output<typeof netprofileBody>
export type NetprofileInput = z.input<typeof netprofileBody>

export const netprofileView = z.object({
  key: z.string(),
  DSCP: z.int().optional(),
  bandwidth: z.string().optional(),
  burst: z.int().optional(),
  profileName: z.string(),
  tenantName: z.string(),
  'link-sets': z.record(z.string(), linkSet),
  links: z.object({ Tenant: link }),
})
export type NetprofileView = z.infer<typeof netprofileView>

export const netprofileInspect = z.object({ Config: netprofileView })
export type NetprofileInspect = z.infer<typeof netprofileInspect>

export function netprofileKey(tenantName: string, profileName: string): string {
  return `${tenantName}:${profileName}`
}

export function renderNetprofile(record: NetprofileRecord, groups: KeysOfType): NetprofileView {
  return {
    key: netprofileKey(record.tenantName, record.profileName),
    ...omitEmpty({ DSCP: record.dscp, bandwidth: record.bandwidth, burst: record.burst }),
    profileName: record.profileName,
    tenantName: record.tenantName,
    'link-sets': linkSets({ EndpointGroups: groups }),
    links: { Tenant: linkTo('tenant', record.tenantName) },
  }
}
