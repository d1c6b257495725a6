// Endpoint groups (specification 2.3): made with their id, and with the addresses of their pool set apart. Network and
// pool cannot change afterwards; policies and the rest can.

import { isDeepStrictEqual } from 'node:util'
import { contains, formatIntervals, overlaps } from '../../core/allocate/intervals.ts'
import { parseIpv4Pool } from '../../core/allocate/subnet.ts'
import { formatIpv4, ipv4Size } from '../../lib/address.ts'
import type { Problem } from '../../lib/errors.ts'
import { isProblem, problem } from '../../model/body.ts'
import {
  type EndpointGroupBody,
  type EndpointGroupInspect,
  type EndpointGroupOper,
  type EndpointGroupView,
  groupKey,
  renderGroup,
  renderGroupOper,
} from '../../model/endpoint-group.ts'
import { networkKey } from '../../model/network.ts'
import type { GroupRecord, NetworkRecord } from '../../model/state.ts'
import { type Decision, unchanged } from '../decision.ts'
import type { View } from '../tables.ts'
import { endpointOpers, heldByEndpoints } from './endpoints.ts'
import { checkKey, checkTenant, heldBy, notFound, type ObjectKind, referring } from './object.ts'

/** 65535 stands for groups that a node does not know, 65534 for endpoints of none where the tenant denies. */
const groupIds = { first: 1, last: 65_533 }

export const endpointGroupObject: ObjectKind<EndpointGroupBody, EndpointGroupView, EndpointGroupInspect> = {
  keys: (view) => view.groups.keys(),
  get: (view, key) => {
    const record = view.groups.get(key)
    return record === undefined ? notFound('endpoint group', key) : render(view, record)
  },
  put: (view, key, body) => checkKey(key, groupKey(body.tenantName, body.groupName), body.key) ?? putGroup(view, body),
  remove: removeGroup,
  inspect: (view, key) => {
    const record = view.groups.get(key)
    if (record === undefined) return notFound('endpoint group', key)
    return { Config: render(view, record), Oper: inspectGroupOper(view, record) }
  },
}

function putGroup(view: View, body: EndpointGroupBody): Decision<EndpointGroupView> | Problem {
  const key = groupKey(body.tenantName, body.groupName)
  const unknown = checkTenant(view, body.tenantName)
  if (unknown !== undefined) return unknown
  const existing = view.groups.get(key)
  return existing === undefined ? createGroup(view, key, body) : changeGroup(view, existing, key, body)
}

function createGroup(view: View, key: string, body: EndpointGroupBody): Decision<EndpointGroupView> | Problem {
  const { tenantName, groupName, networkName } = body
  if (view.networks.has(key)) {
    const message = `a network is named ${groupName} in tenant ${tenantName}; networks and groups share names`
    return problem('conflict', 'NAME_IN_USE', message, { network: key })
  }
  const network = view.networks.get(networkKey(tenantName, networkName))
  if (network === undefined) return notFound('network', networkKey(tenantName, networkName))
  const wrong = checkReferences(view, body) ?? checkFabric(view, network) ?? checkPool(view, network, body.ipPool)
  if (wrong !== undefined) return wrong
  const groupId = view.numbers['group-id'].lowestFree(groupIds)
  if (groupId === undefined) return problem('exhausted', 'GROUPS_EXHAUSTED', 'no more than 65533 groups are possible')
  const record = recordOf(body, groupId)
  return {
    records: [{ kind: 'group', key, value: record }],
    grants: [{ kind: 'number', pool: 'group-id', number: groupId, owner: key }],
    result: render(view, record),
  }
}

function changeGroup(
  view: View,
  existing: GroupRecord,
  key: string,
  body: EndpointGroupBody,
): Decision<EndpointGroupView> | Problem {
  const fixed = checkFixed(existing, body, 'networkName', 'GROUP_NETWORK_FIXED')
  const wrong = fixed ?? checkFixed(existing, body, 'ipPool', 'GROUP_POOL_FIXED') ?? checkReferences(view, body)
  if (wrong !== undefined) return wrong
  const record = recordOf(body, existing.groupId)
  if (isDeepStrictEqual(record, existing)) return unchanged(render(view, existing))
  return { records: [{ kind: 'group', key, value: record }], grants: [], result: render(view, record) }
}

function checkFixed(
  existing: GroupRecord,
  body: EndpointGroupBody,
  field: 'networkName' | 'ipPool',
  code: string,
): Problem | undefined {
  if (existing[field] === body[field]) return undefined
  const was = existing[field] === '' ? 'none' : existing[field]
  const message = `${field} of group ${body.tenantName}:${body.groupName} is ${was} and cannot change; delete the group and make it anew`
  return problem('conflict', code, message, { field })
}

function recordOf(body: EndpointGroupBody, groupId: number): GroupRecord {
  const { tenantName, groupName, networkName, ipPool, policies, extContractsGrps, netProfile, cfgdTag } = body
  const fixed = { tenantName, groupName, networkName, groupId, ipPool }
  const { defaultAction } = body
  return {
    ...fixed,
    policies,
    extContractsGrps,
    netProfile,
    cfgdTag,
    ...(defaultAction === '' ? {} : { defaultAction }),
  }
}

/** Policies, profile and contracts must be there. */
function checkReferences(view: View, body: EndpointGroupBody): Problem | undefined {
  const missing = (kind: 'policy' | 'netprofile' | 'contracts', noun: string, names: readonly string[]) => {
    const keys = names.filter((name) => name !== '').map((name) => `${body.tenantName}:${name}`)
    const key = keys.find((each) => !view.objects[kind].has(each))
    return key === undefined ? undefined : notFound(noun, key)
  }
  return (
    missing('policy', 'policy', body.policies) ??
    missing('netprofile', 'netprofile', [body.netProfile]) ??
    missing('contracts', 'external contracts group', body.extContractsGrps)
  )
}

/** An ACI fabric tells groups apart by VLAN. */
function checkFabric(view: View, network: NetworkRecord): Problem | undefined {
  if (view.global.networkInfraType !== 'aci' || network.encap.kind === 'vlan') return undefined
  const message = `an ACI fabric needs networks with VLAN encapsulation for groups, and ${network.networkName} has ${network.encap.kind}; choose another network`
  return problem('invalid', 'GROUP_NEEDS_VLAN', message, { field: 'networkName' })
}

/** A pool must lie within the network, and nobody else may hold any of it. */
function checkPool(view: View, network: NetworkRecord, text: string): Problem | undefined {
  if (text === '') return undefined
  const pool = parseIpv4Pool(text)
  if (isProblem(pool)) return pool
  const addresses = view.addresses(networkKey(network.tenantName, network.networkName))
  const { ipv4 } = addresses.addressing
  const whole = { first: ipv4.base, last: ipv4.base + ipv4Size(ipv4.length) - 1 }
  if (!contains(whole, pool.first) || !contains(whole, pool.last)) {
    const message = `ip-pool ${text} is not within subnet ${network.subnet} of network ${network.networkName}`
    return problem('invalid', 'POOL_OUTSIDE_SUBNET', message, { field: 'ipPool' })
  }
  if (pool.first < ipv4.hosts.first || pool.last > ipv4.hosts.last) {
    const usable = formatIntervals([ipv4.hosts], formatIpv4)
    const message = `ip-pool ${text} holds addresses endpoints cannot have; the network's are ${usable}`
    return problem('invalid', 'POOL_OUTSIDE_SUBNET', message, { field: 'ipPool' })
  }
  for (const [group, other] of addresses.pools()) {
    if (!overlaps(pool, other)) continue
    const message = `ip-pool ${text} overlaps ${formatIntervals([other], formatIpv4)} of group ${group}; choose other addresses`
    return problem('conflict', 'POOL_IN_USE', message, { group })
  }
  const held = addresses.heldIn(pool)
  if (held === undefined) return undefined
  const message = `ip-pool ${text} holds ${held}, which is in use (as gateway, by an endpoint, or reserved); choose other addresses`
  return problem('conflict', 'POOL_IN_USE', message, { address: held })
}

function removeGroup(view: View, key: string): Decision<string> | Problem {
  const record = view.groups.get(key)
  if (record === undefined) return notFound('endpoint group', key)
  const what = `endpoint group ${key}`
  const appProfiles = view.referrers('appProfile', 'group', key)
  const rules = view.referrers('rule', 'group', key)
  const held =
    heldBy('GROUP_IN_APP_PROFILE', `${what} is part of`, appProfiles, 'app profile', 'take it out of them first') ??
    heldBy('GROUP_IN_RULES', `${what} is named by`, rules, 'rule', 'delete or change them first') ??
    heldByEndpoints('GROUP_HAS_ENDPOINTS', `${what} cannot be deleted`, view.endpointsOfGroup(key))
  if (held !== undefined) return held
  return {
    records: [{ kind: 'group', key, value: null }],
    grants: [{ kind: 'number', pool: 'group-id', number: record.groupId, owner: null }],
    result: key,
  }
}

function render(view: View, record: GroupRecord): EndpointGroupView {
  const key = groupKey(record.tenantName, record.groupName)
  return renderGroup(record, {
    appProfiles: [...view.referrers('appProfile', 'group', key).keys()].sort(),
    rules: referring(view, 'rule', 'group', key),
  })
}

export function inspectGroupOper(view: View, record: GroupRecord): EndpointGroupOper {
  const key = groupKey(record.tenantName, record.groupName)
  const network = networkKey(record.tenantName, record.networkName)
  const networkRecord = view.networks.get(network)
  if (networkRecord === undefined) return {}
  const use = record.ipPool === '' ? { allocated: '', available: '' } : view.addresses(network).describe(key)
  return renderGroupOper(record, networkRecord, use, endpointOpers(view, view.endpointsOfGroup(key)))
}
