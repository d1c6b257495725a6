// Subnets cut from a tenant's pool: aligned slices of one length, the first that is free.

import { formatIpv4, ipv4Size, parseIpv4Prefix } from '../../lib/address.ts'
import type { Problem } from '../../lib/errors.ts'
import { problem } from '../../model/body.ts'
import { mergeIntervals } from '../allocate/intervals.ts'
import type { Interval } from '../allocate/number-set.ts'

export interface SliceSource {
  /** `a.b.c.d/len`. */
  readonly pool: string
  /** Prefix length of the slices. */
  readonly length: number
}

/** The first slice that touches nothing of `taken`, as `a.b.c.d/len`. */
export function firstFreeSlice({ pool, length }: SliceSource, taken: readonly Interval[]): string | Problem {
  const prefix = parseIpv4Prefix(pool)
  if (prefix === undefined || length < prefix.length) {
    const message = `subnets of length ${length} do not fit into the pool ${pool}; give a longer AllocSubnetLen, or a larger SubnetPool`
    return problem('invalid', 'SUBNET_POOL_TOO_SMALL', message)
  }
  const size = ipv4Size(length)
  const end = prefix.base + ipv4Size(prefix.length)
  let at = prefix.base
  for (const { first, last } of mergeIntervals(taken)) {
    if (first >= at + size) break
    if (last >= at) at = Math.ceil((last + 1) / size) * size
  }
  if (at + size <= end) return `${formatIpv4(at)}/${length}`
  const message = `the pool ${pool} has no free subnet of length ${length} left; remove networks, or give the tenant a larger SubnetPool`
  return problem('exhausted', 'SUBNETS_EXHAUSTED', message)
}

/** Whether a subnet is one of the slices. */
export function isSlice({ pool, length }: SliceSource, subnet: string): boolean {
  const whole = parseIpv4Prefix(pool)
  const part = parseIpv4Prefix(subnet)
  if (whole === undefined || part === undefined || part.length !== length || length < whole.length) return false
  return part.base >= whole.base && part.base + ipv4Size(length) <= whole.base + ipv4Size(whole.length)
}

/** The gateway of a network whose subnet was chosen automatically: its last usable address. */
export function lastUsable(subnet: string): string {
  const prefix = parseIpv4Prefix(subnet)
  return prefix === undefined ? '' : formatIpv4(prefix.base + ipv4Size(prefix.length) - 2)
}
