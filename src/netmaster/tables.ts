// The cluster in memory: records with the indices that decisions need, and grants. Changed in place, by transactions
// only; everybody else sees it as a `View`.

import { NetpluginError } from '../lib/errors.ts'
import { groupKey } from '../model/endpoint-group.ts'
import type { GrantChange } from '../model/grant.ts'
import { networkKey } from '../model/network.ts'
import { listRecords } from '../model/record-list.ts'
import type { ReferringKind } from '../model/references.ts'
import {
  type Change,
  type ChangeOf,
  defaultGlobal,
  type EndpointRecord,
  type GlobalRecord,
  type GroupRecord,
  type NetworkRecord,
  type NodeRecord,
  noObjects,
  type ObjectMaps,
  type ObjectName,
  type RecordKind,
  type RecordTypes,
  type TenantRecord,
} from '../model/state.ts'
import { AddressGrants, NumberGrants, type NumberGrantsByPool } from './grants.ts'
import { Index, Referrers } from './indices.ts'
import { RuleWeights } from './rule-weights.ts'

/** An address that is held for a node and not yet used. */
export interface Reservation {
  readonly network: string
  readonly address: string
  readonly node: string
  /** Milliseconds since the epoch. */
  readonly at: number
  /** By which request; undefined: of no name. */
  readonly request: string | undefined
}

/** What decisions and inspection read. Valid until the next transaction: do not keep it over an await. */
export interface View {
  readonly global: GlobalRecord
  /** Whether `global` was ever written; it is the default otherwise. */
  readonly globalStored: boolean
  readonly tenants: ReadonlyMap<string, TenantRecord>
  readonly networks: ReadonlyMap<string, NetworkRecord>
  readonly groups: ReadonlyMap<string, GroupRecord>
  readonly endpoints: ReadonlyMap<string, EndpointRecord>
  readonly nodes: ReadonlyMap<string, NodeRecord>
  /** Policies, rules and the like, by kind and key. */
  readonly objects: ObjectMaps
  readonly numbers: NumberGrantsByPool
  readonly reservations: ReadonlyMap<string, Reservation>
  /** What rules are in flows, at most. */
  readonly ruleWeights: Pick<RuleWeights, 'all' | 'ofPolicy' | 'ofRule'>
  networksOf(tenant: string): ReadonlyMap<string, NetworkRecord>
  groupsOf(tenant: string): ReadonlyMap<string, GroupRecord>
  groupsIn(network: string): ReadonlyMap<string, GroupRecord>
  endpointsIn(network: string): ReadonlyMap<string, EndpointRecord>
  endpointsOfGroup(group: string): ReadonlyMap<string, EndpointRecord>
  endpointsOn(node: string): ReadonlyMap<string, EndpointRecord>
  /** The records of a kind that name this record: `referrers('rule', 'group', key)` are the rules from or to a group. */
  referrers<K extends ReferringKind>(kind: K, to: RecordKind, key: string): ReadonlyMap<string, RecordTypes[K]>
  /** Of a network that exists. */
  addresses(network: string): AddressGrants
  /** Tables to try on what a decision of several steps would do; they are the caller's. */
  copy(): Tables
}

export class Tables implements View {
  global: GlobalRecord = defaultGlobal
  globalStored = false
  readonly tenants = new Map<string, TenantRecord>()
  readonly networks = new Map<string, NetworkRecord>()
  readonly groups = new Map<string, GroupRecord>()
  readonly endpoints = new Map<string, EndpointRecord>()
  readonly nodes = new Map<string, NodeRecord>()
  readonly objects = noObjects()
  readonly reservations = new Map<string, Reservation>()
  readonly ruleWeights = new RuleWeights()
  readonly numbers: NumberGrantsByPool = {
    vlan: new NumberGrants(),
    vni: new NumberGrants(),
    'network-id': new NumberGrants(),
    'tenant-id': new NumberGrants(),
    'group-id': new NumberGrants(),
  }
  readonly #addresses = new Map<string, AddressGrants>()
  readonly #networksOf = new Index<NetworkRecord>()
  readonly #groupsOf = new Index<GroupRecord>()
  readonly #groupsIn = new Index<GroupRecord>()
  readonly #endpointsIn = new Index<EndpointRecord>()
  readonly #endpointsOfGroup = new Index<EndpointRecord>()
  readonly #endpointsOn = new Index<EndpointRecord>()
  readonly #referrers = new Referrers()

  networksOf = (tenant: string) => this.#networksOf.get(tenant)
  groupsOf = (tenant: string) => this.#groupsOf.get(tenant)
  groupsIn = (network: string) => this.#groupsIn.get(network)
  endpointsIn = (network: string) => this.#endpointsIn.get(network)
  endpointsOfGroup = (group: string) => this.#endpointsOfGroup.get(group)
  endpointsOn = (node: string) => this.#endpointsOn.get(node)

  referrers<K extends ReferringKind>(kind: K, to: RecordKind, key: string): ReadonlyMap<string, RecordTypes[K]> {
    return this.#referrers.get(kind, to, key)
  }

  addresses(network: string): AddressGrants {
    const found = this.#addresses.get(network)
    if (found !== undefined) return found
    throw new NetpluginError('internal', 'NO_SUCH_NETWORK', `no addresses are kept for network ${network}`)
  }

  /** Records first, grants after: an address needs its network. Deletions the other way round. */
  apply(records: readonly Change[], grants: readonly GrantChange[]): void {
    for (const grant of grants) if (grant.owner === null) this.#applyGrant(grant)
    for (const change of records) this.#applyRecord(change)
    for (const grant of grants) if (grant.owner !== null) this.#applyGrant(grant)
  }

  /** All records, in the order in which a new node is told them. */
  records(): Change[] {
    return listRecords(this).filter(({ kind }) => kind !== 'global' || this.globalStored)
  }

  /** All grants. */
  grants(): GrantChange[] {
    const grants: GrantChange[] = []
    for (const pool of ['vlan', 'vni', 'network-id', 'tenant-id', 'group-id'] as const) {
      for (const [number, owner] of this.numbers[pool].entries()) grants.push({ kind: 'number', pool, number, owner })
    }
    for (const [network, addresses] of this.#addresses) {
      for (const [address, owner] of addresses.owners()) grants.push({ kind: 'address', network, address, owner })
    }
    return grants
  }

  copy(): Tables {
    const tables = new Tables()
    tables.apply(this.records(), this.grants())
    return tables
  }

  #applyRecord(change: Change): void {
    switch (change.kind) {
      case 'global':
        this.global = change.value ?? defaultGlobal
        this.globalStored = change.value !== null
        break
      case 'tenant':
        set(this.tenants, change.key, change.value)
        break
      case 'network':
        this.#applyNetwork(change.key, change.value)
        break
      case 'group':
        this.#applyGroup(change.key, change.value)
        break
      case 'endpoint':
        this.#applyEndpoint(change.key, change.value)
        break
      case 'node':
        set(this.nodes, change.key, change.value)
        break
      case 'rule':
        this.ruleWeights.change(change.key, this.objects.rule.get(change.key), change.value, this.networks)
        this.#applyObject(change)
        break
      default:
        this.#applyObject(change)
    }
  }

  #applyObject<K extends ObjectName>({ kind, key, value }: ChangeOf<K>): void {
    const table: Map<string, RecordTypes[K]> = this.objects[kind]
    this.#referrers.change<K>(kind, key, table.get(key), value)
    set(table, key, value)
  }

  #applyNetwork(key: string, value: NetworkRecord | null): void {
    const old = this.networks.get(key)
    if (old !== undefined) this.#networksOf.delete(old.tenantName, key)
    set(this.networks, key, value)
    if (value === null) {
      this.#addresses.delete(key)
      return
    }
    this.#networksOf.put(value.tenantName, key, value)
    const grants = this.#addresses.get(key)
    if (grants === undefined) this.#addresses.set(key, new AddressGrants(value))
    else if (old === undefined || !sameAddressing(old, value)) this.#addresses.set(key, grants.readdressed(value))
  }

  #applyGroup(key: string, value: GroupRecord | null): void {
    const old = this.groups.get(key)
    if (old !== undefined) {
      const network = networkKey(old.tenantName, old.networkName)
      this.#groupsOf.delete(old.tenantName, key)
      this.#groupsIn.delete(network, key)
      this.#addresses.get(network)?.setPool(key, null)
    }
    this.#referrers.change('group', key, old, value)
    set(this.groups, key, value)
    if (value === null) return
    const network = networkKey(value.tenantName, value.networkName)
    this.#groupsOf.put(value.tenantName, key, value)
    this.#groupsIn.put(network, key, value)
    this.#addresses.get(network)?.setPool(key, value)
  }

  #applyEndpoint(key: string, value: EndpointRecord | null): void {
    const old = this.endpoints.get(key)
    if (old !== undefined) {
      this.#endpointsIn.delete(networkKey(old.tenantName, old.networkName), key)
      this.#endpointsOn.delete(old.node, key)
      if (old.groupName !== '') this.#endpointsOfGroup.delete(groupKey(old.tenantName, old.groupName), key)
    }
    set(this.endpoints, key, value)
    if (value === null) return
    this.#endpointsIn.put(networkKey(value.tenantName, value.networkName), key, value)
    this.#endpointsOn.put(value.node, key, value)
    if (value.groupName !== '') this.#endpointsOfGroup.put(groupKey(value.tenantName, value.groupName), key, value)
  }

  #applyGrant(grant: GrantChange): void {
    if (grant.kind === 'number') {
      this.numbers[grant.pool].set(grant.number, grant.owner)
      return
    }
    const { network, address, owner } = grant
    const key = `${network}/${address}`
    if (owner?.type === 'reservation') {
      const { node, at, request } = owner
      this.reservations.set(key, { network, address, node, at, request })
    } else this.reservations.delete(key)
    this.#addresses.get(network)?.set(address, owner)
  }
}

function sameAddressing(a: NetworkRecord, b: NetworkRecord): boolean {
  return (
    a.subnet === b.subnet && a.gateway === b.gateway && a.ipv6Subnet === b.ipv6Subnet && a.ipv6Gateway === b.ipv6Gateway
  )
}

function set<V>(map: Map<string, V>, key: string, value: V | null): void {
  if (value === null) map.delete(key)
  else map.set(key, value)
}
