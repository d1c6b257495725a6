// Endpoint groups (specification 2.3): made with their id, and with the addresses of their pool set apart. Network and
// pool cannot change afterwards; policies and the rest can.

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
import type { Decision } from '../decision.ts'
import type { View } from '../tables.ts'
import { describeHolder, endpointOpers } from './endpoints.ts'
import { checkKey, count, nameSome, notFound, type ObjectKind } from './object.ts'

const groupIds = { first: 1, last: 65_535 }

export const endpointGroupObject: ObjectKind<EndpointGroupBody, EndpointGroupView, EndpointGroupInspect> = {
  keys: (view) => view.groups.keys(),
  get: (view, key) => {
    const record = view.groups.get(key)
    return record === undefined ? notFound('endpoint group', key) : renderGroup(record)
  },
  put: (view, key, body) => checkKey(key, groupKey(body.tenantName, body.groupName), body.key) ?? putGroup(view, body),
  remove: removeGroup,
  inspect: (view, key) => {
    const record = view.groups.get(key)
    if (record === undefined) return notFound('endpoint group', key)
    return { Config: renderGroup(record), Oper: inspectGroupOper(view, record) }
  },
}

function putGroup(view: View, body: EndpointGroupBody): Decision<EndpointGroupView> | Problem {
  const { tenantName, groupName, networkName } = body
  const key = groupKey(tenantName, groupName)
  if (!view.tenants.has(tenantName)) return notFound('tenant', tenantName)
  const existing = view.groups.get(key)
  const unknown = findUnknownReference(body)
  if (existing !== undefined) return changeGroup(existing, body, unknown)
  if (view.networks.has(key)) {
    const message = `a network is named ${groupName} in tenant ${tenantName}; networks and groups share names`
    return problem('conflict', 'NAME_IN_USE', message, { network: key })
  }
  const network = view.networks.get(networkKey(tenantName, networkName))
  if (network === undefined) return notFound('network', networkKey(tenantName, networkName))
  if (unknown !== undefined) return unknown
  const blocked = body.ipPool === '' ? undefined : findPoolConflict(view, network, body.ipPool)
  if (blocked !== undefined) return blocked
  const groupId = view.numbers['group-id'].lowestFree(groupIds)
  if (groupId === undefined) return problem('exhausted', 'GROUPS_EXHAUSTED', 'no more than 65535 groups are possible')
  const record = recordOf(body, groupId)
  return {
    records: [{ kind: 'group', key, value: record }],
    grants: [{ kind: 'number', pool: 'group-id', number: groupId, owner: key }],
    result: renderGroup(record),
  }
}

function changeGroup(
  existing: GroupRecord,
  body: EndpointGroupBody,
  unknown: Problem | undefined,
): Decision<EndpointGroupView> | Problem {
  for (const field of ['networkName', 'ipPool'] as const) {
    if (existing[field] === body[field]) continue
    const was = existing[field] === '' ? 'none' : existing[field]
    const message = `${field} of group ${body.tenantName}:${body.groupName} is ${was} and cannot change; delete the group and make it anew`
    return problem('conflict', 'GROUP_FIXED', message, { field })
  }
  if (unknown !== undefined) return unknown
  const record = recordOf(body, existing.groupId)
  const key = groupKey(body.tenantName, body.groupName)
  return { records: [{ kind: 'group', key, value: record }], grants: [], result: renderGroup(record) }
}

function recordOf(body: EndpointGroupBody, groupId: number): GroupRecord {
  const { tenantName, groupName, networkName, ipPool, policies, extContractsGrps, netProfile, cfgdTag } = body
  return { tenantName, groupName, networkName, groupId, ipPool, policies, extContractsGrps, netProfile, cfgdTag }
}

/** Policies, profiles and contracts are not served yet, so that none can exist. */
function findUnknownReference(body: EndpointGroupBody): Problem | undefined {
  const [policy] = body.policies
  if (policy !== undefined) return notFound('policy', `${body.tenantName}:${policy}`)
  if (body.netProfile !== '') return notFound('netprofile', `${body.tenantName}:${body.netProfile}`)
  const [contracts] = body.extContractsGrps
  return contracts === undefined ? undefined : notFound('external contracts group', `${body.tenantName}:${contracts}`)
}

/** A pool must lie within the network, and nobody else may hold any of it. */
function findPoolConflict(view: View, network: NetworkRecord, text: string): Problem | undefined {
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
  const endpoints = view.endpointsOfGroup(key)
  if (endpoints.size > 0) {
    const names = nameSome([...endpoints.values()].map((endpoint) => `${describeHolder(endpoint)} on ${endpoint.node}`))
    const message = `endpoint group ${key} has ${count(endpoints.size, 'endpoint')} (${names}); remove those containers first`
    return problem('conflict', 'GROUP_IN_USE', message, { endpoints: [...endpoints.keys()].sort().slice(0, 20) })
  }
  return {
    records: [{ kind: 'group', key, value: null }],
    grants: [{ kind: 'number', pool: 'group-id', number: record.groupId, owner: null }],
    result: key,
  }
}

export function inspectGroupOper(view: View, record: GroupRecord): EndpointGroupOper {
  const key = groupKey(record.tenantName, record.groupName)
  const network = networkKey(record.tenantName, record.networkName)
  const networkRecord = view.networks.get(network)
  if (networkRecord === undefined) return {}
  const use = record.ipPool === '' ? { allocated: '', available: '' } : view.addresses(network).describe(key)
  return renderGroupOper(record, networkRecord, use, endpointOpers(view, view.endpointsOfGroup(key)))
}
