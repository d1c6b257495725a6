// compileNode: cluster state -> what this node needs. A pure function; the `NodeCompiler` around it only remembers views
// of records that did not change, so that a second compile of nearly the same state costs little and returns the same
// objects. A property test holds incremental results equal to cold ones.

import { coveringPrefix } from '../../lib/address.ts'
import { hash53 } from '../../lib/hash.ts'
import { sameEntries, sameItems } from '../../lib/same.ts'
import { limitsOf } from '../../model/cni-endpoint.ts'
import { groupKey } from '../../model/endpoint-group.ts'
import { isHosts } from '../../model/host-endpoint.ts'
import { hasNat } from '../../model/nat.ts'
import { multicastOf } from '../../model/network.ts'
import type { ClusterState, EndpointRecord, GlobalRecord, NetworkRecord, TenantRecord } from '../../model/state.ts'
import { ungrouped } from '../pipeline/fields.ts'
import { type EndpointProfile, type GroupProfiles, ProfileCompiler } from './endpoint-profile.ts'
import { type KnownMembers, MulticastCompiler, nothingKnown } from './node-multicast.ts'
import type { LocalEndpoint, NetworkView, NodeNetwork, PortNames, RemoteEndpoint } from './node-network.ts'
import { OutsideCompiler } from './node-outside.ts'
import { PolicyCompiler } from './node-policy.ts'
import { ServiceCompiler } from './node-services.ts'
import { isWaiting } from './waiting.ts'

interface CachedNetwork {
  readonly record: NetworkRecord
  readonly global: GlobalRecord
  readonly tenant: TenantRecord
  readonly view: NetworkView
}

interface CachedEndpoint {
  readonly record: EndpointRecord
  readonly network: NetworkView
  readonly vtep: string
  readonly profile: EndpointProfile | undefined
  readonly view: LocalEndpoint | RemoteEndpoint
}

interface Endpoints {
  /** What they were compiled from. */
  readonly inputs: readonly unknown[]
  readonly local: ReadonlyMap<string, LocalEndpoint>
  readonly remote: ReadonlyMap<string, RemoteEndpoint>
  /** Networks that have any of them. */
  readonly networks: ReadonlyMap<string, NetworkView>
  readonly isMet: (network: NetworkView) => boolean
}

interface EndpointInputs {
  readonly views: ReadonlyMap<string, NetworkView>
  readonly profiles: GroupProfiles
  readonly namesOf: (endpointId: string) => PortNames
}

export class NodeCompiler {
  readonly #node: string
  #networks = new Map<string, CachedNetwork>()
  #views: ReadonlyMap<string, NetworkView> = new Map()
  #cached = new Map<string, CachedEndpoint>()
  #endpoints: Endpoints | undefined
  readonly #profiles = new ProfileCompiler()
  readonly #policy: PolicyCompiler
  readonly #services = new ServiceCompiler()
  readonly #multicast = new MulticastCompiler()
  readonly #outside = new OutsideCompiler()

  constructor(node: string) {
    this.#node = node
    this.#policy = new PolicyCompiler(node)
  }

  /** The node's network at this state. `namesOf` says which pair a local endpoint has, `members` who listens to which groups. */
  compile(
    state: ClusterState,
    namesOf: (endpointId: string) => PortNames = portNames,
    members: KnownMembers = nothingKnown,
  ): NodeNetwork {
    const views = this.#compileNetworks(state)
    const profiles = this.#profiles.compile(state)
    const inputs = [state.endpoints, state.nodes, views, profiles]
    const last = this.#endpoints
    const unchanged = last !== undefined && sameItems(last.inputs, inputs) && haveNames(last.local, namesOf)
    const endpoints = unchanged ? last : this.#compileEndpoints(state, { views, profiles, namesOf }, inputs)
    this.#endpoints = endpoints
    const { local, remote, networks, isMet } = endpoints
    const peers: string[] = []
    for (const node of state.nodes.values()) if (node.node !== this.#node && node.vtep !== '') peers.push(node.vtep)
    const vtep = state.nodes.get(this.#node)?.vtep ?? ''
    return {
      node: this.#node,
      revision: state.revision,
      vtep,
      pvtSubnet: state.global.pvtSubnet,
      networks,
      local,
      remote,
      peers: [...new Set(peers)].sort(),
      services: this.#services.compile(state, views, isMet),
      multicast: this.#multicast.compile(state, { local, remote, networks }, members),
      policy: this.#policy.compile(state, local, views, isMet),
      outside: this.#outside.compile(state, vtep, local),
    }
  }

  #compileEndpoints(
    state: ClusterState,
    { views, profiles, namesOf }: EndpointInputs,
    inputs: readonly unknown[],
  ): Endpoints {
    const isMet = this.#reach(state, views)
    const local = new Map<string, LocalEndpoint>()
    const remote = new Map<string, RemoteEndpoint>()
    const used = new Map<string, NetworkView>()
    const cache = new Map<string, CachedEndpoint>()
    for (const [id, record] of state.endpoints) {
      const network = views.get(`${record.tenantName}:${record.networkName}`)
      if (network === undefined || !isMet(network) || isWaiting(record)) continue
      const vtep = state.nodes.get(record.node)?.vtep ?? ''
      const names = record.node !== this.#node ? undefined : isHosts(record) ? ownNames(record) : namesOf(id)
      const group = names === undefined ? '' : record.groupName
      const profile = group === '' ? undefined : profiles.get(groupKey(record.tenantName, group))
      const previous = this.#cached.get(id)
      const sameNames = !previous?.view.local || previous.view.portName === names?.portName
      const samePlace = previous?.network === network && previous.vtep === vtep && sameNames
      const unchanged = previous?.record === record && samePlace && previous.profile === profile
      const view = unchanged ? previous.view : endpointView(record, network, { vtep, names, profile })
      cache.set(id, unchanged ? previous : { record, network, vtep, profile, view })
      if (view.local) local.set(id, view)
      else remote.set(id, view)
      used.set(network.key, network)
    }
    this.#cached = cache
    return { inputs, local, remote, networks: used, isMet }
  }

  #compileNetworks(state: ClusterState): ReadonlyMap<string, NetworkView> {
    const cache = new Map<string, CachedNetwork>()
    const views = new Map<string, NetworkView>()
    for (const [key, record] of state.networks) {
      const tenant = state.tenants.get(record.tenantName)
      if (tenant === undefined) continue
      const previous = this.#networks.get(key)
      const same = previous?.record === record && previous.global === state.global && previous.tenant === tenant
      const entry = same
        ? previous
        : { record, global: state.global, tenant, view: networkView(key, record, state.global, tenant) }
      cache.set(key, entry)
      views.set(key, entry.view)
    }
    this.#networks = cache
    if (!sameEntries(this.#views, views)) this.#views = views
    return this.#views
  }

  /** Which networks some local endpoint can meet: its own, and in routed ones all routed networks of its tenant. */
  #reach(state: ClusterState, networks: ReadonlyMap<string, NetworkView>): (network: NetworkView) => boolean {
    const ids = new Set<number>()
    const routedTenants = new Set<number>()
    for (const record of state.endpoints.values()) {
      if (record.node !== this.#node || isWaiting(record)) continue
      const network = networks.get(`${record.tenantName}:${record.networkName}`)
      if (network === undefined) continue
      ids.add(network.networkId)
      if (network.routed) routedTenants.add(network.tenantId)
    }
    return (network) => ids.has(network.networkId) || (network.routed && routedTenants.has(network.tenantId))
  }
}

function haveNames(local: Endpoints['local'], namesOf: (endpointId: string) => PortNames): boolean {
  for (const { endpointId, portName, isHost } of local.values()) {
    if (isHost === undefined && namesOf(endpointId).portName !== portName) return false
  }
  return true
}

/** The host's interface is called as its network is. */
function ownNames({ networkName }: EndpointRecord): PortNames {
  return { portName: networkName, peerName: '' }
}

/** `names`: of an endpoint of this node. */
function endpointView(
  record: EndpointRecord,
  network: NetworkView,
  { vtep, names, profile }: Pick<CachedEndpoint, 'vtep' | 'profile'> & { readonly names: PortNames | undefined },
): LocalEndpoint | RemoteEndpoint {
  const { endpointId, groupId, mac, ipv4, ipv6, node, published = [] } = record
  const common = { endpointId, network, groupId, mac, ipv4, ipv6 }
  if (names === undefined) return { ...common, local: false, node, vtep }
  const judged = groupId === 0 && network.defaultAction === 'deny' ? ungrouped : groupId
  const limits = limitsOf(record)
  const ofHost = isHosts(record) ? { isHost: true as const } : {}
  return {
    ...common,
    groupId: judged,
    local: true,
    ...ofHost,
    ...names,
    ...(profile === undefined ? {} : { profile }),
    ...(limits === undefined ? {} : { limits }),
    ...(published.length === 0 ? {} : { published }),
  }
}

/** Names of an endpoint's own veth pair: the same on every start. */
export function portNames(endpointId: string): PortNames {
  const suffix = hash53(endpointId).toString(36)
  return { portName: `vp${suffix}`, peerName: `np${suffix}` }
}

function networkView(key: string, record: NetworkRecord, global: GlobalRecord, tenant: TenantRecord): NetworkView {
  const vxlan = record.encap.kind === 'vxlan'
  const routed = vxlan && global.fwdMode === 'routing'
  return {
    key,
    tenantName: record.tenantName,
    tenantId: tenant.tenantId,
    networkId: record.networkId,
    encap: record.encap,
    routed,
    ownsGateway: vxlan,
    subnet: coveringPrefix(record.subnet),
    gateway: record.gateway,
    ipv6Subnet: record.ipv6Subnet,
    ipv6Gateway: record.ipv6Gateway,
    defaultAction: tenant.defaultAction ?? 'allow',
    proxyNeighbours: global.arpMode === 'proxy',
    multicast: multicastOf(record, global),
    nat: hasNat(record),
  }
}
