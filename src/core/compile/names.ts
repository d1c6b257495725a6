// Which names an endpoint's DNS questions find: the containers of its own network, by name, alias and short id.

import type { ClusterState, EndpointRecord } from '../../model/state.ts'
import { isWaiting } from './waiting.ts'

export interface NamedAddress {
  readonly ipv4: string
  /** Empty without IPv6. */
  readonly ipv6: string
}

/** Addresses by lower-case name, names by address: those of one network. */
export interface NetworkNames {
  readonly addresses: ReadonlyMap<string, readonly NamedAddress[]>
  readonly names: ReadonlyMap<string, string>
}

const noNames: NetworkNames = { addresses: new Map(), names: new Map() }
const shortIdLength = 12

/** Remembers the names of networks until the endpoints change. */
export class NameIndex {
  #endpoints: ClusterState['endpoints'] | undefined
  #byNetwork = new Map<string, EndpointRecord[]>()
  #built = new Map<string, NetworkNames>()

  /** The names of `tenant:network`. */
  names(state: ClusterState, networkKey: string): NetworkNames {
    if (this.#endpoints !== state.endpoints) this.#regroup(state)
    const built = this.#built.get(networkKey)
    if (built !== undefined) return built
    const members = this.#byNetwork.get(networkKey)
    if (members === undefined) return noNames
    const names = networkNames(members)
    this.#built.set(networkKey, names)
    return names
  }

  #regroup(state: ClusterState): void {
    this.#endpoints = state.endpoints
    this.#built = new Map()
    this.#byNetwork = new Map()
    for (const record of state.endpoints.values()) {
      const key = `${record.tenantName}:${record.networkName}`
      const members = this.#byNetwork.get(key)
      if (members === undefined) this.#byNetwork.set(key, [record])
      else members.push(record)
    }
  }
}

/** Names are compared without case (RFC 4343). */
export function networkNames(members: readonly EndpointRecord[]): NetworkNames {
  const addresses = new Map<string, NamedAddress[]>()
  const names = new Map<string, string>()
  for (const record of members) {
    if (isWaiting(record)) continue
    const address = { ipv4: record.ipv4, ipv6: record.ipv6 }
    for (const name of new Set(namesOf(record).map((text) => text.toLowerCase()))) {
      const known = addresses.get(name)
      if (known === undefined) addresses.set(name, [address])
      else known.push(address)
    }
    if (record.containerName === '') continue
    names.set(record.ipv4, record.containerName)
    if (record.ipv6 !== '') names.set(record.ipv6, record.containerName)
  }
  return { addresses, names }
}

function namesOf(record: EndpointRecord): string[] {
  const shortId = record.containerId.slice(0, shortIdLength)
  return [record.containerName, shortId, ...record.aliases].filter((name) => name !== '')
}
