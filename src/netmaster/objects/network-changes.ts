// What may change of a network that exists. Hosts have its subnet, gateways and tag in the configuration of containers,
// and in Docker networks that cannot be made anew while containers use them: so those stay as long as it has endpoints.
// Its name tag, where its multicast goes, and the range of its subnet that addresses come from are no business of containers
// and may change always.

import { isDeepStrictEqual } from 'node:util'
import {
  type Addressing,
  checkRequestedIpv4,
  checkRequestedIpv6,
  parseAddressing,
} from '../../core/allocate/address-pool.ts'
import { contains, formatIntervals, overlaps } from '../../core/allocate/intervals.ts'
import { formatIpv6Subnet, ipv6SubnetsOverlap } from '../../core/allocate/subnet.ts'
import { formatIpv4 } from '../../lib/address.ts'
import type { Problem } from '../../lib/errors.ts'
import { isProblem, problem } from '../../model/body.ts'
import type { GrantChange } from '../../model/grant.ts'
import { natObstacle } from '../../model/nat.ts'
import { encapTag, type NetworkBody, networkKey } from '../../model/network.ts'
import type { NetworkRecord } from '../../model/state.ts'
import { nameOwner } from '../addresses.ts'
import { type Decision, unchanged } from '../decision.ts'
import type { View } from '../tables.ts'
import { heldByEndpoints } from './endpoints.ts'
import { checkInfra } from './infra-networks.ts'
import { chooseEncap, tagGrant } from './network-tags.ts'
import { heldBy } from './object.ts'

/** Answers the network as it is afterwards. */
export function changeNetwork(
  view: View,
  existing: NetworkRecord,
  body: NetworkBody,
): Decision<NetworkRecord> | Problem {
  const key = networkKey(existing.tenantName, existing.networkName)
  const addressing = parseAddressing(body)
  if (isProblem(addressing)) return addressing
  const { multicast: _, nat, ...kept } = existing
  // Only who says so opens or closes the way out of a network that is there.
  const shut = body.nat === '' ? nat === 'off' : body.nat === 'off'
  const asked: NetworkRecord = {
    ...kept,
    ...(body.multicast === '' ? {} : { multicast: body.multicast }),
    ...(shut ? { nat: 'off' as const } : {}),
    nwType: body.nwType,
    subnet: body.subnet,
    gateway: body.gateway,
    ipv6Subnet: addressing.ipv6 === undefined ? '' : formatIpv6Subnet(addressing.ipv6),
    ipv6Gateway: body.ipv6Gateway,
    cfgdTag: body.cfgdTag,
    pktTag: body.pktTag,
  }
  const fixed = findFixed(view, key, existing, asked, body.encap, addressing)
  if (fixed !== undefined) return fixed
  const encap = tagStays(existing, body)
    ? existing.encap
    : chooseEncap(view, body.encap === '' ? existing.encap.kind : body.encap, body.pktTag, undefined)
  if (isProblem(encap)) return encap
  const record: NetworkRecord = { ...asked, encap }
  if (isDeepStrictEqual(record, existing)) return unchanged(existing)
  const misplaced =
    checkNat(key, body.nat, record) ??
    checkFabric(view, key, record) ??
    findOverlap(view, key, record, addressing) ??
    checkInfra(view, key, record) ??
    findStranded(view, key, record, addressing)
  if (misplaced !== undefined) return misplaced
  const moved = encap === existing.encap ? [] : [tagGrant(existing.encap, null), tagGrant(encap, key)]
  return {
    records: [{ kind: 'network', key, value: record }],
    grants: [...moved, ...strayReservations(view, key, addressing)],
    result: record,
  }
}

/** Refuses a way out that was asked for where there can be none. */
export function checkNat(
  key: string,
  asked: NetworkBody['nat'],
  network: Pick<NetworkRecord, 'encap' | 'gateway'>,
): Problem | undefined {
  const obstacle = asked === 'on' ? natObstacle(network) : undefined
  if (obstacle === undefined) return undefined
  const message = `network ${key} cannot have nat on, for ${obstacle}; leave nat out, or say off`
  return problem('invalid', 'NAT_IMPOSSIBLE', message, { field: 'nat' })
}

/** An ACI fabric tells groups apart by VLAN. */
function checkFabric(view: View, key: string, { encap }: NetworkRecord): Problem | undefined {
  const groups = view.groupsIn(key)
  if (view.global.networkInfraType !== 'aci' || encap.kind === 'vlan') return undefined
  const what = `network ${key} must stay a VLAN in an ACI fabric while it has`
  return heldBy('GROUPS_NEED_VLAN', what, groups, 'endpoint group', 'delete them first')
}

/** A body without a tag is content with the one there is. */
function tagStays(existing: NetworkRecord, body: NetworkBody): boolean {
  const sameKind = body.encap === '' || body.encap === existing.encap.kind
  return sameKind && (body.pktTag === 0 || body.pktTag === encapTag(existing.encap))
}

/** Refuses, by name, what cannot change while there are endpoints. */
function findFixed(
  view: View,
  key: string,
  existing: NetworkRecord,
  asked: NetworkRecord,
  encap: NetworkBody['encap'],
  addressing: Addressing,
): Problem | undefined {
  const endpoints = view.endpointsIn(key)
  if (endpoints.size === 0) return undefined
  const { ipv4 } = view.addresses(key).addressing
  const fields: string[] = []
  if (asked.nwType !== existing.nwType) fields.push('nwType')
  if (encap !== '' && encap !== existing.encap.kind) fields.push('encap')
  if (asked.pktTag !== 0 && asked.pktTag !== encapTag(existing.encap)) fields.push('pktTag')
  if (addressing.ipv4.base !== ipv4.base || addressing.ipv4.length !== ipv4.length) fields.push('subnet')
  for (const field of ['gateway', 'ipv6Subnet', 'ipv6Gateway'] as const) {
    if (asked[field] !== existing[field]) fields.push(field)
  }
  if (fields.length === 0) return undefined
  const held = heldByEndpoints('NETWORK_FIXED', `${fields.join(', ')} of network ${key} cannot change`, endpoints)
  return held === undefined ? undefined : { ...held, details: { ...held.details, fields } }
}

/** Networks of one tenant must not share addresses; other tenants, and the network itself, do not matter. */
export function findOverlap(
  view: View,
  own: string,
  body: { readonly tenantName: string; readonly subnet: string },
  addressing: Addressing,
): Problem | undefined {
  for (const [key, other] of view.networksOf(body.tenantName)) {
    if (key === own) continue
    const theirs = view.addresses(key).addressing
    const conflict = (mine: string, subnetOfOther: string) =>
      problem(
        'conflict',
        'SUBNET_OVERLAP',
        `subnet ${mine} overlaps ${subnetOfOther} of network ${key}; choose another`,
        {
          network: key,
        },
      )
    if (overlaps(addressing.ipv4.claimed, theirs.ipv4.claimed)) return conflict(body.subnet, other.subnet)
    if (addressing.ipv6 === undefined || theirs.ipv6 === undefined) continue
    if (ipv6SubnetsOverlap(addressing.ipv6, theirs.ipv6)) {
      return conflict(formatIpv6Subnet(addressing.ipv6), other.ipv6Subnet)
    }
  }
  return undefined
}

/** Services and endpoints keep their addresses, and groups their pools: all must lie in what the network is to be. */
function findStranded(view: View, key: string, record: NetworkRecord, addressing: Addressing): Problem | undefined {
  const addresses = view.addresses(key)
  for (const [address, owner] of addresses.owners()) {
    if (owner.type === 'reservation') continue
    const misfit = findMisfit(addressing, address)
    if (misfit === undefined) continue
    const message = `network ${key} cannot change so, ${nameOwner(view, owner)} would lose its address: ${misfit.message}`
    return problem('conflict', 'ADDRESS_LEFT_OUT', message, { address })
  }
  for (const [group, pool] of addresses.pools()) {
    const { first, last } = addressing.ipv4.hosts
    const ownPool = `pool ${formatIntervals([pool], formatIpv4)} of group ${group}`
    if (pool.first < first || pool.last > last) {
      const message = `network ${key} cannot change so, ${ownPool} would lie outside of subnet ${record.subnet}; delete the group first`
      return problem('conflict', 'POOL_LEFT_OUT', message, { group })
    }
    if (addressing.gateway !== undefined && contains(pool, addressing.gateway)) {
      const message = `gateway ${record.gateway} lies in ${ownPool}; choose another`
      return problem('conflict', 'GATEWAY_IN_POOL', message, { field: 'gateway', group })
    }
  }
  return undefined
}

/** Why an address cannot be one of the network. */
function findMisfit({ ipv4, gateway, ipv6, ipv6Gateway }: Addressing, address: string): Problem | undefined {
  const checked = !address.includes(':')
    ? checkRequestedIpv4({ subnet: ipv4, gateway, pools: [], pool: undefined }, address)
    : ipv6 === undefined
      ? problem('invalid', 'NO_IPV6', `address ${address} is of no IPv6 subnet`)
      : checkRequestedIpv6(ipv6, ipv6Gateway, address)
  return isProblem(checked) ? checked : undefined
}

/** Addresses that were only set aside, and that the network has no more. */
function strayReservations(view: View, network: string, addressing: Addressing): GrantChange[] {
  const stray: GrantChange[] = []
  for (const [address, owner] of view.addresses(network).owners()) {
    if (owner.type !== 'reservation' || findMisfit(addressing, address) === undefined) continue
    stray.push({ kind: 'address', network, address, owner: null })
  }
  return stray
}
