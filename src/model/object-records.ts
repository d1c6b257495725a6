// Records of the objects that are kept as asked for: what refers to what is in references.ts, what is given to them
// (addresses, tags) in the grants. Attribute names as in the specification (2.2), empty text for what is not set.

export interface PolicyRecord {
  readonly tenantName: string
  readonly policyName: string
}

/** One rule of a policy. `from…` only on incoming rules, `to…` on outgoing ones; `toIpAddress` on both. */
export interface RuleRecord {
  readonly tenantName: string
  readonly policyName: string
  readonly ruleId: string
  readonly direction: 'in' | 'out'
  /** 1..100; the higher one counts. */
  readonly priority: number
  /** Names within the tenant. */
  readonly fromEndpointGroup: string
  readonly toEndpointGroup: string
  readonly fromNetwork: string
  readonly toNetwork: string
  /** A list of addresses as the user wrote it (rule-addresses.ts); empty for any. */
  readonly fromIpAddress: string
  readonly toIpAddress: string
  /** `tcp`, `udp`, `sctp`, `icmp`, `icmpv6`, a number below 256, or empty for any. */
  readonly protocol: string
  /** Destination port; 0: any, or those of `ports`. */
  readonly port: number
  /** Destination ports as a list, sorted and merged: `80,443,8000-8100`. Not there where the rule has none. */
  readonly ports?: string
  readonly action: 'allow' | 'deny'
  /** Of a deny: connections that are open already end, too. */
  readonly established?: 'drop'
  /** Of a deny: hosts log what it drops. */
  readonly log?: true
}

export interface NetprofileRecord {
  readonly tenantName: string
  readonly profileName: string
  /** As the user wrote it, such as `10 Mbps`; empty: no limit. */
  readonly bandwidth: string
  /** 0..63; 0: not marked. */
  readonly dscp: number
  /** Kilobytes; 0: not set. */
  readonly burst: number
}

/** Contracts with an outside fabric (`extContractsGroup`). */
export interface ContractsRecord {
  readonly tenantName: string
  readonly contractsGroupName: string
  readonly contractsType: 'provided' | 'consumed'
  readonly contracts: readonly string[]
}

export interface AppProfileRecord {
  readonly tenantName: string
  readonly appProfileName: string
  /** Names within the tenant. */
  readonly endpointGroups: readonly string[]
}

/** A load balanced service (`serviceLB`). */
export interface ServiceRecord {
  readonly tenantName: string
  readonly serviceName: string
  readonly networkName: string
  /** The address the user prefers; empty: any. */
  readonly ipAddress: string
  /** The address it has, of its network. */
  readonly vip: string
  /** `key=value`. */
  readonly selectors: readonly string[]
  /** `servicePort:providerPort:protocol`. */
  readonly ports: readonly string[]
  /** Set where all connections of one client go to one provider. */
  readonly affinity?: 'client'
  /** In full, as `formatProbe` writes it; set where providers are asked whether they answer. */
  readonly probe?: string
}

export interface BgpRecord {
  readonly hostname: string
  readonly routerip: string
  readonly as: string
  readonly neighborAs: string
  readonly neighbor: string
}

export interface AciGwRecord {
  readonly pathBindings: string
  readonly nodeBindings: string
  readonly physicalDomain: string
  readonly enforcePolicies: 'yes' | 'no'
  readonly includeCommonTenant: 'yes' | 'no'
}

interface Storage {
  readonly tenantName: string
  readonly datastoreType: string
  readonly poolName: string
  readonly size: string
  readonly mountPoint: string
}

export interface VolumeRecord extends Storage {
  readonly volumeName: string
}

export interface VolumeProfileRecord extends Storage {
  readonly volumeProfileName: string
}

/** A host as an intent describes it; kept for people, the agent's flags say what is used. */
export interface IntentHostRecord {
  readonly host: string
  readonly intf: string
  readonly vtepIp: string
  readonly netId: string
}

/** A network without tenant that an intent names as carrier of others; its VLAN, when it has one, is kept from them. */
export interface InfraNetworkRecord {
  readonly name: string
  readonly pktTagType: '' | 'vlan' | 'vxlan'
  /** 0: none. */
  readonly pktTag: number
}

/**
 * By kind. Keys: `tenant:name`; of rules `tenant:policy:id`; of bgp and intentHost the host name; of infraNetwork its
 * name; of aciGw `aciGw`.
 */
export interface ObjectTypes {
  readonly policy: PolicyRecord
  readonly netprofile: NetprofileRecord
  readonly contracts: ContractsRecord
  readonly rule: RuleRecord
  readonly appProfile: AppProfileRecord
  readonly service: ServiceRecord
  readonly bgp: BgpRecord
  readonly aciGw: AciGwRecord
  readonly volume: VolumeRecord
  readonly volumeProfile: VolumeProfileRecord
  readonly intentHost: IntentHostRecord
  readonly infraNetwork: InfraNetworkRecord
}

export type ObjectName = keyof ObjectTypes

export const objectNames = [
  'policy',
  'netprofile',
  'contracts',
  'rule',
  'appProfile',
  'service',
  'bgp',
  'aciGw',
  'volume',
  'volumeProfile',
  'intentHost',
  'infraNetwork',
] as const satisfies readonly ObjectName[]

const names: ReadonlySet<string> = new Set(objectNames)

export function isObjectName(kind: string): kind is ObjectName {
  return names.has(kind)
}
