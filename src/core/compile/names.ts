// Which names an endpoint's DNS questions find. In its own network: groups, and containers by name, alias and short id.
// In the other networks of its tenant the same, followed by the network: `web.front`.

import { appendTo } from '../../lib/append.ts'
import type { ClusterState, EndpointRecord } from '../../model/state.ts'
import { isWaiting } from './waiting.ts'

export interface NamedAddress {
  readonly ipv4: string
  /** Empty without IPv6. */
  readonly ipv6: string
}

/** What one endpoint can ask for. Names are compared without case (RFC 4343). */
export interface Names {
  /** undefined: nobody has the name. */
  addressesOf(name: string): readonly NamedAddress[] | undefined
  /** The container's name, followed by its network's when that is another one; undefined: nobody has the address. */
  nameOf(address: string): string | undefined
}

/** Addresses by lower-case name, names by address: those of one network. */
interface NetworkNames {
  readonly addresses: ReadonlyMap<string, readonly NamedAddress[]>
  readonly names: ReadonlyMap<string, string>
}

/** A network that has endpoints. */
interface Populated {
  readonly networkName: string
  readonly members: EndpointRecord[]
  names?: NetworkNames
}

const shortIdLength = 12

/** Remembers the names of networks until the endpoints change. */
export class NameIndex {
  #endpoints: ClusterState['endpoints'] | undefined
  /** By tenant, then by lower-case name. */
  #tenants = new Map<string, Map<string, Populated>>()

  /** What an endpoint in the network of this key can ask for. */
  names(state: ClusterState, networkKey: string): Names {
    if (this.#endpoints !== state.endpoints) this.#regroup(state)
    const [tenantName = '', networkName = ''] = networkKey.split(':')
    const networks = this.#tenants.get(tenantName) ?? new Map<string, Populated>()
    const own = networks.get(networkName.toLowerCase())
    return {
      addressesOf: (asked) => {
        const name = asked.toLowerCase().replace(/\.$/, '')
        const found = own === undefined ? undefined : namesIn(own).addresses.get(name)
        return found ?? elsewhere(networks, name)
      },
      nameOf: (address) => {
        for (const network of own === undefined ? networks.values() : [own, ...networks.values()]) {
          const name = namesIn(network).names.get(address)
          if (name !== undefined) return network === own ? name : `${name}.${network.networkName}`
        }
        return undefined
      },
    }
  }

  #regroup(state: ClusterState): void {
    this.#endpoints = state.endpoints
    this.#tenants = new Map()
    for (const record of state.endpoints.values()) {
      if (isWaiting(record)) continue
      const { tenantName, networkName } = record
      const networks = this.#tenants.get(tenantName) ?? new Map<string, Populated>()
      this.#tenants.set(tenantName, networks)
      const network = networks.get(networkName.toLowerCase())
      if (network === undefined) networks.set(networkName.toLowerCase(), { networkName, members: [record] })
      else network.members.push(record)
    }
  }
}

/** `name.network`; both may hold dots. */
function elsewhere(networks: ReadonlyMap<string, Populated>, name: string): readonly NamedAddress[] | undefined {
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
    const network = networks.get(name.slice(dot + 1))
    const found = network === undefined ? undefined : namesIn(network).addresses.get(name.slice(0, dot))
    if (found !== undefined) return found
  }
  return undefined
}

function namesIn(network: Populated): NetworkNames {
  network.names ??= namesOfMembers(network.members)
  return network.names
}

/** A group's name comes before a container's: it was given for clients to use. */
function namesOfMembers(members: readonly EndpointRecord[]): NetworkNames {
  const containers = new Map<string, NamedAddress[]>()
  const groups = new Map<string, NamedAddress[]>()
  const names = new Map<string, string>()
  for (const record of members) {
    const address = { ipv4: record.ipv4, ipv6: record.ipv6 }
    for (const name of new Set(namesOf(record).map((text) => text.toLowerCase()))) appendTo(containers, name, address)
    if (record.groupName !== '') appendTo(groups, record.groupName.toLowerCase(), address)
    if (record.containerName === '') continue
    names.set(record.ipv4, record.containerName)
    if (record.ipv6 !== '') names.set(record.ipv6, record.containerName)
  }
  return { addresses: new Map([...containers, ...groups]), names }
}

function namesOf(record: EndpointRecord): string[] {
  const shortId = record.containerId.slice(0, shortIdLength)
  return [record.containerName, shortId, ...record.aliases].filter((name) => name !== '')
}
