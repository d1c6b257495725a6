// The addresses of one network: which are taken, which are kept for groups with a pool of their own, and the lowest free
// one (specification 6.4). Knows nothing of who holds an address; the caller keeps the owners.

import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '../../lib/address.ts'
import type { Problem } from '../../lib/errors.ts'
import { clipIntervals, contains, formatIntervals, mergeIntervals, subtractIntervals } from './intervals.ts'
import type { Interval, NumberSet } from './number-set.ts'
import { type Ipv4Subnet, type Ipv6Subnet, isIpv4Host, isIpv6Host, parseIpv4Subnet, parseIpv6Subnet } from './subnet.ts'

export interface NetworkAddressing {
  readonly subnet: string
  /** Empty: none. */
  readonly gateway: string
  readonly ipv6Subnet: string
  readonly ipv6Gateway: string
}

/** What `lowestFreeIpv4` may choose from: the pool of a group, or everything that is in no group's pool. */
export interface Ipv4Scope {
  readonly subnet: Ipv4Subnet
  readonly gateway: number | undefined
  /** Pools of the network's groups. */
  readonly pools: readonly Interval[]
  /** The pool of the group that asks; undefined: the group, if any, has none. */
  readonly pool: Interval | undefined
}

const exhausted = (message: string): Problem => ({ kind: 'exhausted', code: 'ADDRESSES_EXHAUSTED', message })
const invalid = (code: string, message: string): Problem => ({ kind: 'invalid', code, message })

/** Lowest free address; `taken` are the addresses held in this network, and its gateway. */
export function lowestFreeIpv4(scope: Ipv4Scope, taken: NumberSet): number | Problem {
  const { subnet, pool } = scope
  const choices = pool === undefined ? freeOfPools(scope) : clipIntervals([pool], subnet.hosts)
  for (const { first, last } of choices) {
    const free = taken.lowestFree(first, last)
    if (free !== undefined) return free
  }
  const where =
    pool === undefined
      ? `subnet ${formatIpv4(subnet.base)}/${subnet.length} has no free address left`
      : `pool ${formatIpv4(pool.first)}-${formatIpv4(pool.last)} has no free address left`
  return exhausted(`${where}; remove endpoints that are not needed, or use a larger one`)
}

function freeOfPools(scope: Ipv4Scope): Interval[] {
  return subtractIntervals(scope.subnet.hosts, mergeIntervals(scope.pools))
}

/** Whether an endpoint may be given this address, apart from whether somebody holds it. */
export function checkRequestedIpv4(scope: Ipv4Scope, text: string): number | Problem {
  const { subnet, gateway, pool } = scope
  const address = parseIpv4(text)
  if (address === undefined) return invalid('INVALID_ADDRESS', `${JSON.stringify(text)} is not an IPv4 address`)
  const network = `${formatIpv4(subnet.base)}/${subnet.length}`
  if (!isIpv4Host(subnet, address)) {
    return invalid('ADDRESS_OUTSIDE_SUBNET', `address ${text} is not a host address of subnet ${network}`)
  }
  if (address === gateway) {
    return { kind: 'conflict', code: 'ADDRESS_IN_USE', message: `address ${text} is the gateway of the network` }
  }
  const range = formatIntervals([subnet.hosts], formatIpv4)
  if (!contains(subnet.hosts, address)) {
    return invalid('ADDRESS_OUTSIDE_SUBNET', `address ${text} is outside the network's range ${range}`)
  }
  if (pool !== undefined && !contains(pool, address)) {
    const own = formatIntervals([pool], formatIpv4)
    return invalid('ADDRESS_OUTSIDE_POOL', `address ${text} is outside the group's pool ${own}`)
  }
  if (pool === undefined && scope.pools.some((other) => contains(other, address))) {
    const message = `address ${text} is kept for a group with a pool of its own; ask for it in that group`
    return { kind: 'conflict', code: 'ADDRESS_IN_POOL', message }
  }
  return address
}

/** Lowest free host id from 1 upwards. `taken` holds host ids, not addresses, and that of the gateway. */
export function lowestFreeIpv6(subnet: Ipv6Subnet, taken: NumberSet): bigint | Problem {
  const free = taken.lowestFree(1, maxHostId(subnet))
  if (free !== undefined) return subnet.base + BigInt(free)
  return exhausted(`subnet ${formatIpv6(subnet.base)}/${subnet.length} has no free address left; use a larger one`)
}

/** Host ids above this are never allocated, only given on request: 2^40 is more than can ever be held. */
const highestHostId = 2 ** 40

function maxHostId(subnet: Ipv6Subnet): number {
  const bits = 128 - subnet.length
  // Without the last address of a short prefix, which some hosts take for an anycast address.
  return bits >= 40 ? highestHostId : Math.max(1, 2 ** bits - 2)
}

/** The host id to remember for an address, or undefined when it is too high to collide with an allocated one. */
export function hostIdOf(subnet: Ipv6Subnet, address: bigint): number | undefined {
  const id = address - subnet.base
  return id >= 0n && id <= BigInt(highestHostId) ? Number(id) : undefined
}

export function checkRequestedIpv6(subnet: Ipv6Subnet, gateway: bigint | undefined, text: string): bigint | Problem {
  const address = parseIpv6(text)
  if (address === undefined) return invalid('INVALID_ADDRESS', `${JSON.stringify(text)} is not an IPv6 address`)
  if (!isIpv6Host(subnet, address)) {
    const network = `${formatIpv6(subnet.base)}/${subnet.length}`
    return invalid('ADDRESS_OUTSIDE_SUBNET', `address ${text} is not a host address of subnet ${network}`)
  }
  if (address === gateway) {
    return { kind: 'conflict', code: 'ADDRESS_IN_USE', message: `address ${text} is the gateway of the network` }
  }
  return address
}

/** What inspection shows: ranges of IPv4 addresses. The gateway and pools of groups count as allocated. */
export function describeNetwork(scope: Ipv4Scope, taken: NumberSet): { allocated: string; available: string } {
  return describe(scope.subnet.hosts, mergeIntervals([...taken.intervals(), ...scope.pools]))
}

/** The same for the pool of a group. */
export function describePool(pool: Interval, taken: NumberSet): { allocated: string; available: string } {
  return describe(pool, clipIntervals(taken.intervals(), pool))
}

/** A gateway outside the range that a network may use is shown too; what is free never lies outside. */
function describe(bounds: Interval, used: readonly Interval[]) {
  const free = bounds.first > bounds.last ? [] : subtractIntervals(bounds, used)
  return { allocated: formatIntervals(used, formatIpv4), available: formatIntervals(free, formatIpv4) }
}

export interface Addressing {
  readonly ipv4: Ipv4Subnet
  readonly gateway: number | undefined
  readonly ipv6: Ipv6Subnet | undefined
  readonly ipv6Gateway: bigint | undefined
}

/** Parses and checks the addressing of a network: shapes, and gateways that are hosts of their subnets. */
export function parseAddressing(text: NetworkAddressing): Addressing | Problem {
  const ipv4 = parseIpv4Subnet(text.subnet)
  if ('code' in ipv4) return ipv4
  const gateway = text.gateway === '' ? undefined : parseIpv4(text.gateway)
  if (gateway === undefined && text.gateway !== '') {
    return invalid('INVALID_GATEWAY', `gateway ${JSON.stringify(text.gateway)} is not an IPv4 address`)
  }
  if (gateway !== undefined && !isIpv4Host(ipv4, gateway)) {
    return invalid('GATEWAY_OUTSIDE_SUBNET', `gateway ${text.gateway} is not a host address of subnet ${text.subnet}`)
  }
  if (text.ipv6Subnet === '') {
    if (text.ipv6Gateway === '') return { ipv4, gateway, ipv6: undefined, ipv6Gateway: undefined }
    return invalid('GATEWAY_WITHOUT_SUBNET', 'ipv6Gateway is given without ipv6Subnet; give both or neither')
  }
  const ipv6 = parseIpv6Subnet(text.ipv6Subnet)
  if ('code' in ipv6) return ipv6
  const ipv6Gateway = text.ipv6Gateway === '' ? undefined : parseIpv6(text.ipv6Gateway)
  if (text.ipv6Gateway !== '' && (ipv6Gateway === undefined || !isIpv6Host(ipv6, ipv6Gateway))) {
    return invalid(
      'GATEWAY_OUTSIDE_SUBNET',
      `ipv6Gateway ${text.ipv6Gateway} is not a host address of subnet ${text.ipv6Subnet}`,
    )
  }
  return { ipv4, gateway, ipv6, ipv6Gateway }
}
