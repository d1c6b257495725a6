// Who is reached when something is sent to several members of a network: ports of this node, and tunnel ends of others.

import { appendTo } from '../../lib/append.ts'
import type { Receivers } from '../compile/node-multicast.ts'
import type { NetworkView, NodeNetwork } from '../compile/node-network.ts'
import type { SwitchFacts } from './facts.ts'
import type { BroadcastDomain, Receiving } from './features/copies.ts'

const empty: BroadcastDomain = { localPorts: [], guarded: new Map(), vteps: [] }

/** Of all networks in which something is sent to several; made when the first is asked for. */
export class Domains {
  readonly #network: NodeNetwork
  readonly #facts: SwitchFacts
  #byId: ReadonlyMap<number, BroadcastDomain> | undefined

  constructor(network: NodeNetwork, facts: SwitchFacts) {
    this.#network = network
    this.#facts = facts
  }

  of({ networkId }: NetworkView): BroadcastDomain {
    this.#byId ??= domainsOf(this.#network, this.#facts)
    return this.#byId.get(networkId) ?? empty
  }

  /** The ports and tunnel ends of some members, and of those that get everything. Members without port are left out. */
  receiving({ endpoints, vteps }: Receivers, everything?: Receiving): Receiving {
    const { local } = this.#network
    const { ofPorts } = this.#facts
    const ports = endpoints.flatMap((id) => ofPorts.get(local.get(id)?.portName ?? '') ?? [])
    return {
      ports: [...new Set([...ports, ...(everything?.ports ?? [])])].sort((a, b) => a - b),
      vteps: [...new Set([...vteps, ...(everything?.vteps ?? [])])].sort(),
      wire: true,
    }
  }
}

/** The same for domains that are the same. */
export function textOf({ localPorts, guarded, vteps }: BroadcastDomain): string {
  return [localPorts, [...guarded].flat(), vteps].map((list) => list.join(' ')).join(' / ')
}

/** Local ports and remote tunnel ends by network id. */
function domainsOf(network: NodeNetwork, facts: SwitchFacts): ReadonlyMap<number, BroadcastDomain> {
  const ports = new Map<number, number[]>()
  const guarded = new Map<number, [port: number, groupId: number][]>()
  const groups = new Set(network.policy?.groups.map(({ groupId }) => groupId))
  const vteps = new Map<number, Set<string>>()
  const hasCopies = ({ network: { routed, multicast } }: { readonly network: NetworkView }) =>
    !routed || multicast !== 'off'
  for (const endpoint of network.local.values()) {
    const port = facts.ofPorts.get(endpoint.portName)
    if (!hasCopies(endpoint) || port === undefined) continue
    appendTo(ports, endpoint.network.networkId, port)
    if (groups.has(endpoint.groupId)) appendTo(guarded, endpoint.network.networkId, [port, endpoint.groupId])
  }
  for (const endpoint of network.remote.values()) {
    if (!hasCopies(endpoint) || endpoint.vtep === '') continue
    const id = endpoint.network.networkId
    vteps.set(id, (vteps.get(id) ?? new Set<string>()).add(endpoint.vtep))
  }
  const domains = new Map<number, BroadcastDomain>()
  for (const id of new Set([...ports.keys(), ...vteps.keys()])) {
    domains.set(id, {
      localPorts: (ports.get(id) ?? []).sort((a, b) => a - b),
      guarded: new Map((guarded.get(id) ?? []).sort(([a], [b]) => a - b)),
      vteps: [...(vteps.get(id) ?? [])].sort(),
    })
  }
  return domains
}
