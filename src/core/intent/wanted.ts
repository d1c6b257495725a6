// What an intent asks for, resolved: every network with its encapsulation, its sources of tags and addresses, every
// endpoint with its id and group.

import type { Problem } from '../../lib/errors.ts'
import { isProblem, problem } from '../../model/body.ts'
import { parseTagRange } from '../../model/global.ts'
import {
  defaultPools,
  type Intent,
  type IntentEndpoint,
  type IntentNetwork,
  type IntentTenant,
  intentEndpointId,
} from '../../model/intent.ts'
import type { TenantPools } from '../../model/intent-records.ts'
import { networkKey } from '../../model/network.ts'
import type { Encap, GlobalRecord } from '../../model/state.ts'
import { subtractIntervals } from '../allocate/intervals.ts'
import type { Interval } from '../allocate/number-set.ts'
import { parseIpv4Subnet } from '../allocate/subnet.ts'
import { tagRangesOf } from './parse-pools.ts'
import type { Cluster, EndpointStep, NetworkStep, PlanOptions, Step } from './plan.ts'

export interface WantedTenant {
  readonly intent: IntentTenant
  readonly pools: TenantPools
  /** Empty: none. */
  readonly defaultNetwork: string
}

export interface WantedNetwork {
  readonly key: string
  readonly tenant: WantedTenant
  readonly network: IntentNetwork
  readonly step: NetworkStep
}

export interface WantedEndpoint {
  readonly id: string
  readonly in: WantedNetwork
  readonly endpoint: IntentEndpoint
  readonly groupName: string
}

export interface Wanted {
  readonly tenants: ReadonlyMap<string, WantedTenant>
  readonly networks: ReadonlyMap<string, WantedNetwork>
  readonly endpoints: ReadonlyMap<string, WantedEndpoint>
  readonly notes: readonly string[]
}

/** Pools with what the document leaves open filled in. */
export function completePools(pools: TenantPools): TenantPools {
  const subnetPool = pools.subnetPool === '' ? defaultPools.subnetPool : pools.subnetPool
  const poolLength = Number(subnetPool.split('/')[1])
  const allocSubnetLen =
    pools.allocSubnetLen === 0 ? Math.max(defaultPools.allocSubnetLen, poolLength) : pools.allocSubnetLen
  return { ...pools, subnetPool, allocSubnetLen }
}

/** `resolve` says which pools and which default network hold for a tenant. */
export function resolveWanted(
  cluster: Cluster,
  intent: Intent,
  options: PlanOptions,
  resolve: (tenant: IntentTenant) => WantedTenant | Problem,
): Wanted | Problem {
  const tenants = new Map<string, WantedTenant>()
  for (const tenant of intent.tenants) {
    const wanted = resolve(tenant)
    if (isProblem(wanted)) return wanted
    tenants.set(tenant.name, wanted)
  }
  const claims = claimsOf(intent, tenants, options)
  const networks = new Map<string, WantedNetwork>()
  const endpoints = new Map<string, WantedEndpoint>()
  const notes: string[] = []
  for (const tenant of tenants.values()) {
    for (const network of tenant.intent.networks) {
      const key = networkKey(tenant.intent.name, network.name)
      const wanted = { key, tenant, network, step: networkStep(cluster.global, tenant, network, claims, options) }
      networks.set(key, wanted)
      for (const endpoint of network.endpoints) {
        const id = intentEndpointId(network.name, tenant.intent.name, endpoint.container)
        const other = endpoints.get(id)
        if (other !== undefined) return sameId(id, key, other.in.key)
        const groupName = groupOf(cluster, key, endpoint.serviceName)
        if (groupName === '' && endpoint.serviceName !== '') notes.push(noSuchGroup(id, key, endpoint.serviceName))
        endpoints.set(id, { id, in: wanted, endpoint, groupName })
      }
    }
  }
  return { tenants, networks, endpoints, notes }
}

export function encapOf(network: IntentNetwork, pools: TenantPools, options: PlanOptions): Encap['kind'] {
  return network.pktTagType || pools.defaultNetType || options.defaultEncap
}

/** Networks for the steps, after tenants; endpoints with an address of their own go before those that take any. */
export function createSteps(networks: readonly WantedNetwork[], endpoints: readonly EndpointStep[]): Step[] {
  const fixed = endpoints.filter(({ endpoint }) => endpoint.ipAddress !== '')
  const free = endpoints.filter(({ endpoint }) => endpoint.ipAddress === '')
  return [
    ...networks.map(({ step }) => ({ kind: 'create-network', network: step }) as const),
    ...[...fixed, ...free].map((endpoint) => ({ kind: 'create-endpoint', endpoint }) as const),
  ]
}

export function endpointStep(wanted: WantedEndpoint, before: EndpointStep['before']): EndpointStep {
  const { endpoint, groupName } = wanted
  return { tenant: wanted.in.tenant.intent.name, network: wanted.in.network.name, endpoint, groupName, before }
}

/** An address can only be fixed in a subnet that is known when the document is written. */
export function fixedInAutomatic({ id, endpoint, in: { network, key } }: WantedEndpoint): Problem | undefined {
  if (endpoint.ipAddress === '' || network.subnet !== '') return undefined
  const message = `endpoint ${id} asks for ${endpoint.ipAddress}, but the subnet of network ${key} is chosen automatically; give the network SubnetCIDR, or leave IPAddress out`
  return problem('invalid', 'ADDRESS_IN_AUTOMATIC_SUBNET', message, { endpoint: id })
}

/** What the documents' networks and infra networks ask for by number, which no automatic choice may take. */
interface Claims {
  readonly tags: Readonly<Record<Encap['kind'], readonly Interval[]>>
  /** By tenant. */
  readonly subnets: ReadonlyMap<string, readonly Interval[]>
}

function claimsOf(intent: Intent, tenants: ReadonlyMap<string, WantedTenant>, options: PlanOptions): Claims {
  const tags = { vlan: new Set<number>(), vxlan: new Set<number>() }
  const subnets = new Map<string, Interval[]>()
  for (const { pktTagType, pktTag } of intent.infraNetworks) {
    if (pktTag !== 0) tags[pktTagType || options.defaultEncap].add(pktTag)
  }
  for (const { intent: tenant, pools } of tenants.values()) {
    const claimed: Interval[] = []
    for (const network of tenant.networks) {
      if (network.pktTag !== 0) tags[encapOf(network, pools, options)].add(network.pktTag)
      const subnet = network.subnet === '' ? undefined : parseIpv4Subnet(network.subnet)
      if (subnet !== undefined && !isProblem(subnet)) claimed.push(subnet.claimed)
    }
    subnets.set(tenant.name, claimed)
  }
  return { tags: { vlan: sorted(tags.vlan), vxlan: sorted(tags.vxlan) }, subnets }
}

function sorted(tags: ReadonlySet<number>): Interval[] {
  return [...tags].sort((a, b) => a - b).map((tag) => ({ first: tag, last: tag }))
}

function networkStep(
  global: GlobalRecord,
  tenant: WantedTenant,
  network: IntentNetwork,
  claims: Claims,
  options: PlanOptions,
): NetworkStep {
  const { pools, intent } = tenant
  const encap = encapOf(network, pools, options)
  const own = encap === 'vlan' ? pools.vlans : pools.vxlans
  const ranges = own === '' ? clusterRange(global, encap) : tagRangesOf(own)
  // The limit of IEEE 802.1Q, whatever the document says.
  const usable = encap === 'vlan' ? ranges.map(({ first, last }) => ({ first, last: Math.min(last, 4_094) })) : ranges
  const automatic = network.subnet === ''
  return {
    tenant: intent.name,
    name: network.name,
    encap,
    tag: network.pktTag,
    tags: network.pktTag !== 0 ? usable : usable.flatMap((range) => subtractIntervals(range, claims.tags[encap])),
    tagSource: own === '' ? "the cluster's range" : `the range of tenant ${intent.name}`,
    subnet: network.subnet,
    slices: { pool: pools.subnetPool, length: network.sliceLength || pools.allocSubnetLen },
    claimed: claims.subnets.get(intent.name) ?? [],
    gateway: network.gateway,
    automaticGateway: automatic && network.gateway === '' && tenant.defaultNetwork === network.name,
    multicast: network.multicast,
    nat: network.nat,
  }
}

function clusterRange(global: GlobalRecord, encap: Encap['kind']): Interval[] {
  const field = encap === 'vlan' ? 'vlans' : 'vxlans'
  const range = parseTagRange(field, global[field])
  return isProblem(range) ? [] : [range]
}

/** The group of that name, when the network has one. */
function groupOf(cluster: Cluster, network: string, serviceName: string): string {
  const [tenant = '', name = ''] = network.split(':')
  const group = cluster.groups.get(`${tenant}:${serviceName}`)
  return group !== undefined && group.networkName === name ? serviceName : ''
}

function noSuchGroup(id: string, network: string, serviceName: string): string {
  return `ServiceName ${serviceName} of endpoint ${id} names no endpoint group of network ${network}; the endpoint is in no group`
}

function sameId(id: string, key: string, other: string): Problem {
  const message = `containers of networks ${key} and ${other} make the same endpoint id ${id}; rename one of the networks or containers`
  return problem('invalid', 'SAME_ENDPOINT_ID', message, { endpoint: id })
}
