// One step of a plan as a decision: what it takes from pools is chosen here, on the tables as the steps before left them.

import type { EndpointStep, NetworkStep, Step } from '../core/intent/plan.ts'
import { bindingAfter } from '../core/intent/plan-bindings.ts'
import { hostRecord } from '../core/intent/plan-underlay.ts'
import { firstFreeSlice, lastUsable } from '../core/intent/slices.ts'
import { macOfIpv4 } from '../lib/address.ts'
import type { Problem } from '../lib/errors.ts'
import { isProblem, problem } from '../model/body.ts'
import { groupKey } from '../model/endpoint-group.ts'
import { type IntentInfraNetwork, intentEndpointId } from '../model/intent.ts'
import { networkKey } from '../model/network.ts'
import type { EndpointRecord, InfraNetworkRecord, TenantRecord } from '../model/state.ts'
import { chooseAddress } from './addresses.ts'
import type { Decision } from './decision.ts'
import { holdAddresses, removeEndpoints } from './endpoints.ts'
import { boundEndpoint } from './intent-endpoints.ts'
import type { IntentOptions } from './intents.ts'
import { createNetwork, networkObject } from './objects/networks.ts'
import { notFound } from './objects/object.ts'
import { createTenant, tenantObject } from './objects/tenants.ts'
import type { View } from './tables.ts'

type Outcome = Decision<unknown> | Problem

export function takeStep(view: View, step: Step, options: IntentOptions): Outcome {
  switch (step.kind) {
    case 'remove-endpoint': {
      const record = view.endpoints.get(step.id)
      return record === undefined ? notFound('endpoint', step.id) : removeEndpoints([record], null)
    }
    case 'remove-network':
      return networkObject(options).remove(view, step.key)
    case 'remove-tenant':
      return tenantObject.remove(view, step.name)
    case 'remove-host':
      return recordOnly({ kind: 'intentHost', key: step.name, value: null })
    case 'remove-infra-network':
      return removeInfraNetwork(view, step.name)
    case 'put-tenant':
      return putTenant(view, step)
    case 'put-host':
      return recordOnly({ kind: 'intentHost', key: step.host.name, value: hostRecord(step.host) })
    case 'put-infra-network':
      return createInfraNetwork(view, step.network, options)
    case 'create-network':
      return createIntentNetwork(view, step.network)
    case 'create-endpoint':
      return createIntentEndpoint(view, step.endpoint)
    case 'bind-endpoint': {
      const record = view.endpoints.get(step.id)
      if (record === undefined) return notFound('endpoint', step.id)
      return recordOnly({ kind: 'endpoint', key: step.id, value: boundEndpoint(record, step.container, step.binding) })
    }
  }
}

function recordOnly(change: Decision<unknown>['records'][number]): Decision<unknown> {
  return { records: [change], grants: [], result: undefined }
}

function putTenant(view: View, { name, pools, defaultNetwork }: Extract<Step, { kind: 'put-tenant' }>): Outcome {
  const existing = view.tenants.get(name)
  if (existing === undefined) {
    const created = createTenant(view, { tenantName: name, defaultNetwork })
    if (isProblem(created)) return created
    return { ...created, records: created.records.map((change) => madeByIntent(change, pools)) }
  }
  const { pools: _, ...rest } = existing
  const value: TenantRecord = { ...rest, defaultNetwork, ...(pools === null ? {} : { pools }) }
  return recordOnly({ kind: 'tenant', key: name, value })
}

/** The change with the mark by which a later intent knows that it may take the record away. */
function madeByIntent<C extends Decision<unknown>['records'][number]>(
  change: C,
  pools: TenantRecord['pools'] | null,
): C {
  if (change.value === null || (change.kind !== 'tenant' && change.kind !== 'network')) return change
  const mark = pools === null || pools === undefined ? { origin: 'intent' } : { origin: 'intent', pools }
  return { ...change, value: { ...change.value, ...mark } }
}

function createIntentNetwork(view: View, step: NetworkStep): Outcome {
  const { tenant, name, encap, tag, tags, tagSource } = step
  const subnet = step.subnet === '' ? chooseSubnet(view, step) : step.subnet
  if (isProblem(subnet)) return subnet
  const body = {
    tenantName: tenant,
    networkName: name,
    nwType: 'data',
    encap,
    pktTag: tag,
    subnet,
    gateway: step.automaticGateway ? lastUsable(subnet) : step.gateway,
    ipv6Subnet: '',
    ipv6Gateway: '',
    cfgdTag: '',
    multicast: step.multicast,
    nat: step.nat,
  } as const
  const field = encap === 'vlan' ? 'VLANs' : 'VXLANs'
  const pool = { ranges: tags, source: tagSource, advice: `give tenant ${tenant} more of them with ${field}` }
  const created = createNetwork(view, body, encap, pool)
  if (isProblem(created)) return created
  return { ...created, records: created.records.map((change) => madeByIntent(change, null)) }
}

function chooseSubnet(view: View, { tenant, slices, claimed }: NetworkStep): string | Problem {
  const taken = [...view.networksOf(tenant).keys()].map((key) => view.addresses(key).addressing.ipv4.claimed)
  return firstFreeSlice(slices, [...taken, ...claimed])
}

function createIntentEndpoint(view: View, step: EndpointStep): Outcome {
  const { tenant, endpoint, groupName, before } = step
  const network = networkKey(tenant, step.network)
  const group = groupName === '' ? undefined : view.groups.get(groupKey(tenant, groupName))
  const ipv4 = chooseIpv4(view, step, network)
  if (isProblem(ipv4)) return ipv4
  const ipv6 = chooseIpv6(view, network)
  if (isProblem(ipv6)) return ipv6
  const fresh: EndpointRecord = {
    endpointId: intentEndpointId(step.network, tenant, endpoint.container),
    tenantName: tenant,
    networkName: step.network,
    groupName: group?.groupName ?? '',
    groupId: group?.groupId ?? 0,
    node: before?.node ?? '',
    ipv4,
    ipv6,
    mac: macOfIpv4(ipv4) ?? '',
    containerId: before?.containerId ?? '',
    containerName: before?.containerName ?? endpoint.container,
    aliases: before?.aliases ?? [],
    labels: before?.labels ?? {},
    origin: 'intent',
  }
  const record = boundEndpoint(fresh, endpoint.container, bindingAfter(before?.binding, endpoint))
  return {
    records: [{ kind: 'endpoint', key: record.endpointId, value: record }],
    grants: holdAddresses(record, network),
    result: undefined,
  }
}

/** The one asked for; else the one its predecessor had; else the lowest free one. */
function chooseIpv4(
  view: View,
  { tenant, groupName, endpoint, before }: EndpointStep,
  network: string,
): string | Problem {
  const request = {
    networkKey: network,
    groupKey: groupName === '' ? '' : groupKey(tenant, groupName),
    family: 'ipv4',
  } as const
  const choose = (wanted: string) => chooseAddress(view, { ...request, wanted }, () => false)
  if (endpoint.ipAddress !== '') return choose(endpoint.ipAddress)
  const again = before === undefined ? undefined : choose(before.ipv4)
  return again === undefined || isProblem(again) ? choose('') : again
}

/** Networks that users made may have IPv6. */
function chooseIpv6(view: View, network: string): string | Problem {
  if (view.networks.get(network)?.ipv6Subnet === '') return ''
  return chooseAddress(view, { networkKey: network, groupKey: '', family: 'ipv6', wanted: '' }, () => false)
}

function createInfraNetwork(view: View, network: IntentInfraNetwork, options: IntentOptions): Outcome {
  const { name, pktTagType, pktTag } = network
  const made = recordOnly({ kind: 'infraNetwork', key: name, value: network })
  if (pktTag === 0) return made
  const pool = poolOf(network, options)
  const owner = view.numbers[pool].ownerOf(pktTag)
  if (owner !== undefined) {
    const message = `${pool.toUpperCase()} ${pktTag} of infra network ${name} is used by network ${owner}; choose another`
    return problem('conflict', 'TAG_IN_USE', message, { network: owner, pktTagType })
  }
  if (pool === 'vlan' && pktTag > 4_094) {
    const message = `infra network ${name} asks for VLAN ${pktTag}; choose one from 1 to 4094`
    return problem('invalid', 'TAG_OUT_OF_RANGE', message, { field: 'PktTag' })
  }
  return { ...made, grants: [{ kind: 'number', pool, number: pktTag, owner: infraOwner(name) }] }
}

function removeInfraNetwork(view: View, name: string): Outcome {
  const owner = infraOwner(name)
  const removed = recordOnly({ kind: 'infraNetwork', key: name, value: null })
  const tag = view.objects.infraNetwork.get(name)?.pktTag ?? 0
  const pools = (['vlan', 'vni'] as const).filter((pool) => view.numbers[pool].ownerOf(tag) === owner)
  return { ...removed, grants: pools.map((pool) => ({ kind: 'number', pool, number: tag, owner: null })) }
}

/** As a holder of tags: no network has a name without tenant. */
function infraOwner(name: string): string {
  return `infra ${name}`
}

function poolOf({ pktTagType }: InfraNetworkRecord, { defaultEncap }: IntentOptions): 'vlan' | 'vni' {
  return (pktTagType || defaultEncap) === 'vlan' ? 'vlan' : 'vni'
}
