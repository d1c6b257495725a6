// What a node enforces: rules of the groups that have a member here, put together by direction, priority and action, and
// whose addresses those rules mean when they name groups. Nothing on nodes without such groups. Objects are reused while
// they say the same, so that a change renders only what it touches.

import { isDeepStrictEqual } from 'node:util'
import { linkLocalOfMac } from '../../lib/address.ts'
import { networkKey } from '../../model/network.ts'
import { policyKey } from '../../model/policy.ts'
import type { ClusterState, EndpointRecord, GroupRecord, RuleRecord } from '../../model/state.ts'
import { compareRules, type PolicyRule, resolveRule } from '../policy/rule.ts'
import type { LocalEndpoint, NetworkView } from './node-network.ts'
import { isWaiting } from './waiting.ts'

/** A group with policies that has a member here. */
export interface PolicyGroup {
  readonly groupId: number
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
  /** `in 10 deny`. */
  readonly name: string
  readonly direction: 'in' | 'out'
  readonly priority: number
  readonly action: 'allow' | 'deny'
  readonly rules: readonly PlacedRule[]
}

/** An endpoint of a group that a rule names, which packets do not tell by the port they come from or go to. */
export interface GroupMember {
  readonly endpointId: string
  readonly tenantId: number
  readonly groupId: number
  readonly ipv4: string
  readonly ipv6: readonly string[]
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
}

interface Named {
  readonly asSource: Set<number>
  readonly asDestination: Set<number>
}

/** What rules were placed by, and what came of it. */
interface Placement {
  readonly inputs: readonly unknown[]
  /** Where the names in rules were looked up. */
  readonly groups?: ClusterState['groups']
  readonly networks?: ClusterState['networks']
  readonly byRecord: ReadonlyMap<RuleRecord, PlacedRule>
  readonly placed: readonly PlacedRule[]
  readonly levels: ReadonlyMap<string, RuleLevel>
}

const nothingPlaced: Placement = { inputs: [], byRecord: new Map(), placed: [], levels: new Map() }

export class PolicyCompiler {
  readonly #node: string
  #placement = nothingPlaced
  #members = new Map<string, { readonly record: EndpointRecord; readonly member: GroupMember }>()
  #groups = new Map<string, PolicyGroup>()

  constructor(node: string) {
    this.#node = node
  }

  /** undefined where no local endpoint is in a group with a policy. `isMet`: networks some local endpoint can meet. */
  compile(
    state: ClusterState,
    local: Iterable<LocalEndpoint>,
    networks: ReadonlyMap<string, NetworkView>,
    isMet: (network: NetworkView) => boolean,
  ): NodePolicy | undefined {
    const here = this.#localGroups(state, local)
    if (here.size === 0) {
      this.#placement = nothingPlaced
      this.#members = new Map()
      return undefined
    }
    const groups = [...here.values()].sort((a, b) => a.groupId - b.groupId)
    const inputs = [state.objects.rule, state.groups, state.networks, ...groups]
    if (!sameItems(this.#placement.inputs, inputs)) this.#placement = place(state, here, this.#placement, inputs)
    const { placed, levels } = this.#placement
    return { groups, levels: [...levels.values()], members: this.#named(state, placed, networks, isMet) }
  }

  /** By key: groups with a policy and a member here. */
  #localGroups(state: ClusterState, local: Iterable<LocalEndpoint>): ReadonlyMap<string, PolicyGroup> {
    const ids = new Set<number>()
    for (const { groupId } of local) ids.add(groupId)
    const groups = new Map<string, PolicyGroup>()
    for (const [key, group] of ids.size === 0 ? [] : state.groups) {
      if (group.policies.length === 0 || !ids.has(group.groupId)) continue
      const network = state.networks.get(networkKey(group.tenantName, group.networkName))
      const wanted = { groupId: group.groupId, ipv6: (network?.ipv6Subnet ?? '') !== '' }
      const before = this.#groups.get(key)
      const same = before?.groupId === wanted.groupId && before.ipv6 === wanted.ipv6
      groups.set(key, same ? before : wanted)
    }
    this.#groups = groups
    return groups
  }

  #named(
    state: ClusterState,
    placed: readonly PlacedRule[],
    networks: ReadonlyMap<string, NetworkView>,
    isMet: (network: NetworkView) => boolean,
  ): ReadonlyMap<string, GroupMember> {
    const named: Named = { asSource: new Set(), asDestination: new Set() }
    for (const { rule } of placed) {
      const { groupId } = rule.remote
      if (groupId !== undefined) (rule.direction === 'in' ? named.asSource : named.asDestination).add(groupId)
    }
    const cache = new Map<string, { readonly record: EndpointRecord; readonly member: GroupMember }>()
    const members = new Map<string, GroupMember>()
    for (const record of named.asSource.size + named.asDestination.size === 0 ? [] : state.endpoints.values()) {
      const network = networks.get(networkKey(record.tenantName, record.networkName))
      if (network === undefined || isWaiting(record)) continue
      const wanted = groupMember(record, network, named, record.node !== this.#node && isMet(network))
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

function place(
  state: ClusterState,
  here: ReadonlyMap<string, PolicyGroup>,
  before: Placement,
  inputs: readonly unknown[],
): Placement {
  const users = groupsByPolicy(state.groups, here)
  const sameNames = before.groups === state.groups && before.networks === state.networks
  const byRecord = new Map<RuleRecord, PlacedRule>()
  const placed: PlacedRule[] = []
  for (const record of state.objects.rule.values()) {
    const groups = users.get(policyKey(record.tenantName, record.policyName))
    if (groups === undefined) continue
    const last = before.byRecord.get(record)
    const rule = sameNames && last !== undefined ? last.rule : resolveRule(state, record)
    if (rule === undefined) continue
    const same = last !== undefined && sameItems(last.groups, groups) && sameRemote(last.rule, rule)
    const entry = same ? last : { rule, groups }
    byRecord.set(record, entry)
    placed.push(entry)
  }
  placed.sort((a, b) => compareRules(a.rule, b.rule))
  const { groups, networks } = state
  return { inputs, groups, networks, byRecord, placed, levels: levelsOf(placed, before.levels) }
}

function levelsOf(
  placed: readonly PlacedRule[],
  before: ReadonlyMap<string, RuleLevel>,
): ReadonlyMap<string, RuleLevel> {
  const byName = new Map<string, PlacedRule[]>()
  for (const entry of placed) {
    const { direction, priority, action } = entry.rule
    const name = `${direction} ${priority} ${action}`
    const rules = byName.get(name)
    if (rules === undefined) byName.set(name, [entry])
    else rules.push(entry)
  }
  const levels = new Map<string, RuleLevel>()
  for (const [name, rules] of byName) {
    const last = before.get(name)
    const [first] = rules
    if (first === undefined) continue
    const { direction, priority, action } = first.rule
    const same = last !== undefined && sameItems(last.rules, rules)
    levels.set(name, same ? last : { name, direction, priority, action, rules })
  }
  return levels
}

/**
 * Local senders are known by their port, and receivers here or behind tunnels by the way they are found. What comes from
 * a tunnel or a wire, and what leaves for a VLAN, perhaps to come back through a router, is known by its address alone.
 */
function groupMember(
  record: EndpointRecord,
  { encap, tenantId }: NetworkView,
  named: Named,
  isFromTunnel: boolean,
): GroupMember | undefined {
  const { endpointId, groupId, ipv4, mac } = record
  const isOnWire = encap.kind === 'vlan'
  const asSource = named.asSource.has(groupId) && (isOnWire || isFromTunnel)
  const asDestination = named.asDestination.has(groupId) && isOnWire
  if (!asSource && !asDestination) return undefined
  const linkLocal = linkLocalOfMac(mac)
  const ipv6 = record.ipv6 === '' ? [] : [record.ipv6, ...(linkLocal === undefined ? [] : [linkLocal])]
  return { endpointId, tenantId, groupId, ipv4, ipv6, asSource, asDestination }
}

function sameMember(a: GroupMember, b: GroupMember): boolean {
  return a.tenantId === b.tenantId && a.asSource === b.asSource && a.asDestination === b.asDestination
}

function groupsByPolicy(
  groups: ReadonlyMap<string, GroupRecord>,
  here: ReadonlyMap<string, PolicyGroup>,
): ReadonlyMap<string, readonly PolicyGroup[]> {
  const users = new Map<string, PolicyGroup[]>()
  for (const [key, group] of here) {
    const record = groups.get(key)
    for (const name of new Set(record?.policies)) {
      const policy = policyKey(record?.tenantName ?? '', name)
      const list = users.get(policy)
      if (list === undefined) users.set(policy, [group])
      else list.push(group)
    }
  }
  for (const list of users.values()) list.sort((a, b) => a.groupId - b.groupId)
  return users
}

function sameItems<T>(a: readonly T[], b: readonly T[]): boolean {
  return a.length === b.length && a.every((item, index) => item === b[index])
}

/** Whether what the rule names is still what it was; all else is in its record. */
function sameRemote(a: PolicyRule, b: PolicyRule): boolean {
  if (a === b) return true
  return a.remote.groupId === b.remote.groupId && isDeepStrictEqual(a.remote.addresses, b.remote.addresses)
}
