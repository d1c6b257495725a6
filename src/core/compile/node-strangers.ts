// Whom a node cannot judge yet. A rule that names a group is applied to members that a node knows; an endpoint of which it
// has not heard, because it was made a moment ago, is in a group that nobody here can tell. What is needed to notice it.

import { isDeepStrictEqual } from 'node:util'
import { sameItems } from '../../lib/same.ts'
import type { ClusterState } from '../../model/state.ts'
import { type AddressSet, linkLocalPrefix, networkAddresses, wireNetworks } from '../policy/address-set.ts'
import type { PlacedRule, RuleLevel } from './node-policy.ts'
import { ruleChanges } from './rule-changes.ts'

/**
 * A group here some of whose rules name groups. While this node does not know which group the other side is in, such rules
 * cannot be applied, and nothing passes.
 */
export interface WaryGroup {
  readonly groupId: number
  /** Its incoming rules name groups; its outgoing ones do. */
  readonly incoming: boolean
  readonly outgoing: boolean
}

/** Addresses on the VLANs of a tenant that only endpoints have: whoever has one and is not known is an endpoint of which this node has not heard. */
export interface WireAddresses {
  readonly tenantId: number
  /** Whether some group of the tenant is wary of senders; of receivers. */
  readonly asSource: boolean
  readonly asDestination: boolean
  /** Each once. */
  readonly ipv4: readonly AddressSet['ipv4'][number][]
  readonly ipv6: readonly string[]
  /** Routers, which are in these ranges and no endpoints. */
  readonly gateways: readonly string[]
}

/** Names of tenants whose groups here have rules that name groups. */
export interface Naming {
  readonly incoming: ReadonlySet<string>
  readonly outgoing: ReadonlySet<string>
}

/** Objects are the same ones while they say the same. */
export interface Strangers {
  readonly naming: Naming
  /** By ascending id. */
  readonly wary: readonly WaryGroup[]
  /** By ascending tenant id. */
  readonly wire: readonly WireAddresses[]
}

/** Whose rules of one level name groups: how many of each. */
class LevelNaming {
  readonly tenants = new Map<string, number>()
  readonly groups = new Map<number, number>()
  #rules: readonly PlacedRule[] = []

  look(rules: readonly PlacedRule[]): void {
    const { removed, added } = ruleChanges(this.#rules, rules)
    this.#rules = rules
    for (const placed of removed) this.#count(placed, -1)
    for (const placed of added) this.#count(placed, 1)
  }

  #count({ rule, groups }: PlacedRule, by: 1 | -1): void {
    if (rule.remote.groupId === undefined) return
    countInto(this.tenants, rule.tenantName, by)
    for (const { groupId } of groups) countInto(this.groups, groupId, by)
  }
}

export class StrangerCompiler {
  #inputs: readonly unknown[] = []
  #last: Strangers = { naming: { incoming: new Set(), outgoing: new Set() }, wary: [], wire: [] }
  /** By name. */
  #ofLevels: ReadonlyMap<string, LevelNaming> = new Map()

  compile(state: ClusterState, levels: readonly RuleLevel[]): Strangers {
    const inputs = [levels, state.networks, state.tenants]
    if (sameItems(inputs, this.#inputs)) return this.#last
    this.#inputs = inputs
    const naming = { incoming: new Set<string>(), outgoing: new Set<string>() }
    const groups = { incoming: new Set<number>(), outgoing: new Set<number>() }
    const ofLevels = new Map<string, LevelNaming>()
    for (const level of levels) {
      const found = this.#ofLevels.get(level.name) ?? new LevelNaming()
      found.look(level.rules)
      ofLevels.set(level.name, found)
      const side = level.direction === 'in' ? 'incoming' : 'outgoing'
      for (const tenant of found.tenants.keys()) naming[side].add(tenant)
      for (const groupId of found.groups.keys()) groups[side].add(groupId)
    }
    this.#ofLevels = ofLevels
    const last = this.#last
    this.#last = {
      naming: unlessSame(last.naming, naming),
      wary: unlessSame(last.wary, waryGroups(groups)),
      wire: unlessSame(last.wire, wireAddresses(state, naming)),
    }
    return this.#last
  }
}

function countInto<K>(counts: Map<K, number>, key: K, by: 1 | -1): void {
  const count = (counts.get(key) ?? 0) + by
  if (count === 0) counts.delete(key)
  else counts.set(key, count)
}

function waryGroups({ incoming, outgoing }: Record<'incoming' | 'outgoing', ReadonlySet<number>>): WaryGroup[] {
  const ids = [...new Set([...incoming, ...outgoing])].sort((a, b) => a - b)
  return ids.map((groupId) => ({ groupId, incoming: incoming.has(groupId), outgoing: outgoing.has(groupId) }))
}

function wireAddresses(state: ClusterState, naming: Naming): WireAddresses[] {
  const wire: WireAddresses[] = []
  for (const tenantName of new Set([...naming.incoming, ...naming.outgoing])) {
    const tenantId = state.tenants.get(tenantName)?.tenantId
    const networks = wireNetworks(state, tenantName)
    if (tenantId === undefined || networks.length === 0) continue
    const claimed = networks.map(networkAddresses)
    const ipv6 = claimed.flatMap((addresses) => addresses.ipv6)
    const gateways = networks.flatMap(({ gateway, ipv6Gateway }) => [gateway, ipv6Gateway])
    wire.push({
      tenantId,
      asSource: naming.incoming.has(tenantName),
      asDestination: naming.outgoing.has(tenantName),
      ipv4: claimed.flatMap((addresses) => addresses.ipv4),
      ipv6: ipv6.length === 0 ? [] : [...new Set([...ipv6, linkLocalPrefix])],
      gateways: [...new Set(gateways)].filter((address) => address !== ''),
    })
  }
  return wire.sort((a, b) => a.tenantId - b.tenantId)
}

function unlessSame<T>(before: T, now: T): T {
  return isDeepStrictEqual(before, now) ? before : now
}
