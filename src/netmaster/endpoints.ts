// Endpoints: made, changed and removed on behalf of nodes. All decisions are pure; each takes its addresses along.

import { macOfIpv4 } from '../lib/address.ts'
import type { Problem } from '../lib/errors.ts'
import { isProblem, problem } from '../model/body.ts'
import { groupKey } from '../model/endpoint-group.ts'
import type { AddressOwner, GrantChange } from '../model/grant.ts'
import { hostEndpointId } from '../model/host-endpoint.ts'
import { networkKey } from '../model/network.ts'
import type { CreateEndpointBody, DeleteEndpointBody, UpdateEndpointBody } from '../model/plugin.ts'
import type { EndpointRecord } from '../model/state.ts'
import { chooseAddress } from './addresses.ts'
import { type Decision, unchanged } from './decision.ts'
import {
  claimEndpoint,
  detachedEndpoint,
  goneEndpoint,
  isOfIntent,
  namesIntentEndpoint,
  releaseEndpoint,
  updateIntentEndpoint,
} from './intent-endpoints.ts'
import { type Referred, resolveNetwork } from './network-reference.ts'
import { notFound } from './objects/object.ts'
import { checkPublished } from './published-ports.ts'
import { withSilentPorts } from './silent-ports.ts'
import type { View } from './tables.ts'

/** Idempotent: an endpoint that exists on this node is answered as it is. */
export function createEndpoint(view: View, body: CreateEndpointBody): Decision<EndpointRecord> | Problem {
  const { EndpointID, ConfigEP } = body
  const node = body.Node === '' ? ConfigEP.Host : body.Node
  if (node === '') return problem('invalid', 'NODE_MISSING', 'Node is missing: which node does the endpoint live on?')
  const existing = view.endpoints.get(EndpointID)
  if (existing !== undefined && isOfIntent(existing)) return claimEndpoint(existing, node, body)
  if (existing !== undefined) return existing.node === node ? unchanged(existing) : elsewhere(existing, node)
  const ServiceName = body.ServiceName === '' ? ConfigEP.ServiceName : body.ServiceName
  const referred = resolveNetwork(view, { ...body, ServiceName })
  if (isProblem(referred)) return referred
  if (namesIntentEndpoint(body, referred.network.networkName, referred.network.tenantName))
    return goneEndpoint(EndpointID)
  const addresses = chooseAddresses(view, referred, body, node)
  if (isProblem(addresses)) return addresses
  const { ipv4, ipv6 } = addresses
  const { network, group } = referred
  const isHost = EndpointID === hostEndpointId(network, node)
  if (isHost && network.nwType !== 'infra') return notInfra(referred.networkKey)
  const record: EndpointRecord = {
    endpointId: EndpointID,
    tenantName: network.tenantName,
    networkName: network.networkName,
    groupName: group?.groupName ?? '',
    groupId: group?.groupId ?? 0,
    node,
    ipv4,
    ipv6,
    mac: body.MacAddress === '' ? (macOfIpv4(ipv4) ?? '') : body.MacAddress,
    containerId: body.ContainerID === '' ? ConfigEP.AttachUUID : body.ContainerID,
    containerName: firstGiven(body.ContainerName, body.EPCommonName, ConfigEP.Container).replace(/^\//, ''),
    aliases: body.Aliases,
    labels: body.Labels,
    ...(isHost ? { origin: 'host' as const } : {}),
  }
  return {
    records: [{ kind: 'endpoint', key: EndpointID, value: record }],
    grants: holdAddresses(record, referred.networkKey),
    result: record,
  }
}

/** Gives an endpoint its addresses. */
export function holdAddresses(record: EndpointRecord, network: string): GrantChange[] {
  const owner: AddressOwner = { type: 'endpoint', id: record.endpointId }
  return addressesOf(record).map((address) => ({ kind: 'address', network, address, owner }))
}

function chooseAddresses(
  view: View,
  { networkKey: network, groupKey: group, network: record }: Referred,
  body: CreateEndpointBody,
  node: string,
): { readonly ipv4: string; readonly ipv6: string } | Problem {
  const mayTake = (owner: AddressOwner) => owner.type === 'reservation' && (owner.node === node || owner.node === '')
  const request = { networkKey: network, groupKey: group }
  const ipv4 = chooseAddress(view, { ...request, family: 'ipv4', wanted: body.ConfigEP.IPAddress }, mayTake)
  if (isProblem(ipv4)) return ipv4
  if (record.ipv6Subnet === '' && body.ConfigEP.IPv6Address === '') return { ipv4, ipv6: '' }
  const ipv6 = chooseAddress(view, { ...request, family: 'ipv6', wanted: body.ConfigEP.IPv6Address }, mayTake)
  return isProblem(ipv6) ? ipv6 : { ipv4, ipv6 }
}

/**
 * Removes an endpoint; null when there is none. Its addresses stay reserved for its node, which releases them with the
 * runtime's own call, or are freed at once when the body says so.
 */
export function deleteEndpoint(
  view: View,
  body: DeleteEndpointBody,
  now: number,
): Decision<EndpointRecord | null> | Problem {
  const record = view.endpoints.get(body.EndpointID)
  if (record === undefined) return unchanged(null)
  if (isOfIntent(record)) return releaseEndpoint(record, { node: body.Node, containerId: '' })
  if (body.Node !== '' && body.Node !== record.node) return elsewhere(record, body.Node)
  const owner: AddressOwner | null = body.ReleaseAddresses ? null : { type: 'reservation', node: record.node, at: now }
  return { ...removeEndpoints([record], owner), result: record }
}

/** Tells names and labels of the container; what the body leaves out stays. */
export function updateEndpoint(view: View, body: UpdateEndpointBody): Decision<EndpointRecord> | Problem {
  const record = findForUpdate(view, body)
  if (isProblem(record)) return record
  if (isOfIntent(record)) return updateIntentEndpoint(record, body)
  if (body.Node !== '' && body.Node !== record.node) return elsewhere(record, body.Node)
  if (body.Event === 'die') return unchanged(record)
  const refused = body.Published === undefined ? undefined : checkPublished(view, record, body.Published)
  if (refused !== undefined) return refused
  const name = body.ContainerName ?? (body.EPCommonName === '' ? record.containerName : body.EPCommonName)
  const told: EndpointRecord = {
    ...record,
    containerId: body.ContainerID ?? record.containerId,
    containerName: name.replace(/^\//, ''),
    aliases: body.Aliases ?? record.aliases,
    labels: body.Labels ?? record.labels,
    ...(body.Published === undefined ? {} : { published: body.Published }),
  }
  const changed = withSilentPorts(told, body)
  if (JSON.stringify(changed) === JSON.stringify(record)) return unchanged(record)
  return { records: [{ kind: 'endpoint', key: record.endpointId, value: changed }], grants: [], result: changed }
}

/**
 * Forgets endpoints of a network, a group, or one endpoint, with their addresses; answers their ids. Those of intents are
 * only detached.
 */
export function cleanEndpoints(
  view: View,
  what: { readonly tenant: string; readonly kind: string; readonly id: string },
): Decision<{ readonly removed: string[] }> | Problem {
  const key = `${what.tenant}:${what.id}`
  const records: EndpointRecord[] = []
  if (what.kind === 'net' || what.kind === 'network') records.push(...view.endpointsIn(key).values())
  else if (what.kind === 'group' || what.kind === 'epg') records.push(...view.endpointsOfGroup(key).values())
  else if (what.kind === 'ep') {
    for (const record of view.endpoints.values()) {
      const named = record.endpointId === what.id || record.containerId === what.id || record.containerName === what.id
      if (record.tenantName === what.tenant && named) records.push(record)
    }
  } else
    return problem('invalid', 'CLEAN_KIND', `${JSON.stringify(what.kind)} cannot be cleaned up; use net, group or ep`)
  const kept = records.filter(isOfIntent)
  const gone = removeEndpoints(
    records.filter((record) => !isOfIntent(record)),
    null,
  )
  const detached = kept.map(
    (record) => ({ kind: 'endpoint', key: record.endpointId, value: detachedEndpoint(record) }) as const,
  )
  return {
    records: [...gone.records, ...detached],
    grants: gone.grants,
    result: { removed: records.map((record) => record.endpointId).sort() },
  }
}

function findForUpdate(view: View, body: UpdateEndpointBody): EndpointRecord | Problem {
  if (body.EndpointID !== '') return view.endpoints.get(body.EndpointID) ?? notFound('endpoint', body.EndpointID)
  const tenant = body.Tenant === '' ? 'default' : body.Tenant
  // Clients of the original name the group where the container's Docker network is that of a group.
  const named = view.networks.has(networkKey(tenant, body.Network))
  const group = named ? undefined : view.groups.get(groupKey(tenant, body.Network))
  const network = networkKey(tenant, group?.networkName ?? body.Network)
  if (!view.networks.has(network)) return notFound('network', network)
  const [address = ''] = body.IPAddress.split('/')
  const owner = view.addresses(network).ownerOf(address)
  const record = owner?.type === 'endpoint' ? view.endpoints.get(owner.id) : undefined
  return record ?? notFound('endpoint', `${address} in ${network}`)
}

/** Removes endpoints; their addresses go to `owner`, or are free. */
export function removeEndpoints(records: readonly EndpointRecord[], owner: AddressOwner | null): Decision<undefined> {
  const grants: GrantChange[] = []
  for (const record of records) {
    const network = networkKey(record.tenantName, record.networkName)
    for (const address of addressesOf(record)) grants.push({ kind: 'address', network, address, owner })
  }
  const deletions = records.map((record) => ({ kind: 'endpoint', key: record.endpointId, value: null }) as const)
  return { records: deletions, grants, result: undefined }
}

function addressesOf(record: EndpointRecord): string[] {
  return [record.ipv4, record.ipv6].filter((address) => address !== '')
}

/** The network was deleted, and made again as another kind, since the node heard of it. */
function notInfra(network: string): Problem {
  const message = `hosts have no interface in network ${network}: it is not of type infra`
  return problem('conflict', 'NOT_INFRA', message, { network })
}

function firstGiven(...texts: readonly string[]): string {
  return texts.find((text) => text !== '') ?? ''
}

function elsewhere(record: EndpointRecord, node: string): Problem {
  const message = `endpoint ${record.endpointId} lives on ${record.node}, not on ${node}; it must be removed there first`
  return problem('conflict', 'ENDPOINT_ELSEWHERE', message, { node: record.node })
}
