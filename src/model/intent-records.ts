// What records keep of the intent they come from: who made them, what they may be attached to, and what networks are
// made from. See docs/intents.md.

/** Who made a record and so removes it: an intent, or (also when left out) a user or a runtime. */
export type Origin = 'runtime' | 'intent'

/** What a tenant's networks without a subnet or a tag of their own are given. */
export interface TenantPools {
  /** `a.b.c.d/len`; networks without a subnet get slices of it. */
  readonly subnetPool: string
  /** Prefix length of a slice. */
  readonly allocSubnetLen: number
  /** `first-last`, several with commas; empty: the cluster's range. */
  readonly vlans: string
  /** `first-last`; empty: the cluster's range. */
  readonly vxlans: string
  /** Encapsulation of networks that name none; empty: the cluster's network mode. */
  readonly defaultNetType: '' | 'vlan' | 'vxlan'
}

/** Which container an intent's endpoint is for, beside the container's name. */
export interface EndpointBinding {
  /** What a user called the endpoint when it was made by hand, as a second id; else empty. */
  readonly alias: string
  /** The one node it may be attached on; empty: the node where the container starts (late binding). */
  readonly host: string
  /** The one container it may be attached to, by id or the beginning of it; empty: any container of the name. */
  readonly attachUuid: string
}
