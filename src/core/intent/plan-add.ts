// What the document names is added to what is there; the same document again changes nothing. What is there already must
// agree with what the document says of it. Networks that users made may be named, to put endpoints on them.

import type { Problem } from '../../lib/errors.ts'
import { isProblem, problem } from '../../model/body.ts'
import type { Intent, IntentTenant } from '../../model/intent.ts'
import { hasNat } from '../../model/nat.ts'
import { encapTag, networkKey } from '../../model/network.ts'
import type { EndpointRecord, NetworkRecord } from '../../model/state.ts'
import type { Cluster, EndpointStep, Plan, PlanOptions, Step } from './plan.ts'
import { endpointsOf, mergeBindings, notInDocument, planBindings } from './plan-bindings.ts'
import { unknownDefault } from './plan-desired.ts'
import { describeUnderlay, underlaySteps } from './plan-underlay.ts'
import {
  completePools,
  createSteps,
  endpointStep,
  fixedInAutomatic,
  resolveWanted,
  type Wanted,
  type WantedEndpoint,
  type WantedNetwork,
  type WantedTenant,
} from './wanted.ts'

export function planAdd(cluster: Cluster, document: Intent, options: PlanOptions): Plan | Problem {
  const { intent, rest } = mergeBindings(document)
  const wanted = resolveWanted(cluster, intent, options, (tenant) => resolveTenant(cluster, tenant))
  if (isProblem(wanted)) return wanted
  const networks = newNetworks(cluster, wanted)
  if (isProblem(networks)) return networks
  const endpoints = newEndpoints(cluster, wanted, document)
  if (isProblem(endpoints)) return endpoints
  const underlay = underlaySteps(cluster, intent, 'add')
  if (isProblem(underlay)) return underlay
  const unknown = rest.find(({ container }) => endpointsOf(cluster, container).length === 0)
  if (unknown !== undefined) return notInDocument(unknown.container)
  const bound = planBindings(
    cluster,
    document.bindings.filter(({ container }) => endpointsOf(cluster, container).length > 0),
  )
  if (isProblem(bound)) return bound
  return {
    steps: [...underlay, ...putTenants(cluster, wanted), ...createSteps(networks, endpoints), ...bound.steps],
    kept: [],
    notes: [...describeUnderlay(cluster, intent), ...wanted.notes],
  }
}

/** What a tenant has already counts; the document must not say otherwise. */
function resolveTenant(cluster: Cluster, intent: IntentTenant): WantedTenant | Problem {
  const { name } = intent
  const record = cluster.tenants.get(name)
  const there = [...cluster.networks.values()].filter(({ tenantName }) => tenantName === name)
  const names = intent.networks.map((network) => network.name)
  if (intent.defaultNetwork !== '') {
    const known =
      names.includes(intent.defaultNetwork) || there.some((each) => each.networkName === intent.defaultNetwork)
    if (!known) return unknownDefault(name, intent.defaultNetwork)
  }
  const kept = record?.defaultNetwork ?? ''
  if (kept !== '' && intent.defaultNetwork !== '' && kept !== intent.defaultNetwork) {
    return differs(`tenant ${name}`, 'DefaultNetwork', kept, intent.defaultNetwork)
  }
  const first = there.length === 0 ? (names[0] ?? '') : ''
  const defaultNetwork = kept || intent.defaultNetwork || first
  if (record?.pools === undefined) return { intent, pools: completePools(intent.pools), defaultNetwork }
  for (const [field, written] of poolFields) {
    const given = intent.pools[field]
    if (given === '' || given === 0 || given === record.pools[field]) continue
    return differs(`tenant ${name}`, written, String(record.pools[field]), String(given))
  }
  return { intent, pools: record.pools, defaultNetwork }
}

const poolFields = [
  ['subnetPool', 'SubnetPool'],
  ['allocSubnetLen', 'AllocSubnetLen'],
  ['vlans', 'VLANs'],
  ['vxlans', 'VXLANs'],
  ['defaultNetType', 'DefaultNetType'],
] as const

function newNetworks(cluster: Cluster, wanted: Wanted): WantedNetwork[] | Problem {
  const fresh: WantedNetwork[] = []
  for (const [key, each] of wanted.networks) {
    const record = cluster.networks.get(key)
    if (record === undefined) fresh.push(each)
    else {
      const refused = contradicts(record, each)
      if (refused !== undefined) return refused
    }
  }
  return fresh
}

/** Compares only what the document says of the network itself. */
function contradicts(record: NetworkRecord, { key, network }: WantedNetwork): Problem | undefined {
  const what = `network ${key}`
  const { pktTagType, pktTag, subnet, gateway, multicast, nat } = network
  const tag = encapTag(record.encap)
  if (pktTagType !== '' && pktTagType !== record.encap.kind) {
    return differs(what, 'PktTagType', record.encap.kind, pktTagType)
  }
  if (pktTag !== 0 && pktTag !== tag) return differs(what, 'PktTag', String(tag), String(pktTag))
  if (subnet !== '' && subnet !== record.subnet) return differs(what, 'SubnetCIDR', record.subnet, subnet)
  if (gateway !== '' && gateway !== record.gateway) return differs(what, 'Gateway', record.gateway, gateway)
  if (multicast !== '' && multicast !== record.multicast) {
    return differs(what, 'Multicast', record.multicast ?? 'not set', multicast)
  }
  const opened = hasNat(record) ? 'on' : 'off'
  if (nat !== '' && nat !== opened) return differs(what, 'Nat', opened, nat)
  return undefined
}

/** `document`: as it was written, without its host bindings laid over its endpoints. */
function newEndpoints(cluster: Cluster, wanted: Wanted, document: Intent): EndpointStep[] | Problem {
  const fresh: EndpointStep[] = []
  const rebound = new Set(document.bindings.map(({ container }) => container))
  for (const each of wanted.endpoints.values()) {
    const record = cluster.endpoints.get(each.id)
    const known = cluster.networks.has(each.in.key)
    const refused =
      record === undefined
        ? known
          ? undefined
          : fixedInAutomatic(each)
        : disagrees(record, each, rebound.has(each.endpoint.container))
    if (refused !== undefined) return refused
    if (record === undefined) fresh.push(endpointStep(each, undefined))
  }
  return fresh
}

function disagrees(record: EndpointRecord, { id, in: { key }, endpoint }: WantedEndpoint, rebound: boolean) {
  const what = `endpoint ${id}`
  const holder = networkKey(record.tenantName, record.networkName)
  if (record.origin !== 'intent' || holder !== key) {
    const message = `${what} exists on network ${holder} already; rename the container, or one of the networks`
    return problem('conflict', 'NAME_NOT_OF_INTENT', message, { endpoint: id })
  }
  const { host = '', attachUuid = '', alias = '' } = record.binding ?? {}
  const { ipAddress } = endpoint
  if (ipAddress !== '' && ipAddress !== record.ipv4) return differs(what, 'IPAddress', record.ipv4, ipAddress)
  if (endpoint.alias !== '' && endpoint.alias !== alias) return differs(what, 'ID', alias, endpoint.alias)
  if (rebound) return undefined
  if (endpoint.host !== '' && endpoint.host !== host) return differs(what, 'Host', host, endpoint.host)
  if (endpoint.attachUuid !== '' && endpoint.attachUuid !== attachUuid) {
    return differs(what, 'AttachUUID', attachUuid, endpoint.attachUuid)
  }
  return undefined
}

function putTenants(cluster: Cluster, wanted: Wanted): Step[] {
  const steps: Step[] = []
  for (const [name, { intent, pools, defaultNetwork }] of wanted.tenants) {
    const record = cluster.tenants.get(name)
    const shown = record !== undefined && record.origin !== 'intent' ? record.defaultNetwork : defaultNetwork
    const given = poolFields.some(([field]) => intent.pools[field] !== '' && intent.pools[field] !== 0)
    // Who only puts endpoints on a network that a user made leaves the user's tenant alone.
    const pooled = record !== undefined && (record.pools !== undefined || !given)
    if (pooled && record.defaultNetwork === shown) continue
    steps.push({ kind: 'put-tenant', name, pools, defaultNetwork: shown })
  }
  return steps
}

function differs(what: string, field: string, has: string, wants: string): Problem {
  const is = has === '' ? 'none' : has
  const message = `${what} has ${field} ${is}, the document says ${wants}; adding changes nothing: correct the document, or load the whole intent with netdcli -cfg`
  return problem('conflict', 'INTENT_DIFFERS', message, { field, has, wants })
}
