// What groups say about the traffic of their members: their network profiles, in numbers.

import { sameEntries, sameItems } from '../../lib/same.ts'
import { netprofileKey, parseBandwidth } from '../../model/netprofile.ts'
import type { ClusterState, NetprofileRecord } from '../../model/state.ts'

export interface EndpointProfile {
  /** Kilobits a second, in each direction; 0: no limit. */
  readonly rate: number
  /** Kilobytes that may come at once; 0: what the rate needs. */
  readonly burst: number
  /** 1..63, for all that the endpoint sends; 0: as the endpoint marks it. */
  readonly dscp: number
}

/** By key of the group; those without a profile, or with one that says nothing, are missing. */
export type GroupProfiles = ReadonlyMap<string, EndpointProfile>

export class ProfileCompiler {
  #inputs: readonly unknown[] = []
  #byRecord = new Map<NetprofileRecord, EndpointProfile>()
  #byGroup: GroupProfiles = new Map()

  /** The same object while no group has another profile; profiles that did not change are the same objects. */
  compile({ groups, objects }: ClusterState): GroupProfiles {
    const inputs = [groups, objects.netprofile]
    if (sameItems(inputs, this.#inputs)) return this.#byGroup
    const byRecord = new Map<NetprofileRecord, EndpointProfile>()
    const byGroup = new Map<string, EndpointProfile>()
    for (const [key, { tenantName, netProfile }] of groups) {
      const record = netProfile === '' ? undefined : objects.netprofile.get(netprofileKey(tenantName, netProfile))
      if (record === undefined) continue
      const profile = byRecord.get(record) ?? this.#byRecord.get(record) ?? read(record)
      byRecord.set(record, profile)
      if (profile.rate !== 0 || profile.dscp !== 0) byGroup.set(key, profile)
    }
    this.#inputs = inputs
    this.#byRecord = byRecord
    if (!sameEntries(this.#byGroup, byGroup)) this.#byGroup = byGroup
    return this.#byGroup
  }
}

function read({ bandwidth, burst, dscp }: NetprofileRecord): EndpointProfile {
  return { rate: parseBandwidth(bandwidth) ?? 0, burst, dscp }
}
