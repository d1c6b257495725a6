// Which names an endpoint's DNS questions find. In its own network: services, groups, and containers by name, alias and
// short id, in this order. In the other networks of its tenant the same, followed by the network: `web.front`.

import type { Member } from './members.ts'

/** Who has one name. */
interface Holders {
  readonly members: Set<Member>
  /** The same as a list, made when somebody asks. */
  list: readonly Member[] | undefined
}

type Names = Map<string, Holders>

/** Members of one network by lower-case name, by kind of name; and by address. */
interface NetworkNames {
  readonly services: Names
  readonly groups: Names
  readonly containers: Names
  readonly addresses: Names
  size: number
}

type Tenant = Map<string, NetworkNames>

/** A member has few names, a table is asked often: each change is worked in at once. Names have no case (RFC 4343). */
export class NameTable {
  readonly #members = new Map<string, Member>()
  /** By tenant, then by lower-case network. */
  readonly #tenants = new Map<string, Tenant>()

  get size(): number {
    return this.#members.size
  }

  set(member: Member): void {
    this.delete(member.key)
    this.#members.set(member.key, member)
    const tenant = this.#tenants.get(member.tenant) ?? new Map<string, NetworkNames>()
    this.#tenants.set(member.tenant, tenant)
    const networkKey = member.network.toLowerCase()
    const network = tenant.get(networkKey) ?? noNames()
    tenant.set(networkKey, network)
    network.size += 1
    for (const { names, name } of placesOf(network, member)) {
      const holders = names.get(name) ?? { members: new Set(), list: undefined }
      holders.members.add(member)
      holders.list = undefined
      names.set(name, holders)
    }
  }

  delete(key: string): void {
    const member = this.#members.get(key)
    if (member === undefined) return
    this.#members.delete(key)
    const tenant = this.#tenants.get(member.tenant)
    const network = tenant?.get(member.network.toLowerCase())
    if (tenant === undefined || network === undefined) return
    for (const { names, name } of placesOf(network, member)) {
      const holders = names.get(name)
      if (holders === undefined) continue
      holders.members.delete(member)
      holders.list = undefined
      if (holders.members.size === 0) names.delete(name)
    }
    network.size -= 1
    if (network.size === 0) tenant.delete(member.network.toLowerCase())
    if (tenant.size === 0) this.#tenants.delete(member.tenant)
  }

  /**
   * Who has a name, asked from a network. `name` is in lower case without a final dot. undefined: nobody. The list is the
   * same object until it changes.
   */
  membersOf(tenant: string, network: string, name: string): readonly Member[] | undefined {
    const networks = this.#tenants.get(tenant)
    if (networks === undefined) return undefined
    return namedIn(networks.get(network.toLowerCase()), name) ?? elsewhere(networks, name)
  }

  /** Who has an address: of the own network, else of another one of the tenant. */
  memberAt(tenant: string, network: string, address: string): Member | undefined {
    const networks = this.#tenants.get(tenant)
    if (networks === undefined) return undefined
    const own = listed(networks.get(network.toLowerCase())?.addresses.get(address))?.[0]
    if (own !== undefined) return own
    for (const { addresses } of networks.values()) {
      const found = listed(addresses.get(address))?.[0]
      if (found !== undefined) return found
    }
    return undefined
  }
}

function noNames(): NetworkNames {
  return { services: new Map(), groups: new Map(), containers: new Map(), addresses: new Map(), size: 0 }
}

interface Place {
  readonly names: Names
  readonly name: string
}

function placesOf(network: NetworkNames, member: Member): Place[] {
  const places: Place[] = []
  const lower = new Set(member.names.map((name) => name.toLowerCase()))
  for (const name of lower) places.push({ names: network.containers, name })
  if (member.group !== '') places.push({ names: network.groups, name: member.group.toLowerCase() })
  if (member.service !== '') places.push({ names: network.services, name: member.service.toLowerCase() })
  // An address without a name leads back to nothing.
  if (member.names.length === 0 && member.service === '') return places
  for (const address of [member.ipv4, member.ipv6]) {
    if (address !== '') places.push({ names: network.addresses, name: address })
  }
  return places
}

function listed(holders: Holders | undefined): readonly Member[] | undefined {
  if (holders !== undefined) holders.list ??= [...holders.members]
  return holders?.list
}

/** A service's name was given for clients to use, and a group's rather than a container's. */
function namedIn(network: NetworkNames | undefined, name: string): readonly Member[] | undefined {
  return listed(network?.services.get(name) ?? network?.groups.get(name) ?? network?.containers.get(name))
}

/** `name.network`; both may hold dots. */
function elsewhere(networks: Tenant, name: string): readonly Member[] | undefined {
  for (let dot = name.indexOf('.'); dot >= 0; dot = name.indexOf('.', dot + 1)) {
    const found = namedIn(networks.get(name.slice(dot + 1)), name.slice(0, dot))
    if (found !== undefined) return found
  }
  return undefined
}
