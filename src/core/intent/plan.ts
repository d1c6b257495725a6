// From an intent and the cluster as it is to the steps that make the cluster follow: a list of what to remove and what
// to make, in an order that works, to be carried out as a whole or not at all. What has to be chosen (subnets, tags,
// addresses) is chosen when a step is carried out; the steps say from what.

import type { Problem } from '../../lib/errors.ts'
import type { Intent, IntentEndpoint, IntentHost, IntentInfraNetwork, IntentNetwork } from '../../model/intent.ts'
import type { EndpointBinding, TenantPools } from '../../model/intent-records.ts'
import type { ClusterState, Encap, EndpointRecord } from '../../model/state.ts'
import type { Interval } from '../allocate/number-set.ts'
import type { Purpose } from './parse.ts'
import { planAdd } from './plan-add.ts'
import { planBindings } from './plan-bindings.ts'
import { planDelete } from './plan-delete.ts'
import { planDesired } from './plan-desired.ts'
import type { SliceSource } from './slices.ts'

/** What planning reads of the cluster. */
export type Cluster = Pick<
  ClusterState,
  'global' | 'tenants' | 'networks' | 'groups' | 'endpoints' | 'nodes' | 'objects'
>

export interface PlanOptions {
  /** Encapsulation of networks for which neither they nor their tenant name one. */
  readonly defaultEncap: Encap['kind']
}

/** A network to make. */
export interface NetworkStep {
  readonly tenant: string
  readonly name: string
  readonly encap: Encap['kind']
  /** 0: one of `tags`. */
  readonly tag: number
  /** What a tag may be chosen from: the tenant's, without those that others ask for by number. */
  readonly tags: readonly Interval[]
  /** Whose tags they are, for messages. */
  readonly tagSource: string
  /** Empty: cut from `slices`. */
  readonly subnet: string
  readonly slices: SliceSource
  /** Addresses that other networks of the tenant ask for. */
  readonly claimed: readonly Interval[]
  readonly gateway: string
  /** The last usable address of a subnet that is chosen. */
  readonly automaticGateway: boolean
  readonly multicast: IntentNetwork['multicast']
  /** Empty: as it can be. */
  readonly nat: '' | 'on' | 'off'
}

/** An endpoint to make. */
export interface EndpointStep {
  readonly tenant: string
  readonly network: string
  readonly endpoint: IntentEndpoint
  /** Empty: in no group. */
  readonly groupName: string
  /** The endpoint it takes the place of: address, host and container stay where they can. */
  readonly before: EndpointRecord | undefined
}

export type Step =
  | { readonly kind: 'remove-endpoint'; readonly id: string }
  | { readonly kind: 'remove-network'; readonly key: string }
  | { readonly kind: 'remove-tenant'; readonly name: string }
  | { readonly kind: 'remove-host'; readonly name: string }
  | { readonly kind: 'remove-infra-network'; readonly name: string }
  /** Makes it, or gives it these pools; null: takes them away. */
  | {
      readonly kind: 'put-tenant'
      readonly name: string
      readonly pools: TenantPools | null
      readonly defaultNetwork: string
    }
  | { readonly kind: 'put-host'; readonly host: IntentHost }
  | { readonly kind: 'put-infra-network'; readonly network: IntentInfraNetwork }
  | { readonly kind: 'create-network'; readonly network: NetworkStep }
  | { readonly kind: 'create-endpoint'; readonly endpoint: EndpointStep }
  /** Changes which container an endpoint is for; `container` is its name. */
  | {
      readonly kind: 'bind-endpoint'
      readonly id: string
      readonly container: string
      readonly binding: EndpointBinding
    }

export interface Plan {
  readonly steps: readonly Step[]
  /** What the document names and is left as it is, with the reason. */
  readonly kept: readonly { readonly kind: 'tenant' | 'network'; readonly key: string; readonly why: string }[]
  /** What the user should know. */
  readonly notes: readonly string[]
}

export function planIntent(cluster: Cluster, intent: Intent, purpose: Purpose, options: PlanOptions): Plan | Problem {
  switch (purpose) {
    case 'desired':
      return planDesired(cluster, intent, options)
    case 'add':
      return planAdd(cluster, intent, options)
    case 'delete':
      return planDelete(cluster, intent)
    case 'bindings':
      return planBindings(cluster, intent.bindings)
  }
}
