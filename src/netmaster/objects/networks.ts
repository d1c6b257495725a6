// Networks (specification 2.3): made with their tag and id in one transaction; deleted only when nothing is left that
// names them. Addresses that are only reserved do not hold a network back.

import { parseAddressing } from '../../core/allocate/address-pool.ts'
import { formatIpv6Subnet } from '../../core/allocate/subnet.ts'
import type { Problem } from '../../lib/errors.ts'
import { isProblem, problem } from '../../model/body.ts'
import type { GrantChange } from '../../model/grant.ts'
import { isHosts } from '../../model/host-endpoint.ts'
import {
  type NetworkBody,
  type NetworkInspect,
  type NetworkOper,
  type NetworkView,
  networkKey,
  renderNetwork,
  renderNetworkOper,
} from '../../model/network.ts'
import type { Encap, EndpointRecord, NetworkRecord } from '../../model/state.ts'
import type { Decision } from '../decision.ts'
import type { View } from '../tables.ts'
import { endpointOpers, heldByEndpoints } from './endpoints.ts'
import { checkInfra } from './infra-networks.ts'
import { changeNetwork, checkNat, findOverlap } from './network-changes.ts'
import { chooseEncap, type TagPool, tagGrant } from './network-tags.ts'
import { checkKey, heldBy, notFound, type ObjectKind } from './object.ts'

const networkIds = { first: 1, last: 16_777_215 }

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
      return checkKey(key, bodyKey, body.key) ?? putNetwork(view, key, body, options.defaultEncap)
    },
    remove: removeNetwork,
    inspect: (view, key) => {
      const record = view.networks.get(key)
      if (record === undefined) return notFound('network', key)
      return { Config: render(view, record), Oper: inspectNetworkOper(view, record) }
    },
  }
}

function putNetwork(
  view: View,
  key: string,
  body: NetworkBody,
  defaultEncap: Encap['kind'],
): Decision<NetworkView> | Problem {
  const existing = view.networks.get(key)
  if (existing === undefined) return createNetwork(view, body, defaultEncap)
  const changed = changeNetwork(view, existing, body)
  return isProblem(changed) ? changed : { ...changed, result: render(view, changed.result) }
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
    const message = `network ${key} exists already; delete it first, or use it as it is`
    return problem('conflict', 'NETWORK_EXISTS', message, { network: key })
  }
  if (!view.globalStored) {
    const message = 'the cluster has no global settings; write them (POST /api/v1/globals/global/) or restart netmaster'
    return problem('conflict', 'GLOBAL_NOT_READY', message)
  }
  if (!view.tenants.has(tenantName)) return notFound('tenant', tenantName)
  if (view.groups.has(key)) {
    const message = `an endpoint group is named ${networkName} in tenant ${tenantName}; networks and groups share names`
    return problem('conflict', 'NAME_IN_USE', message, { group: key })
  }
  const addressing = parseAddressing(body)
  if (isProblem(addressing)) return addressing
  const misplaced = findOverlap(view, key, body, addressing) ?? checkInfra(view, key, body)
  if (misplaced !== undefined) return misplaced
  const encap = chooseEncap(view, body.encap === '' ? defaultEncap : body.encap, body.pktTag, tagPool)
  if (isProblem(encap)) return encap
  const shut = checkNat(key, body.nat, { encap, gateway: body.gateway })
  if (shut !== undefined) return shut
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
    ...(body.multicast === '' ? {} : { multicast: body.multicast }),
    ...(body.nat === 'off' ? { nat: 'off' as const } : {}),
  }
  return {
    records: [{ kind: 'network', key, value: record }],
    grants: [{ kind: 'number', pool: 'network-id', number: networkId, owner: key }, tagGrant(encap, key)],
    result: renderNetwork(record, { groups: [], services: [] }),
  }
}

function removeNetwork(view: View, key: string): Decision<string> | Problem {
  const record = view.networks.get(key)
  if (record === undefined) return notFound('network', key)
  const held = networkHeld(view, key)
  if (held !== undefined) return held
  const reserved: GrantChange[] = [...view.addresses(key).owners().keys()].map((address) => ({
    kind: 'address',
    network: key,
    address,
    owner: null,
  }))
  // What is left are the hosts' own: they go with it.
  const hosts = [...view.endpointsIn(key).keys()].map((id) => ({ kind: 'endpoint', key: id, value: null }) as const)
  return {
    records: [...hosts, { kind: 'network', key, value: null }],
    grants: [
      ...reserved,
      { kind: 'number', pool: 'network-id', number: record.networkId, owner: null },
      tagGrant(record.encap, null),
    ],
    result: key,
  }
}

/** Why a network cannot be deleted. */
function networkHeld(view: View, key: string): Problem | undefined {
  const held = (code: string, verb: string, holders: ReadonlyMap<string, unknown>, noun: string) =>
    heldBy(code, `network ${key} ${verb}`, holders, noun, 'delete them first')
  return (
    held('NETWORK_HAS_GROUPS', 'has', view.groupsIn(key), 'endpoint group') ??
    held('NETWORK_HAS_SERVICES', 'has', view.referrers('service', 'network', key), 'service') ??
    heldByEndpoints('NETWORK_HAS_ENDPOINTS', `network ${key} cannot be deleted`, containersIn(view, key)) ??
    held('NETWORK_IN_RULES', 'is named by', view.referrers('rule', 'network', key), 'rule')
  )
}

function containersIn(view: View, key: string): ReadonlyMap<string, EndpointRecord> {
  return new Map([...view.endpointsIn(key)].filter(([, record]) => !isHosts(record)))
}

function render(view: View, record: NetworkRecord): NetworkView {
  const key = networkKey(record.tenantName, record.networkName)
  return renderNetwork(record, {
    groups: view.groupsIn(key).keys(),
    services: view.referrers('service', 'network', key).keys(),
  })
}

export function inspectNetworkOper(view: View, record: NetworkRecord): NetworkOper {
  const key = networkKey(record.tenantName, record.networkName)
  const addresses = view.addresses(key)
  const use = { ...addresses.describe(''), count: addresses.size }
  return renderNetworkOper(record, use, endpointOpers(view, view.endpointsIn(key)))
}
