// NodeNetwork: everything one node needs to know to forward for its endpoints, and nothing else. Made by `compileNode`
// from the cluster state; rendered by core/pipeline for a switch. Objects are reused while their inputs are the same.

import type { EndpointLimits } from '../../model/cni-endpoint.ts'
import type { MulticastMode } from '../../model/multicast.ts'
import type { PublishedPort } from '../../model/published-port.ts'
import type { Encap } from '../../model/state.ts'
import type { EndpointProfile } from './endpoint-profile.ts'
import type { MulticastView } from './node-multicast.ts'
import type { NodeOutside } from './node-outside.ts'
import type { NodePolicy } from './node-policy.ts'
import type { ServiceView } from './node-services.ts'

export interface NetworkView {
  /** `tenant:network`. */
  readonly key: string
  readonly tenantName: string
  readonly tenantId: number
  readonly networkId: number
  readonly encap: Encap
  /** Routed by address (VXLAN in routing mode) or bridged by MAC. */
  readonly routed: boolean
  /** Whether the switch stands in for the gateway: everywhere but on VLANs, where a router on the wire does. */
  readonly ownsGateway: boolean
  /** `a.b.c.d/len`, the covering prefix where the user gave a range. */
  readonly subnet: string
  readonly gateway: string
  readonly ipv6Subnet: string
  readonly ipv6Gateway: string
  /** What becomes of connections of its endpoints that are in no group. */
  readonly defaultAction: 'allow' | 'deny'
  /** Answer ARP and ND for known endpoints of a bridged network instead of flooding. */
  readonly proxyNeighbours: boolean
  readonly multicast: MulticastMode
  /** Whether its containers reach outside through their host. */
  readonly nat: boolean
}

export interface EndpointView {
  readonly endpointId: string
  readonly network: NetworkView
  readonly groupId: number
  readonly mac: string
  readonly ipv4: string
  readonly ipv6: string
}

/** Of a veth pair, each at most 15 characters. The host's own interface is a port of the switch itself: it has no peer. */
export interface PortNames {
  /** Host end, the switch's port. */
  readonly portName: string
  /** The end that the runtime moves into the container; empty where a device of the host is the port itself. */
  readonly peerName: string
}

export interface LocalEndpoint extends EndpointView, PortNames {
  readonly local: true
  /** The host's own, in an infra network; missing: a container's. */
  readonly isHost?: true
  /** Of its own, besides those of its profile; missing: none. */
  readonly limits?: EndpointLimits
  /** Missing without limit and mark. */
  readonly profile?: EndpointProfile
  /** Ports of the host that lead to it; missing: none. */
  readonly published?: readonly PublishedPort[]
}

export interface RemoteEndpoint extends EndpointView {
  readonly local: false
  readonly node: string
  /** Tunnel end of its node; empty when that node has none (VLAN only). */
  readonly vtep: string
}

export interface NodeNetwork {
  readonly node: string
  readonly revision: number
  /** Own tunnel end; empty on a node without tunnels. */
  readonly vtep: string
  readonly pvtSubnet: string
  /** Networks of local endpoints, and of remote ones they can meet. */
  readonly networks: ReadonlyMap<string, NetworkView>
  readonly local: ReadonlyMap<string, LocalEndpoint>
  readonly remote: ReadonlyMap<string, RemoteEndpoint>
  /** Tunnel ends of all other nodes, sorted: packets from elsewhere are dropped. */
  readonly peers: readonly string[]
  /** Services that some endpoint here can reach, by key. */
  readonly services: ReadonlyMap<string, ServiceView>
  /** Networks in which groups go to who listens, by key; what is missing floods, or does not, as its mode says. */
  readonly multicast: ReadonlyMap<string, MulticastView>
  /** undefined where no endpoint here is in a group with a policy. */
  readonly policy: NodePolicy | undefined
  /** undefined where nothing leads out of networks by this host. */
  readonly outside: NodeOutside | undefined
}
