// Where copies go of what is sent to groups of a network: to the endpoints here that listen, and to the hosts that have some.
// Not knowing means everything: whoever has not said what he listens to gets all of it.

import { appendTo } from '../../lib/append.ts'
import { sameItems } from '../../lib/same.ts'
import type { HostMembers } from '../../model/multicast.ts'
import type { ClusterState } from '../../model/state.ts'
import type { LocalEndpoint, NetworkView, RemoteEndpoint } from './node-network.ts'

/** Of one network. */
export interface MembersHere {
  /** Endpoints that get whatever is sent. */
  readonly everything: ReadonlySet<string>
  /** Endpoints by group. */
  readonly groups: ReadonlyMap<string, ReadonlySet<string>>
}

/** By network, `tenant:network`; those that are missing are not known. */
export interface KnownMembers {
  readonly here: ReadonlyMap<string, MembersHere>
  /** By network and host. */
  readonly elsewhere: ReadonlyMap<string, ReadonlyMap<string, HostMembers>>
}

export const nothingKnown: KnownMembers = { here: new Map(), elsewhere: new Map() }

/** Some members of a network: endpoints of this node, and tunnel ends of others. Sorted. */
export interface Receivers {
  readonly endpoints: readonly string[]
  readonly vteps: readonly string[]
}

export interface MulticastView {
  readonly network: NetworkView
  /** They get what is sent to whatever group. */
  readonly everything: Receivers
  /** More of them, by group. */
  readonly groups: ReadonlyMap<string, Receivers>
}

/** Groups of one network that get flows of their own; where there are more, everybody gets everything. */
export const maxGroupFlows = 4_096

interface Cached {
  readonly inputs: readonly unknown[]
  readonly view: MulticastView | undefined
}

interface Inputs {
  readonly local: ReadonlyMap<string, LocalEndpoint>
  readonly remote: ReadonlyMap<string, RemoteEndpoint>
  readonly networks: ReadonlyMap<string, NetworkView>
}

export class MulticastCompiler {
  #cached = new Map<string, Cached>()
  #hosts:
    | { readonly inputs: readonly unknown[]; readonly of: ReadonlyMap<string, ReadonlyMap<string, string>> }
    | undefined
  #ids: { readonly local: Inputs['local']; readonly of: ReadonlyMap<string, readonly string[]> } | undefined
  #views: ReadonlyMap<string, MulticastView> = new Map()

  /** Networks in which groups go to their members only; those in which everybody gets everything are left out. */
  compile(
    state: ClusterState,
    { local, remote, networks }: Inputs,
    known: KnownMembers,
  ): ReadonlyMap<string, MulticastView> {
    const cached = new Map<string, Cached>()
    const views = new Map<string, MulticastView>()
    for (const [key, network] of networks) {
      const here = known.here.get(key)
      if (network.multicast !== 'snoop' || here === undefined) continue
      const ids = this.#endpointsOf(local).get(key) ?? []
      const hosts = network.encap.kind === 'vlan' ? noHosts : (this.#hostsOf(state, remote).get(key) ?? noHosts)
      const inputs = [network, here, known.elsewhere.get(key), ids.join(' '), [...hosts].flat().join(' ')]
      const last = this.#cached.get(key)
      const same = last !== undefined && sameItems(last.inputs, inputs)
      const entry = same ? last : { inputs, view: viewOf(network, ids, hosts, here, known.elsewhere.get(key)) }
      cached.set(key, entry)
      if (entry.view !== undefined) views.set(key, entry.view)
    }
    this.#cached = cached
    const unchanged = sameItems([...this.#views].flat(), [...views].flat())
    if (!unchanged) this.#views = views
    return this.#views
  }

  #endpointsOf(local: Inputs['local']): ReadonlyMap<string, readonly string[]> {
    if (this.#ids?.local === local) return this.#ids.of
    const of = new Map<string, string[]>()
    for (const { endpointId, network } of local.values()) appendTo(of, network.key, endpointId)
    this.#ids = { local, of }
    return of
  }

  /** Tunnel ends by node, of the nodes that have endpoints of a network. */
  #hostsOf({ nodes }: ClusterState, remote: Inputs['remote']): ReadonlyMap<string, ReadonlyMap<string, string>> {
    const inputs = [nodes, remote]
    if (this.#hosts !== undefined && sameItems(this.#hosts.inputs, inputs)) return this.#hosts.of
    const of = new Map<string, Map<string, string>>()
    for (const { network, node, vtep } of remote.values()) {
      if (vtep === '') continue
      const hosts = of.get(network.key) ?? new Map<string, string>()
      of.set(network.key, hosts.set(node, vtep))
    }
    this.#hosts = { inputs, of }
    return of
  }
}

const noHosts: ReadonlyMap<string, string> = new Map()

function viewOf(
  network: NetworkView,
  ids: readonly string[],
  hosts: ReadonlyMap<string, string>,
  here: MembersHere,
  elsewhere: ReadonlyMap<string, HostMembers> = new Map(),
): MulticastView | undefined {
  const isHere = new Set(ids)
  const groups = new Map<string, { endpoints: string[]; vteps: string[] }>()
  const inGroup = (group: string) => {
    const receivers = groups.get(group) ?? { endpoints: [], vteps: [] }
    groups.set(group, receivers)
    return receivers
  }
  for (const [group, members] of here.groups) {
    const present = [...members].filter((id) => isHere.has(id))
    if (present.length > 0) inGroup(group).endpoints.push(...present)
  }
  const unknown: string[] = []
  for (const [node, vtep] of hosts) {
    const said = elsewhere.get(node)
    if (said === undefined || said.everything) unknown.push(vtep)
    for (const group of said?.groups ?? []) inGroup(group).vteps.push(vtep)
  }
  if (groups.size > maxGroupFlows) return undefined
  return {
    network,
    everything: sorted({ endpoints: [...here.everything].filter((id) => isHere.has(id)), vteps: unknown }),
    groups: new Map([...groups].sort(([a], [b]) => (a < b ? -1 : 1)).map(([group, to]) => [group, sorted(to)])),
  }
}

function sorted({ endpoints, vteps }: Receivers): Receivers {
  return { endpoints: [...new Set(endpoints)].sort(), vteps: [...new Set(vteps)].sort() }
}
