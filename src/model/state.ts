// What the cluster is, at one revision: the records that netmaster stores and streams to the nodes. Plain, readonly,
// shared between revisions: a record that did not change is the same object.

import type { Counted } from './counts.ts'
import type { EndpointBinding, Origin, TenantPools } from './intent-records.ts'
import type { HostMembers, MulticastMode } from './multicast.ts'
import { type ObjectName, type ObjectTypes, objectNames } from './object-records.ts'
import type { PublishedPort } from './published-port.ts'

export * from './object-records.ts'

/** Cluster-wide settings (specification 2.2, `global`). */
export interface GlobalRecord {
  readonly networkInfraType: string
  /** Range of VLAN ids to allocate from, `first-last`. */
  readonly vlans: string
  /** Range of VNIs to allocate from, `first-last`. */
  readonly vxlans: string
  readonly fwdMode: 'bridge' | 'routing'
  readonly arpMode: 'proxy' | 'flood'
  /** /16 that hosts use for the address of their own port on the switch, `a.b.0.0/16`. */
  readonly pvtSubnet: string
}

export interface TenantRecord {
  readonly tenantName: string
  readonly defaultNetwork: string
  /** Small integer, 1..32767: separates the address spaces of tenants in the switch. */
  readonly tenantId: number
  /** What becomes of connections no rule is about, of groups that do not say themselves, and of endpoints in no group; left out: allow. */
  readonly defaultAction?: 'deny'
  readonly origin?: Origin
  /** Set by intents only. */
  readonly pools?: TenantPools
}

export type Encap = { readonly kind: 'vlan'; readonly vlan: number } | { readonly kind: 'vxlan'; readonly vni: number }

export interface NetworkRecord {
  readonly tenantName: string
  readonly networkName: string
  readonly nwType: 'data' | 'infra'
  /** Small integer, 1..16777215, unique in the cluster. */
  readonly networkId: number
  readonly encap: Encap
  /** As the user wrote it: `a.b.c.d/len` or `a.b.c.d-e.f.g.h/len`. */
  readonly subnet: string
  /** Empty when the network has none. */
  readonly gateway: string
  readonly ipv6Subnet: string
  readonly ipv6Gateway: string
  readonly cfgdTag: string
  /** The tag the user asked for; 0 = allocated. */
  readonly pktTag: number
  /** Left out: as its forwarding says, see `multicastOf`. */
  readonly multicast?: MulticastMode
  /** Closes its way out; left out: open, where that can be (`hasNat`). */
  readonly nat?: 'off'
  readonly origin?: Origin
}

export interface GroupRecord {
  readonly tenantName: string
  readonly groupName: string
  readonly networkName: string
  /** Small integer, 1..65533, lowest free, unique in the cluster. */
  readonly groupId: number
  readonly ipPool: string
  readonly policies: readonly string[]
  readonly extContractsGrps: readonly string[]
  readonly netProfile: string
  readonly cfgdTag: string
  /** What becomes of connections no rule is about; left out: what the tenant says. */
  readonly defaultAction?: 'allow' | 'deny'
}

export interface EndpointRecord {
  /** What the runtime calls it: Docker's endpoint id. Of an intent's endpoint: `network.tenant-container`. */
  readonly endpointId: string
  readonly tenantName: string
  readonly networkName: string
  /** Empty outside groups. */
  readonly groupName: string
  /** 0 outside groups. */
  readonly groupId: number
  /** The node it lives on (`homingHost`); empty: not known yet, only of an intent's endpoint. */
  readonly node: string
  readonly ipv4: string
  /** Empty without IPv6. */
  readonly ipv6: string
  readonly mac: string
  /** Empty while no container is attached. */
  readonly containerId: string
  readonly containerName: string
  /** Further names it answers to in its network (aliases), without the container's own name. */
  readonly aliases: readonly string[]
  readonly labels: Readonly<Record<string, string>>
  /** TCP ports that services ask for and where nobody answers, ascending; missing: none is known. */
  readonly silentPorts?: readonly number[]
  /** Ports of its host that lead to it; left out: none. */
  readonly published?: readonly PublishedPort[]
  /** `host`: no container's, but the node's own interface in an infra network. */
  readonly origin?: Origin | 'host'
  /** Of an intent's endpoint only. */
  readonly binding?: EndpointBinding
}

export interface NodeRecord {
  readonly node: string
  /** Address of the node on the control network. */
  readonly controlAddress: string
  /** Tunnel end point (IPv4); empty on a node without tunnels. */
  readonly vtep: string
  /** Changes with each boot of the machine. */
  readonly bootId: string
  readonly version: string
  /** Since when nobody has heard of it (ms since the epoch): others do without it. Missing: it lives, as far as is known. */
  readonly lost?: number
  /** The newest session of its requests; what it sent in earlier ones comes too late. Missing: it numbers none. */
  readonly session?: number
}

export interface RecordTypes extends ObjectTypes {
  readonly global: GlobalRecord
  readonly tenant: TenantRecord
  readonly network: NetworkRecord
  readonly group: GroupRecord
  readonly endpoint: EndpointRecord
  readonly node: NodeRecord
}

export type RecordKind = keyof RecordTypes

/** Every kind; a network comes before what has addresses of it. */
export const recordKinds = [
  'global',
  'tenant',
  'network',
  ...objectNames,
  'group',
  'node',
  'endpoint',
] as const satisfies readonly RecordKind[]

/** One map for each kind of object, by key. */
export type ObjectMaps = { readonly [K in ObjectName]: ReadonlyMap<string, RecordTypes[K]> }

/**
 * All records at one revision. Keys: `global`; tenant name; `tenant:network`; `tenant:group`; endpoint id; node name;
 * of objects see there. Maps are never changed in place.
 */
export interface ClusterState {
  readonly revision: number
  readonly global: GlobalRecord
  readonly tenants: ReadonlyMap<string, TenantRecord>
  readonly networks: ReadonlyMap<string, NetworkRecord>
  readonly groups: ReadonlyMap<string, GroupRecord>
  readonly endpoints: ReadonlyMap<string, EndpointRecord>
  readonly nodes: ReadonlyMap<string, NodeRecord>
  readonly objects: ObjectMaps
}

/** One changed record of a kind; `value: null` is a deletion. */
export type ChangeOf<Kind extends RecordKind> = {
  readonly [K in Kind]: { readonly kind: K; readonly key: string; readonly value: RecordTypes[K] | null }
}[Kind]

export type Change = ChangeOf<RecordKind>

/**
 * What a node reads from netmaster's stream, one JSON object a line. A snapshot comes as `begin`, any number of
 * `records`, `end`; a node that resumes within the kept history gets only deltas. `epoch` names the store: a resume with
 * another epoch starts with a snapshot.
 */
export type StreamMessage =
  | { readonly type: 'begin'; readonly version: number; readonly epoch: string; readonly revision: number }
  | { readonly type: 'records'; readonly changes: readonly Change[] }
  | { readonly type: 'end'; readonly revision: number }
  | { readonly type: 'resume'; readonly version: number; readonly epoch: string; readonly revision: number }
  | { readonly type: 'delta'; readonly revision: number; readonly changes: readonly Change[] }
  | { readonly type: 'ping'; readonly revision: number }
  /** At any place: nothing is known of members on other hosts, but for what is told from here on. */
  | { readonly type: 'members-begin' }
  /** At any place: what a host said about its members of a network; null: it has none of the network. */
  | {
      readonly type: 'members'
      readonly network: string
      readonly host: string
      readonly members: HostMembers | null
    }
  /** A question, at any place: what the node has counted for `key`. Answered by a request of its own. */
  | { readonly type: 'ask'; readonly id: number; readonly about: Counted; readonly key: string }

export const defaultGlobal: GlobalRecord = {
  networkInfraType: 'default',
  vlans: '1-4094',
  vxlans: '1-10000',
  fwdMode: 'routing',
  arpMode: 'proxy',
  pvtSubnet: '172.19.0.0/16',
}

/** Maps to fill, with nothing in them. */
export function noObjects(): { readonly [K in ObjectName]: Map<string, RecordTypes[K]> } {
  return {
    policy: new Map(),
    netprofile: new Map(),
    contracts: new Map(),
    rule: new Map(),
    appProfile: new Map(),
    service: new Map(),
    bgp: new Map(),
    aciGw: new Map(),
    volume: new Map(),
    volumeProfile: new Map(),
    intentHost: new Map(),
    infraNetwork: new Map(),
  }
}

export const emptyObjects: ObjectMaps = noObjects()

export const emptyState: ClusterState = {
  revision: 0,
  global: defaultGlobal,
  tenants: new Map(),
  networks: new Map(),
  groups: new Map(),
  endpoints: new Map(),
  nodes: new Map(),
  objects: emptyObjects,
}
