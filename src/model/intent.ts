// An intent: tenants, networks and the containers on them, as one document (docs/intents.md). This is what every dialect
// of the file is read into; empty text and 0 stand for what the document leaves open.

import type { TenantPools } from './intent-records.ts'
import type { MulticastMode } from './multicast.ts'

export interface Intent {
  readonly hosts: readonly IntentHost[]
  readonly infraNetworks: readonly IntentInfraNetwork[]
  readonly tenants: readonly IntentTenant[]
  readonly bindings: readonly IntentBinding[]
}

export interface IntentHost {
  readonly name: string
  /** The uplink of its VLANs. */
  readonly intf: string
  /** Its tunnel end. */
  readonly vtepIp: string
  readonly netId: string
}

export interface IntentInfraNetwork {
  readonly name: string
  readonly pktTagType: EncapChoice
  /** 0: none. */
  readonly pktTag: number
}

/** Empty: as the tenant or the cluster says. */
export type EncapChoice = '' | 'vlan' | 'vxlan'

export interface IntentTenant {
  readonly name: string
  /** What the document says of the pools; 0 and empty: nothing. */
  readonly pools: TenantPools
  /** Empty: the first network. */
  readonly defaultNetwork: string
  readonly networks: readonly IntentNetwork[]
}

export interface IntentNetwork {
  readonly name: string
  readonly pktTagType: EncapChoice
  /** 0: any free one of the tenant's. */
  readonly pktTag: number
  /** Empty: the next slice of the tenant's pool. */
  readonly subnet: string
  /** Prefix length of that slice; 0: the tenant's. */
  readonly sliceLength: number
  readonly gateway: string
  /** Empty: as the network is forwarded. */
  readonly multicast: MulticastMode | ''
  /** Its way out; empty: open where that can be. */
  readonly nat: '' | 'on' | 'off'
  readonly endpoints: readonly IntentEndpoint[]
}

export interface IntentEndpoint {
  /** Name of the container. */
  readonly container: string
  /** Empty: where the container starts. */
  readonly host: string
  readonly attachUuid: string
  /** Empty: the lowest free one. */
  readonly ipAddress: string
  /** Name of an endpoint group. */
  readonly serviceName: string
  /** A second id, for endpoints made by hand. */
  readonly alias: string
}

export interface IntentBinding {
  readonly container: string
  readonly host: string
  readonly attachUuid: string
}

export const emptyIntent: Intent = { hosts: [], infraNetworks: [], tenants: [], bindings: [] }

/** Pools of a tenant whose intent names none: addresses of its own, tags of the cluster. */
export const defaultPools: TenantPools = {
  subnetPool: '10.1.0.0/16',
  allocSubnetLen: 24,
  vlans: '',
  vxlans: '',
  defaultNetType: '',
}

/** The id of an intent's endpoint. */
export function intentEndpointId(network: string, tenant: string, container: string): string {
  return `${network}.${tenant}-${container}`
}
