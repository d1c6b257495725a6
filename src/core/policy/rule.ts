// A rule with its names looked up: what it means by itself, whoever has its policy. A rule that names what is not there
// means nothing. Order: the larger priority decides; at equal priority deny
// before allow, of those the ones that end connections first, then those that log; then policy and rule id.

import { groupKey } from '../../model/endpoint-group.ts'
import { networkKey } from '../../model/network.ts'
import { ruleKey } from '../../model/rule.ts'
import type { ClusterState, GroupRecord, RuleRecord } from '../../model/state.ts'
import { type AddressSet, networkAddresses, parseRuleAddress } from './address-set.ts'
import { type PortSet, portsOf } from './port-set.ts'

/** `icmp` is that of the packet's family; a number is the same one in both. */
export type RuleProtocol = 'any' | 'icmp' | number

export interface PolicyRule {
  /** `tenant:policy:id`. */
  readonly key: string
  readonly tenantName: string
  readonly direction: 'in' | 'out'
  readonly priority: number
  readonly action: 'allow' | 'deny'
  /** Of a deny: whether it ends open connections too; whether hosts log what it drops. */
  readonly cuts: boolean
  readonly logs: boolean
  /** The other side. Both conditions hold where both are given; undefined is anybody. */
  readonly remote: { readonly groupId: number | undefined; readonly addresses: AddressSet | undefined }
  /** Of an incoming rule: only towards these addresses of the group. */
  readonly target: AddressSet | undefined
  readonly protocol: RuleProtocol
  /** Destination ports, of protocols that have them; empty: any. */
  readonly ports: PortSet
}

export const tcp = 6
export const udp = 17
export const sctp = 132
const icmpv6 = 58
const protocolNumbers: Readonly<Record<string, RuleProtocol>> = { '': 'any', icmp: 'icmp', icmpv6, tcp, udp, sctp }

/** Where names in rules are looked up. */
type Named = Pick<ClusterState, 'groups' | 'networks'>

/** undefined where a name leads nowhere. */
export function resolveRule(state: Named, record: RuleRecord): PolicyRule | undefined {
  const isIn = record.direction === 'in'
  const remote = resolveRemote(state, record, isIn)
  const target = isIn && record.toIpAddress !== '' ? addressesIn(record, 'toIpAddress') : undefined
  if (remote === undefined || (isIn && record.toIpAddress !== '' && target === undefined)) return undefined
  const ports = portsOf(record.port, record.ports)
  if (ports === undefined) return undefined
  const { tenantName, direction, priority, action } = record
  return {
    key: ruleKey(tenantName, record.policyName, record.ruleId),
    tenantName,
    direction,
    priority,
    action,
    cuts: record.established === 'drop',
    logs: record.log === true,
    remote,
    target,
    protocol: protocolNumbers[record.protocol] ?? Number(record.protocol),
    ports,
  }
}

function resolveRemote(state: Named, record: RuleRecord, isIn: boolean): PolicyRule['remote'] | undefined {
  const { tenantName } = record
  const groupName = isIn ? record.fromEndpointGroup : record.toEndpointGroup
  const networkName = isIn ? record.fromNetwork : record.toNetwork
  const address = isIn ? 'fromIpAddress' : 'toIpAddress'
  const group = groupName === '' ? undefined : state.groups.get(groupKey(tenantName, groupName))
  if (groupName !== '' && group === undefined) return undefined
  const groupId = group?.groupId
  if (networkName !== '') {
    const network = state.networks.get(networkKey(tenantName, networkName))
    return network === undefined ? undefined : { groupId, addresses: networkAddresses(network) }
  }
  if (record[address] === '') return { groupId, addresses: undefined }
  const addresses = addressesIn(record, address)
  return addresses === undefined ? undefined : { groupId, addresses }
}

type Side = 'fromIpAddress' | 'toIpAddress'
const known: Readonly<Record<Side, WeakMap<RuleRecord, AddressSet>>> = {
  fromIpAddress: new WeakMap(),
  toIpAddress: new WeakMap(),
}

/** Read once: records stay while all around them changes. */
function addressesIn(record: RuleRecord, side: Side): AddressSet | undefined {
  const before = known[side].get(record)
  if (before !== undefined) return before
  const addresses = parseRuleAddress(record[side])
  if (addresses !== undefined) known[side].set(record, addresses)
  return addresses
}

/** Protocols whose destination port the rule compares; none where it applies to whole protocols. */
export function portProtocols({ protocol, ports }: PolicyRule): readonly number[] {
  if (ports.length === 0) return []
  if (protocol === 'any') return [tcp, udp]
  return protocol === tcp || protocol === udp || protocol === sctp ? [protocol] : []
}

/** What decides between rules that apply alike. */
export type Decisive = Pick<PolicyRule, 'priority' | 'action' | 'cuts' | 'logs'>

/** At equal priority the larger number decides, 0 to 4: deny before allow, and of those that deny, who ends connections, then who logs. */
export function severity({ action, cuts, logs }: Omit<Decisive, 'priority'>): number {
  return action === 'allow' ? 0 : 1 + (logs ? 1 : 0) + (cuts ? 2 : 0)
}

/** Sorts what decides first to the front. */
export function compareRules(a: PolicyRule, b: PolicyRule): number {
  if (a.priority !== b.priority) return b.priority - a.priority
  if (severity(a) !== severity(b)) return severity(b) - severity(a)
  return a.key < b.key ? -1 : a.key > b.key ? 1 : 0
}

/** Every rule of the group's policies, in the order in which they decide. */
export function effectiveRules(state: ClusterState, group: GroupRecord): PolicyRule[] {
  const policies = new Set(group.policies)
  const rules: PolicyRule[] = []
  for (const record of state.objects.rule.values()) {
    if (record.tenantName !== group.tenantName || !policies.has(record.policyName)) continue
    const rule = resolveRule(state, record)
    if (rule !== undefined) rules.push(rule)
  }
  return rules.sort(compareRules)
}
