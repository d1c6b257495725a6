// Networks (specification 2.3): made with their tag and id in one transaction, never changed; deleted only when no group
// and no endpoint is left. Addresses that are only reserved do not hold a network back.

import { type Addressing, parseAddressing } from '../../core/allocate/address-pool.ts'
import { contains, formatIntervals, overlaps } from '../../core/allocate/intervals.ts'
import { formatIpv6Subnet, ipv6SubnetsOverlap } from '../../core/allocate/subnet.ts'
import type { Problem } from '../../lib/errors.ts'
import { isProblem, problem } from '../../model/body.ts'
import { parseTagRange, type TagRange } from '../../model/global.ts'
import type { GrantChange } from '../../model/grant.ts'
import {
  encapTag,
  type NetworkBody,
  type NetworkInspect,
  type NetworkOper,
  type NetworkView,
  networkKey,
  renderNetwork,
  renderNetworkOper,
} from '../../model/network.ts'
import type { Encap, NetworkRecord } from '../../model/state.ts'
import type { Decision } from '../decision.ts'
import type { View } from '../tables.ts'
import { describeHolder, endpointOpers } from './endpoints.ts'
import { checkKey, count, nameSome, notFound, type ObjectKind } from './object.ts'

const networkIds = { first: 1, last: 16_777_215 }
/** 0 and 4095 are reserved by IEEE 802.1Q. */
const usableVlans = { first: 1, last: 4_094 }

export interface NetworkOptions {
  /** Encapsulation of networks that do not name one. */
  readonly defaultEncap: Encap['kind']
}

export function networkObject(options: NetworkOptions): ObjectKind<NetworkBody, NetworkView, NetworkInspect> {
  return {
    keys: (view) => view.networks.keys(),
    get: (view, key) => {
      const record = view.networks.get(key)
      return record === undefined ? notFound('network', key) : render(view, record)
    },
    put: (view, key, body) => {
      const bodyKey = networkKey(body.tenantName, body.networkName)
      return checkKey(key, bodyKey, body.key) ?? createNetwork(view, body, options.defaultEncap)
    },
    remove: removeNetwork,
    inspect: (view, key) => {
      const record = view.networks.get(key)
      if (record === undefined) return notFound('network', key)
      return { Config: render(view, record), Oper: inspectNetworkOper(view, record) }
    },
  }
}

/** Tags that a network may get. */
export interface TagPool {
  /** Ascending. */
  readonly ranges: readonly TagRange[]
  /** For messages: whose they are, and how to have more of them. */
  readonly source: string
  readonly advice: string
}

/** Makes a network. With `tagPool`, its tag comes from there; what the cluster's range holds may be asked for too. */
export function createNetwork(
  view: View,
  body: NetworkBody,
  defaultEncap: Encap['kind'],
  tagPool?: TagPool,
): Decision<NetworkView> | Problem {
  const { tenantName, networkName } = body
  const key = networkKey(tenantName, networkName)
  if (view.networks.has(key)) {
    const message = `network ${key} exists already, and networks cannot be changed; delete it first, or use it as it is`
    return problem('conflict', 'NETWORK_EXISTS', message, { network: key })
  }
  if (!view.tenants.has(tenantName)) return notFound('tenant', tenantName)
  if (view.groups.has(key)) {
    const message = `an endpoint group is named ${networkName} in tenant ${tenantName}; networks and groups share names`
    return problem('conflict', 'NAME_IN_USE', message, { group: key })
  }
  const addressing = parseAddressing(body)
  if (isProblem(addressing)) return addressing
  const overlapping = findOverlap(view, tenantName, body.subnet, addressing)
  if (overlapping !== undefined) return overlapping
  const encap = chooseEncap(view, body.encap === '' ? defaultEncap : body.encap, body.pktTag, tagPool)
  if (isProblem(encap)) return encap
  const networkId = view.numbers['network-id'].lowestFree(networkIds)
  if (networkId === undefined) return problem('exhausted', 'NETWORKS_EXHAUSTED', 'no network id is left')
  const record: NetworkRecord = {
    tenantName,
    networkName,
    nwType: body.nwType,
    networkId,
    encap,
    subnet: body.subnet,
    gateway: body.gateway,
    ipv6Subnet: addressing.ipv6 === undefined ? '' : formatIpv6Subnet(addressing.ipv6),
    ipv6Gateway: body.ipv6Gateway,
    cfgdTag: body.cfgdTag,
    pktTag: body.pktTag,
  }
  return {
    records: [{ kind: 'network', key, value: record }],
    grants: [
      { kind: 'number', pool: 'network-id', number: networkId, owner: key },
      { kind: 'number', pool: encap.kind === 'vlan' ? 'vlan' : 'vni', number: encapTag(encap), owner: key },
    ],
    result: renderNetwork(record, []),
  }
}

/** Networks of one tenant must not share addresses; other tenants do not matter. */
function findOverlap(view: View, tenant: string, subnet: string, addressing: Addressing): Problem | undefined {
  for (const [key, other] of view.networksOf(tenant)) {
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
    if (overlaps(addressing.ipv4.claimed, theirs.ipv4.claimed)) return conflict(subnet, other.subnet)
    if (addressing.ipv6 === undefined || theirs.ipv6 === undefined) continue
    if (ipv6SubnetsOverlap(addressing.ipv6, theirs.ipv6)) {
      return conflict(formatIpv6Subnet(addressing.ipv6), other.ipv6Subnet)
    }
  }
  return undefined
}

/** The tag asked for, or the lowest free one of the pool (else of the cluster's range) when it is 0. */
function chooseEncap(view: View, kind: Encap['kind'], wanted: number, given: TagPool | undefined): Encap | Problem {
  const noun = kind === 'vlan' ? 'VLAN' : 'VXLAN id'
  const ofCluster = clusterTags(view, kind)
  if (isProblem(ofCluster)) return ofCluster
  const pool = given ?? ofCluster
  const grants = view.numbers[kind === 'vlan' ? 'vlan' : 'vni']
  const toEncap = (tag: number): Encap => (kind === 'vlan' ? { kind, vlan: tag } : { kind, vni: tag })
  const shown = formatIntervals(pool.ranges, String)
  if (wanted === 0) {
    for (const range of pool.ranges) {
      const free = grants.lowestFree(range)
      if (free !== undefined) return toEncap(free)
    }
    return problem('exhausted', 'TAGS_EXHAUSTED', `no ${noun} is free in ${shown}; delete networks, or ${pool.advice}`)
  }
  if (![...pool.ranges, ...ofCluster.ranges].some((range) => contains(range, wanted))) {
    const message = `${noun} ${wanted} is outside ${pool.source} ${shown}; choose one in it`
    return problem('invalid', 'TAG_OUT_OF_RANGE', message, { field: 'pktTag' })
  }
  const owner = grants.ownerOf(wanted)
  if (owner === undefined) return toEncap(wanted)
  return problem('conflict', 'TAG_IN_USE', `${noun} ${wanted} is used by network ${owner}; choose another`, {
    network: owner,
  })
}

function clusterTags(view: View, kind: Encap['kind']): TagPool | Problem {
  const field = kind === 'vlan' ? 'vlans' : 'vxlans'
  const range = parseTagRange(field, view.global[field])
  if (isProblem(range)) return range
  const usable = kind === 'vlan' ? { first: range.first, last: Math.min(range.last, usableVlans.last) } : range
  return { ranges: [usable], source: "the cluster's range", advice: `widen ${field} with netctl global set` }
}

function removeNetwork(view: View, key: string): Decision<string> | Problem {
  const record = view.networks.get(key)
  if (record === undefined) return notFound('network', key)
  const groups = view.groupsIn(key)
  if (groups.size > 0) {
    const message = `network ${key} has ${count(groups.size, 'endpoint group')} (${nameSome(groups.keys())}); delete them first`
    return problem('conflict', 'NETWORK_IN_USE', message, { groups: [...groups.keys()].sort().slice(0, 20) })
  }
  const endpoints = view.endpointsIn(key)
  if (endpoints.size > 0) {
    const names = nameSome([...endpoints.values()].map((endpoint) => `${describeHolder(endpoint)} on ${endpoint.node}`))
    const message = `network ${key} has ${count(endpoints.size, 'endpoint')} (${names}); remove those containers first`
    return problem('conflict', 'NETWORK_IN_USE', message, { endpoints: [...endpoints.keys()].sort().slice(0, 20) })
  }
  const reserved: GrantChange[] = [...view.addresses(key).owners().keys()].map((address) => ({
    kind: 'address',
    network: key,
    address,
    owner: null,
  }))
  return {
    records: [{ kind: 'network', key, value: null }],
    grants: [
      ...reserved,
      { kind: 'number', pool: 'network-id', number: record.networkId, owner: null },
      {
        kind: 'number',
        pool: record.encap.kind === 'vlan' ? 'vlan' : 'vni',
        number: encapTag(record.encap),
        owner: null,
      },
    ],
    result: key,
  }
}

function render(view: View, record: NetworkRecord): NetworkView {
  return renderNetwork(record, view.groupsIn(networkKey(record.tenantName, record.networkName)).keys())
}

export function inspectNetworkOper(view: View, record: NetworkRecord): NetworkOper {
  const key = networkKey(record.tenantName, record.networkName)
  const addresses = view.addresses(key)
  const use = { ...addresses.describe(''), count: addresses.size }
  return renderNetworkOper(record, use, endpointOpers(view, view.endpointsIn(key)))
}
