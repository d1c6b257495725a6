// Flow cookies: 16 bits say the flow is ours, 8 bits which feature made it, 40 bits are a hash of the whole flow. A
// restarted agent reads cookies back and knows, without remembering anything, which flows are its own and up to date.

import type { Flow } from '../../protocols/openflow/index.ts'
import { flowHash } from './flow-hash.ts'

export const features = {
  base: 1,
  endpoint: 2,
  neighbour: 3,
  names: 4,
  network: 5,
  tunnel: 6,
  uplink: 7,
  policy: 8,
  service: 9,
  multicast: 10,
  outside: 11,
} as const
export type Feature = keyof typeof features

const ownerMark = 0x6e70n // 'np'

/** Cookie and mask that select every flow of ours. */
export const ownFlows = { value: ownerMark << 48n, mask: 0xffffn << 48n } as const

export function cookieOf(feature: Feature, flow: Omit<Flow, 'cookie'>): bigint {
  return (ownerMark << 48n) | BigInt(features[feature] * 2 ** 40 + flowHash(flow))
}

/** The cookie of another flow of the feature that `cookie` names. */
export function sameFeature(cookie: bigint, flow: Omit<Flow, 'cookie'>): bigint {
  return ((cookie >> 40n) << 40n) | BigInt(flowHash(flow))
}

/** Whether a flow that carries our mark was made by the feature. */
export function isOf(feature: Feature, cookie: bigint): boolean {
  return ((cookie >> 40n) & 0xffn) === BigInt(features[feature])
}
