// What names lead to, as the DNS server of a host is told of it: one member for each running container, and what else is
// to have a name, as a service. The server knows nothing but members.

import { mapChanges } from '../../lib/map-changes.ts'
import { sameItems } from '../../lib/same.ts'
import type { ClusterState, EndpointRecord } from '../../model/state.ts'
import { isWaiting } from '../compile/waiting.ts'

export interface Member {
  /** Unique: an endpoint's id. */
  readonly key: string
  readonly tenant: string
  readonly network: string
  readonly ipv4: string
  /** Empty without IPv6. */
  readonly ipv6: string
  /** A name that comes before groups and containers of that name; empty for containers. */
  readonly service: string
  /** Ports of a service, `tcp/80`: only those can be found by SRV. Of a container any can. */
  readonly ports: readonly string[]
  /** Empty outside groups. */
  readonly group: string
  /** What a container answers to, its own name first. */
  readonly names: readonly string[]
}

export interface MemberChanges {
  readonly set: readonly Member[]
  /** Keys. */
  readonly gone: readonly string[]
}

const shortIdLength = 12

export function memberOf(record: EndpointRecord): Member | undefined {
  if (isWaiting(record)) return undefined
  const shortId = record.containerId.slice(0, shortIdLength)
  return {
    key: record.endpointId,
    tenant: record.tenantName,
    network: record.networkName,
    ipv4: record.ipv4,
    ipv6: record.ipv6,
    service: '',
    ports: [],
    group: record.groupName,
    names: [record.containerName, shortId, ...record.aliases].filter((name) => name !== ''),
  }
}

/** Remembers what it gave, so that each call gives what is new since the one before. */
export class MemberDiff {
  #endpoints: ClusterState['endpoints'] = new Map()
  #tenants: readonly string[] = []
  #others: ReadonlyMap<string, Member> = new Map()
  readonly #told = new Map<string, Member>()

  /**
   * Members of these tenants alone: nobody else's names are known to a host. `tenants` is sorted. `others` are members
   * that are no containers; their keys are none of endpoints.
   */
  changes(state: ClusterState, tenants: readonly string[], others: readonly Member[]): MemberChanges {
    const before = sameItems(tenants, this.#tenants) ? this.#endpoints : undefined
    const touched =
      before === undefined
        ? [...this.#told.keys(), ...state.endpoints.keys()]
        : mapChanges(before, state.endpoints).map(({ key }) => key)
    const othersBefore = this.#others
    this.#endpoints = state.endpoints
    this.#tenants = tenants
    this.#others = new Map(others.map((member) => [member.key, member]))
    const wanted = new Set(tenants)
    const set: Member[] = []
    const gone: string[] = []
    for (const key of new Set([...touched, ...othersBefore.keys(), ...this.#others.keys()])) {
      const record = state.endpoints.get(key)
      const found = record === undefined ? this.#others.get(key) : memberOf(record)
      const member = found !== undefined && wanted.has(found.tenant) ? found : undefined
      const told = this.#told.get(key)
      if (member !== undefined && !(told !== undefined && sameMember(told, member))) {
        set.push(member)
        this.#told.set(key, member)
      }
      if (member === undefined && this.#told.delete(key)) gone.push(key)
    }
    return { set, gone }
  }
}

function sameMember(a: Member, b: Member): boolean {
  return (
    a.tenant === b.tenant &&
    a.network === b.network &&
    a.ipv4 === b.ipv4 &&
    a.ipv6 === b.ipv6 &&
    a.service === b.service &&
    a.group === b.group &&
    sameItems(a.ports, b.ports) &&
    sameItems(a.names, b.names)
  )
}
