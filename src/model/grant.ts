// Grants: what was given out and must not be given out twice. They are the only history the cluster keeps; each is
// written in the same transaction as the object that needs it.

/** Ids that are unique in the cluster. */
export const numberPools = ['vlan', 'vni', 'network-id', 'tenant-id', 'group-id'] as const
export type NumberPool = (typeof numberPools)[number]

export type AddressOwner =
  /** Held by an endpoint until it is deleted. */
  | { readonly type: 'endpoint'; readonly id: string }
  /** The virtual address of a service, `tenant:service`. */
  | { readonly type: 'service'; readonly key: string }
  /** Held for a node that asked for it at this time (ms since the epoch) by a request of this name, until an endpoint takes it. */
  | { readonly type: 'reservation'; readonly node: string; readonly at: number; readonly request?: string }

/** `owner: null` frees it. */
export type GrantChange =
  | { readonly kind: 'number'; readonly pool: NumberPool; readonly number: number; readonly owner: string | null }
  | {
      readonly kind: 'address'
      /** `tenant:network`. */
      readonly network: string
      /** Canonical text, IPv4 or IPv6. */
      readonly address: string
      readonly owner: AddressOwner | null
    }
