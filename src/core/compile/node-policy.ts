// What a node enforces: rules of the groups that have a member here, put together by direction, priority and action, and
// whose addresses those rules mean when they name groups. Nothing on nodes without such groups. Objects are reused while
// they say the same, so that a change renders only what it touches.

import { isDeepStrictEqual } from 'node:util'
import { linkLocalOfMac } from '../../lib/address.ts'
import { appendTo } from '../../lib/append.ts'
import { sameItems } from '../../lib/same.ts'
import { networkKey } from '../../model/network.ts'
import { policyKey } from '../../model/policy.ts'
import type { ClusterState, EndpointRecord, GroupRecord } from '../../model/state.ts'
import { ungrouped } from '../pipeline/fields.ts'
import { defaultActionOf } from '../policy/default-action.ts'
import type { PolicyRule } from '../policy/rule.ts'
import { type CuttingGroup, CuttingGroups } from './node-cutting.ts'
import type { LocalEndpoint, NetworkView } from './node-network.ts'
import { type Naming, StrangerCompiler, type WaryGroup, type WireAddresses } from './node-strangers.ts'
import { type PolicyUsers, RulePlacement } from './rule-placement.ts'
import { isWaiting } from './waiting.ts'

/** A group with a member here that has policies, or that denies what no rule is about. */
export interface PolicyGroup {
  readonly groupId: number
  /** What becomes of connections no rule is about. */
  readonly defaultAction: 'allow' | 'deny'
  /** Whether its members have IPv6 addresses. */
  readonly ipv6: boolean
}

export interface PlacedRule {
  readonly rule: PolicyRule
  /** Groups here that have the rule's policy, by ascending id. */
  readonly groups: readonly PolicyGroup[]
}

/** Rules that decide alike and at the same moment, sorted by key. */
export interface RuleLevel {
  /** `in 10 deny`, `in 10 deny cut log`. */
  readonly name: string
  readonly direction: 'in' | 'out'
  readonly priority: number
  readonly action: 'allow' | 'deny'
  /** As in `PolicyRule`. */
  readonly cuts: boolean
  readonly logs: boolean
  readonly rules: readonly PlacedRule[]
}

/** An endpoint that rules which name groups must tell from others, and that packets do not tell by the port they come from or go to. */
export interface GroupMember {
  readonly endpointId: string
  readonly tenantId: number
  /** 0: in no group. */
  readonly groupId: number
  readonly ipv4: string
  readonly ipv6: readonly string[]
  /** Tunnel end of its node; undefined on a wire, where nothing tells nodes apart. */
  readonly vtep: string | undefined
  /** Looked up as sender, for incoming rules; as receiver, for outgoing ones. */
  readonly asSource: boolean
  readonly asDestination: boolean
}

export interface NodePolicy {
  /** By ascending id. */
  readonly groups: readonly PolicyGroup[]
  readonly levels: readonly RuleLevel[]
  /** By endpoint id. */
  readonly members: ReadonlyMap<string, GroupMember>
  /** By ascending id. */
  readonly cutting: readonly CuttingGroup[]
  /** By ascending id. */
  readonly wary: readonly WaryGroup[]
  /** By ascending tenant id. */
  readonly wire: readonly WireAddresses[]
}

/** Groups here, and what they were found by. */
interface Here {
  readonly inputs: readonly unknown[]
  readonly byKey: ReadonlyMap<string, PolicyGroup>
  /** By ascending id. */
  readonly groups: readonly PolicyGroup[]
  readonly users: PolicyUsers
}

interface Members {
  readonly inputs: readonly unknown[]
  readonly members: ReadonlyMap<string, GroupMember>
}

/** They have both families: there is no rule that would have to be there twice. */
const endpointsInNone: PolicyGroup = { groupId: ungrouped, defaultAction: 'deny', ipv6: true }

const nobodyHere: Here = { inputs: [], byKey: new Map(), groups: [], users: new Map() }
const noMembers: Members = { inputs: [], members: new Map() }

/** What it is given is compared by identity: what is the same object is not looked at again. */
export class PolicyCompiler {
  readonly #node: string
  #here = nobodyHere
  #placement = new RulePlacement()
  readonly #strangers = new StrangerCompiler()
  readonly #cutting = new CuttingGroups()
  #named = noMembers
  #members = new Map<string, { readonly record: EndpointRecord; readonly member: GroupMember }>()

  constructor(node: string) {
    this.#node = node
  }

  /** undefined where no local endpoint is in a group with a policy. `isMet`: networks some local endpoint can meet. */
  compile(
    state: ClusterState,
    local: ReadonlyMap<string, LocalEndpoint>,
    networks: ReadonlyMap<string, NetworkView>,
    isMet: (network: NetworkView) => boolean,
  ): NodePolicy | undefined {
    const inputs = [local, state.groups, state.networks, state.tenants]
    if (!sameItems(this.#here.inputs, inputs)) this.#here = this.#lookHere(state, local, inputs)
    const { groups, users } = this.#here
    if (groups.length === 0) {
      this.#placement = new RulePlacement()
      this.#named = noMembers
      this.#members = new Map()
      return undefined
    }
    const levels = this.#placement.place(state, users)
    const { naming, wary, wire } = this.#strangers.compile(state, levels)
    const namedBy = [state.endpoints, state.nodes, networks, isMet, naming]
    if (!sameItems(this.#named.inputs, namedBy)) {
      this.#named = { inputs: namedBy, members: this.#membersOf(state, naming, networks, isMet) }
    }
    const cutting = this.#cutting.of(levels)
    return { groups, levels, members: this.#named.members, cutting, wary, wire }
  }

  #lookHere(state: ClusterState, local: ReadonlyMap<string, LocalEndpoint>, inputs: readonly unknown[]): Here {
    const before = this.#here
    const byKey = this.#localGroups(state, local.values())
    const sorted = [...byKey.values()].sort((a, b) => a.groupId - b.groupId)
    const groups = sameItems(before.groups, sorted) ? before.groups : sorted
    const users = groups === before.groups && before.inputs[1] === state.groups ? before.users : undefined
    return { inputs, byKey, groups, users: users ?? groupsByPolicy(state.groups, byKey) }
  }

  /** By key; endpoints that are in no group and yet judged are one more, without key. */
  #localGroups(state: ClusterState, local: Iterable<LocalEndpoint>): ReadonlyMap<string, PolicyGroup> {
    const ids = new Set<number>()
    for (const { groupId } of local) ids.add(groupId)
    const groups = new Map<string, PolicyGroup>()
    for (const [key, group] of ids.size === 0 ? [] : state.groups) {
      const defaultAction = defaultActionOf(state, group)
      if ((group.policies.length === 0 && defaultAction === 'allow') || !ids.has(group.groupId)) continue
      const network = state.networks.get(networkKey(group.tenantName, group.networkName))
      const wanted = { groupId: group.groupId, defaultAction, ipv6: (network?.ipv6Subnet ?? '') !== '' }
      const before = this.#here.byKey.get(key)
      const same = before !== undefined && isDeepStrictEqual(before, wanted)
      groups.set(key, same ? before : wanted)
    }
    if (ids.has(ungrouped)) groups.set('', endpointsInNone)
    return groups
  }

  #membersOf(
    state: ClusterState,
    naming: Naming,
    networks: ReadonlyMap<string, NetworkView>,
    isMet: (network: NetworkView) => boolean,
  ): ReadonlyMap<string, GroupMember> {
    const cache = new Map<string, { readonly record: EndpointRecord; readonly member: GroupMember }>()
    const members = new Map<string, GroupMember>()
    for (const record of naming.incoming.size + naming.outgoing.size === 0 ? [] : state.endpoints.values()) {
      const network = networks.get(networkKey(record.tenantName, record.networkName))
      if (network === undefined || isWaiting(record)) continue
      const isFromTunnel = record.node !== this.#node && isMet(network)
      const vtep = isFromTunnel ? (state.nodes.get(record.node)?.vtep ?? '') : ''
      const wanted = groupMember(record, network, naming, vtep)
      if (wanted === undefined) continue
      const before = this.#members.get(record.endpointId)
      const same = before?.record === record && sameMember(before.member, wanted)
      const member = same ? before.member : wanted
      cache.set(record.endpointId, { record, member })
      members.set(record.endpointId, member)
    }
    this.#members = cache
    return members
  }
}

/**
 * Local senders are known by their port, and receivers here or behind tunnels by the way they are found. What comes from
 * a tunnel or a wire, and what leaves for a VLAN, perhaps to come back through a router, is known by its address alone.
 * `vtep`: tunnel end it sends from; empty when it cannot send here by tunnel.
 */
function groupMember(
  record: EndpointRecord,
  { encap, tenantId }: NetworkView,
  naming: Naming,
  vtep: string,
): GroupMember | undefined {
  const { endpointId, groupId, ipv4, mac, tenantName } = record
  const isOnWire = encap.kind === 'vlan'
  const asSource = naming.incoming.has(tenantName) && (isOnWire || vtep !== '')
  const asDestination = naming.outgoing.has(tenantName) && isOnWire
  if (!asSource && !asDestination) return undefined
  const linkLocal = linkLocalOfMac(mac)
  const ipv6 = record.ipv6 === '' ? [] : [record.ipv6, ...(linkLocal === undefined ? [] : [linkLocal])]
  return { endpointId, tenantId, groupId, ipv4, ipv6, vtep: isOnWire ? undefined : vtep, asSource, asDestination }
}

function sameMember(a: GroupMember, b: GroupMember): boolean {
  const sameRoles = a.asSource === b.asSource && a.asDestination === b.asDestination
  return sameRoles && a.tenantId === b.tenantId && a.vtep === b.vtep
}

function groupsByPolicy(groups: ReadonlyMap<string, GroupRecord>, here: ReadonlyMap<string, PolicyGroup>): PolicyUsers {
  const users = new Map<string, PolicyGroup[]>()
  for (const [key, group] of here) {
    const record = groups.get(key)
    for (const name of new Set(record?.policies)) {
      const policy = policyKey(record?.tenantName ?? '', name)
      appendTo(users, policy, group)
    }
  }
  for (const list of users.values()) list.sort((a, b) => a.groupId - b.groupId)
  return users
}
