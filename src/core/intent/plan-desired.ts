// The document is what intents shall have made, no more and no less: what it does not name goes, what differs is made
// anew, everything else stays untouched. What users and runtimes made is never removed.

import type { Problem } from '../../lib/errors.ts'
import { isProblem, problem } from '../../model/body.ts'
import type { Intent, IntentTenant } from '../../model/intent.ts'
import { encapTag, networkKey } from '../../model/network.ts'
import type { EndpointRecord, NetworkRecord } from '../../model/state.ts'
import { contains, overlaps } from '../allocate/intervals.ts'
import { parseIpv4Subnet } from '../allocate/subnet.ts'
import type { Cluster, EndpointStep, Plan, PlanOptions, Step } from './plan.ts'
import { bindingStep, mergeBindings, notInDocument, sameBinding } from './plan-bindings.ts'
import { describeUnderlay, underlaySteps } from './plan-underlay.ts'
import { isSlice, lastUsable } from './slices.ts'
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

export function planDesired(cluster: Cluster, document: Intent, options: PlanOptions): Plan | Problem {
  const { intent, rest } = mergeBindings(document)
  const [unknown] = rest
  if (unknown !== undefined) return notInDocument(unknown.container)
  const wanted = resolveWanted(cluster, intent, options, resolveTenant)
  if (isProblem(wanted)) return wanted
  const refused = findCollision(cluster, wanted)
  if (refused !== undefined) return refused
  const networks = sortNetworks(cluster, wanted)
  const endpoints = sortEndpoints(cluster, wanted, networks.gone)
  const underlay = underlaySteps(cluster, intent, 'desired')
  if (isProblem(underlay)) return underlay
  return {
    steps: [
      ...[...endpoints.gone].map((id) => ({ kind: 'remove-endpoint', id }) as const),
      ...[...networks.gone].map((key) => ({ kind: 'remove-network', key }) as const),
      ...removeTenants(cluster, wanted),
      ...underlay,
      ...putTenants(cluster, wanted),
      ...createSteps(networks.create, endpoints.create),
      ...endpoints.bind,
    ],
    kept: [],
    notes: [...describeUnderlay(cluster, intent), ...wanted.notes],
  }
}

/** All there is to know of a tenant stands in the document. */
function resolveTenant(intent: IntentTenant): WantedTenant | Problem {
  const names = intent.networks.map(({ name }) => name)
  const defaultNetwork = intent.defaultNetwork === '' ? (names[0] ?? '') : intent.defaultNetwork
  if (defaultNetwork !== '' && !names.includes(defaultNetwork)) return unknownDefault(intent.name, defaultNetwork)
  return { intent, pools: completePools(intent.pools), defaultNetwork }
}

export function unknownDefault(tenant: string, network: string): Problem {
  const message = `DefaultNetwork ${network} of tenant ${tenant} is none of its networks; correct the name, or add the network`
  return problem('invalid', 'UNKNOWN_DEFAULT_NETWORK', message, { tenant, network })
}

function findCollision(cluster: Cluster, wanted: Wanted): Problem | undefined {
  for (const key of wanted.networks.keys()) {
    const record = cluster.networks.get(key)
    if (record === undefined || record.origin === 'intent') continue
    const message = `network ${key} exists and was not made by an intent; rename it in the document, or remove it with netctl network rm first`
    return problem('conflict', 'NAME_NOT_OF_INTENT', message, { network: key })
  }
  for (const each of wanted.endpoints.values()) {
    const refused = fixedInAutomatic(each) ?? takenId(cluster, each)
    if (refused !== undefined) return refused
  }
  return undefined
}

function takenId(cluster: Cluster, { id }: WantedEndpoint): Problem | undefined {
  const record = cluster.endpoints.get(id)
  // Of an intent: it stays, or goes because its network is not in the document.
  if (record === undefined || record.origin === 'intent') return undefined
  const holder = networkKey(record.tenantName, record.networkName)
  const message = `endpoint ${id} exists on network ${holder} and was not made by an intent; rename the container in the document`
  return problem('conflict', 'NAME_NOT_OF_INTENT', message, { endpoint: id })
}

/** Networks to remove, by key, and networks to make; one that differs is both. */
function sortNetworks(cluster: Cluster, wanted: Wanted) {
  const gone = new Set<string>()
  const create: WantedNetwork[] = []
  for (const [key, record] of cluster.networks) {
    if (record.origin !== 'intent') continue
    const network = wanted.networks.get(key)
    if (network === undefined || !fits(record, network)) gone.add(key)
  }
  for (const [key, network] of wanted.networks) if (!cluster.networks.has(key) || gone.has(key)) create.push(network)
  return { gone, create }
}

/** Whether a network is one that its description could lead to. */
function fits(record: NetworkRecord, { step }: WantedNetwork): boolean {
  const tag = encapTag(record.encap)
  if (step.multicast !== '' && step.multicast !== record.multicast) return false
  if (record.encap.kind !== step.encap || (record.nat === 'off') !== (step.nat === 'off')) return false
  if (step.tag === 0 ? !step.tags.some((range) => contains(range, tag)) : step.tag !== tag) return false
  if (step.subnet !== '') return record.subnet === step.subnet && record.gateway === step.gateway
  if (!isSlice(step.slices, record.subnet)) return false
  const subnet = parseIpv4Subnet(record.subnet)
  if (isProblem(subnet) || step.claimed.some((claimed) => overlaps(claimed, subnet.claimed))) return false
  return record.gateway === (step.automaticGateway ? lastUsable(record.subnet) : '')
}

/** Endpoints to remove, by id, to make, and to bind to another container; one that is made anew is also removed. */
function sortEndpoints(cluster: Cluster, wanted: Wanted, goneNetworks: ReadonlySet<string>) {
  const gone = new Set<string>()
  const create: EndpointStep[] = []
  const bind: Step[] = []
  const asked = addressesAsked(wanted)
  for (const [id, record] of cluster.endpoints) {
    if (record.origin !== 'intent') continue
    const network = networkKey(record.tenantName, record.networkName)
    const endpoint = wanted.endpoints.get(id)
    const stays = endpoint !== undefined && endpoint.in.key === network && !goneNetworks.has(network)
    if (!stays || !keepsAddress(record, endpoint, asked)) gone.add(id)
  }
  for (const [id, endpoint] of wanted.endpoints) {
    const record = cluster.endpoints.get(id)
    if (record === undefined || gone.has(id)) create.push(endpointStep(endpoint, record))
    else if (!sameBinding(record, endpoint.endpoint)) bind.push(bindingStep(record, endpoint.endpoint))
  }
  return { gone, create, bind }
}

/** Who asks for an address by number, by `network/address`. */
function addressesAsked(wanted: Wanted): ReadonlyMap<string, string> {
  const asked = new Map<string, string>()
  for (const {
    id,
    in: { key },
    endpoint,
  } of wanted.endpoints.values()) {
    if (endpoint.ipAddress !== '') asked.set(`${key}/${endpoint.ipAddress}`, id)
  }
  return asked
}

function keepsAddress(record: EndpointRecord, wanted: WantedEndpoint, asked: ReadonlyMap<string, string>): boolean {
  const { ipAddress } = wanted.endpoint
  if (record.groupName !== wanted.groupName) return false
  if (ipAddress !== '') return record.ipv4 === ipAddress
  return !asked.has(`${wanted.in.key}/${record.ipv4}`)
}

function removeTenants(cluster: Cluster, wanted: Wanted): Step[] {
  const steps: Step[] = []
  for (const [name, record] of cluster.tenants) {
    if (wanted.tenants.has(name)) continue
    if (record.origin === 'intent') steps.push({ kind: 'remove-tenant', name })
    else if (record.pools !== undefined) {
      steps.push({ kind: 'put-tenant', name, pools: null, defaultNetwork: record.defaultNetwork })
    }
  }
  return steps
}

function putTenants(cluster: Cluster, wanted: Wanted): Step[] {
  const steps: Step[] = []
  for (const [name, { pools, defaultNetwork }] of wanted.tenants) {
    const record = cluster.tenants.get(name)
    // The default network of a tenant that a user made is the user's to say.
    const shown = record !== undefined && record.origin !== 'intent' ? record.defaultNetwork : defaultNetwork
    if (JSON.stringify(record?.pools) === JSON.stringify(pools) && record?.defaultNetwork === shown) continue
    steps.push({ kind: 'put-tenant', name, pools, defaultNetwork: shown })
  }
  return steps
}
