// Cluster-wide settings (specification 2.2, 2.3): one object, named `global`.

import { z } from 'zod'
import type { Problem } from '../lib/errors.ts'
import { apiObject, omitEmpty, problem, wordOr } from './body.ts'
import { defaultGlobal, type GlobalRecord } from './state.ts'

export const globalKey = 'global'

export const globalBody = apiObject({
  name: z.literal(globalKey, 'must be global'),
  networkInfraType: wordOr(['default', 'aci', 'aci-opflex'], 'default'),
  vlans: z.string().max(32).default(''),
  vxlans: z.string().max(32).default(''),
  /** Empty: stays as it is. */
  fwdMode: wordOr(['', 'bridge', 'routing'], ''),
  arpMode: wordOr(['proxy', 'flood'], 'proxy'),
  pvtSubnet: z
    .string()
    .regex(/^(\d{1,3})\.(\d{1,3})\.\d{1,3}\.\d{1,3}\/16$/, 'must be an IPv4 prefix of length 16, such as 172.19.0.0/16')
    .refine((text) => text.split(/[./]/).every((part) => Number(part) <= 255), 'is not an IPv4 prefix'),
})
export type GlobalBody = z.output<typeof globalBody>
export type GlobalInput = z.input<typeof globalBody>

export const globalView = z.object({
  key: z.string(),
  arpMode: z.string(),
  fwdMode: z.string(),
  name: z.string(),
  networkInfraType: z.string(),
  pvtSubnet: z.string(),
  vlans: z.string(),
  vxlans: z.string(),
})
export type GlobalView = z.infer<typeof globalView>

export const globalOper = z.object({
  clusterMode: z.string().optional(),
  defaultNetwork: z.string().optional(),
  freeVXLANsStart: z.int().optional(),
  numNetworks: z.int().optional(),
  vlansInUse: z.string().optional(),
  vxlansInUse: z.string().optional(),
})
export type GlobalOper = z.infer<typeof globalOper>

export const globalInspect = z.object({ Config: globalView, Oper: globalOper })
export type GlobalInspect = z.infer<typeof globalInspect>

export function renderGlobal(record: GlobalRecord): GlobalView {
  return {
    key: globalKey,
    arpMode: record.arpMode,
    fwdMode: record.fwdMode,
    name: globalKey,
    networkInfraType: record.networkInfraType,
    pvtSubnet: record.pvtSubnet,
    vlans: record.vlans,
    vxlans: record.vxlans,
  }
}

export function renderGlobalOper(use: {
  readonly clusterMode: string
  readonly numNetworks: number
  readonly vlansInUse: string
  readonly vxlansInUse: string
}): GlobalOper {
  return omitEmpty({
    clusterMode: use.clusterMode,
    numNetworks: use.numNetworks,
    vlansInUse: use.vlansInUse,
    vxlansInUse: use.vxlansInUse,
  })
}

export interface TagRange {
  readonly first: number
  readonly last: number
}

const rangeLimits = { vlans: { max: 4095, width: 4095 }, vxlans: { max: 65_535, width: 16_000 } } as const

/** Parses `first-last` within the limits of the field. */
export function parseTagRange(field: 'vlans' | 'vxlans', text: string): TagRange | Problem {
  const limits = rangeLimits[field]
  const bad = (why: string, code = 'INVALID_TAG_RANGE') =>
    problem('invalid', code, `${field} ${JSON.stringify(text)} ${why}`, { field })
  if (text.includes(',')) return bad('holds more than one range; give one, first-last', 'TOO_MANY_TAG_RANGES')
  const match = /^(\d{1,8})-(\d{1,8})$/.exec(text)
  if (match === null) return bad('is not a range; write first-last, for example 100-200')
  const [first, last] = [Number(match[1]), Number(match[2])]
  if (first < 1) return bad('starts below 1')
  if (first > last) return bad('ends before it starts')
  if (last > limits.max) return bad(`goes beyond ${limits.max}`)
  if (last - first + 1 > limits.width) return bad(`is wider than ${limits.width} tags`, 'TAG_RANGE_TOO_WIDE')
  return { first, last }
}

/** The settings a body asks for, in full. */
export function globalFromBody(body: GlobalBody, current: GlobalRecord): GlobalRecord | Problem {
  const vlans = body.vlans === '' ? defaultGlobal.vlans : body.vlans
  const vxlans = body.vxlans === '' ? defaultGlobal.vxlans : body.vxlans
  for (const range of [parseTagRange('vlans', vlans), parseTagRange('vxlans', vxlans)]) {
    if ('code' in range) return range
  }
  return {
    networkInfraType: body.networkInfraType,
    vlans,
    vxlans,
    fwdMode: body.fwdMode === '' ? current.fwdMode : body.fwdMode,
    arpMode: body.arpMode,
    pvtSubnet: body.pvtSubnet,
  }
}
