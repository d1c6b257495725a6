// The reference evaluator: may this connection be opened, and which rule says so? Knows records and addresses, and
// nothing of flows; what the switch does is held against it (test/properties/policy.test.ts).

import { ipv6Mask, linkLocalOfMac, parseIpv4, parseIpv6, parseIpv6Prefix } from '../../lib/address.ts'
import { groupKey } from '../../model/endpoint-group.ts'
import type { ClusterState, EndpointRecord, GroupRecord } from '../../model/state.ts'
import { contains } from '../allocate/intervals.ts'
import { isWaiting } from '../compile/waiting.ts'
import { type AddressSet, linkLocalPrefix, networkAddresses, wireNetworks } from './address-set.ts'
import { defaultActionOf } from './default-action.ts'
import { effectiveRules, type PolicyRule, portProtocols } from './rule.ts'

/** What policy asks of an end of a connection. */
export type Member = Pick<GroupRecord, 'tenantName' | 'groupName' | 'groupId'>

/** The first packet of a connection, within one tenant. */
export interface Opening {
  readonly tenantName: string
  /** IPv4 or IPv6, of an endpoint or of anybody else. */
  readonly source: string
  readonly destination: string
  /** IP protocol number. */
  readonly protocol: number
  /** Destination port; 0 where the protocol has none. */
  readonly port: number
  /** Of a group that has nobody at the address yet; left out: the endpoint that has it. */
  readonly sender?: Member
  readonly receiver?: Member
}

export interface PolicyVerdict {
  readonly allowed: boolean
  /**
   * Denied because rules that name groups cannot be applied: one side has an address that only endpoints of a VLAN have, and no
   * endpoint has it.
   */
  readonly stranger: boolean
  /** Denied because no rule applies at one side, and what no rule is about is denied there. */
  readonly byDefault: boolean
  /** Whether a connection that is open already is ended. */
  readonly cut: boolean
  /** The rules that decide at the sender and at the receiver; undefined where no rule applies. */
  readonly egress: PolicyRule | undefined
  readonly ingress: PolicyRule | undefined
}

/** Whether policy lets it through. Says nothing about whether there is a way. */
export function evaluatePolicy(state: ClusterState, opening: Opening): PolicyVerdict {
  const { sender, receiver } = membersOf(state, opening)
  const egress = decide(state, 'out', sender, { opening, other: receiver, otherAddress: opening.destination })
  const ingress = decide(state, 'in', receiver, { opening, other: sender, otherAddress: opening.source })
  const stranger = meetsStranger(state, 'out', opening) || meetsStranger(state, 'in', opening)
  const byDefault =
    (egress === undefined && defaultOf(state, sender) === 'deny') ||
    (ingress === undefined && defaultOf(state, receiver) === 'deny')
  const allowed = !stranger && !byDefault && egress?.action !== 'deny' && ingress?.action !== 'deny'
  // Rules of groups that do not know the other side are not asked.
  const cut =
    (egress?.cuts === true && !meetsStranger(state, 'out', opening)) ||
    (ingress?.cuts === true && !meetsStranger(state, 'in', opening))
  return { allowed, stranger, byDefault, cut, egress, ingress }
}

/** What becomes of connections no rule is about, at a side of a connection; whoever is no endpoint has no say. */
export function defaultOf(state: ClusterState, side: Member | undefined): 'allow' | 'deny' {
  if (side === undefined) return 'allow'
  const { tenantName, groupName } = side
  return defaultActionOf(state, state.groups.get(groupKey(tenantName, groupName)) ?? { tenantName })
}

/** Whether the group at one end, some of whose rules name groups, cannot tell that of the other. */
export function meetsStranger(state: ClusterState, direction: 'in' | 'out', opening: Opening): boolean {
  const { sender, receiver } = membersOf(state, opening)
  const [own, other, otherAddress] =
    direction === 'in' ? [receiver, sender, opening.source] : [sender, receiver, opening.destination]
  return other === undefined && namesGroups(state, direction, own) && isStranger(state, opening, otherAddress)
}

function isStranger(state: ClusterState, { tenantName }: Opening, address: string): boolean {
  const networks = wireNetworks(state, tenantName)
  if (networks.some(({ gateway, ipv6Gateway }) => [gateway, ipv6Gateway].includes(address))) return false
  const claimed = networks.map(networkAddresses)
  if (claimed.some(({ ipv6 }) => ipv6.length > 0)) claimed.push({ ipv4: [], ipv6: [linkLocalPrefix] })
  return claimed.some((addresses) => isIn(addresses, address))
}

function namesGroups(state: ClusterState, direction: 'in' | 'out', own: Member | undefined): boolean {
  return rulesOf(state, direction, own).some((rule) => rule.remote.groupId !== undefined)
}

/** Every rule that applies to the opening, the one that decides first. */
export function applyingRules(state: ClusterState, direction: 'in' | 'out', opening: Opening): readonly PolicyRule[] {
  const { sender, receiver } = membersOf(state, opening)
  const { source, destination } = opening
  const [own, other, otherAddress] = direction === 'in' ? [receiver, sender, source] : [sender, receiver, destination]
  return rulesOf(state, direction, own).filter((rule) => applies(rule, { opening, other, otherAddress }))
}

function membersOf(state: ClusterState, { tenantName, source, destination, ...opening }: Opening) {
  const { sender = endpointAt(state, tenantName, source), receiver = endpointAt(state, tenantName, destination) } =
    opening
  return { sender, receiver }
}

interface Question {
  readonly opening: Opening
  readonly other: Member | undefined
  readonly otherAddress: string
}

function decide(
  state: ClusterState,
  direction: 'in' | 'out',
  own: Member | undefined,
  question: Question,
): PolicyRule | undefined {
  return rulesOf(state, direction, own).find((rule) => applies(rule, question))
}

function rulesOf(state: ClusterState, direction: 'in' | 'out', own: Member | undefined): readonly PolicyRule[] {
  if (own === undefined || own.groupName === '') return []
  const group = state.groups.get(groupKey(own.tenantName, own.groupName))
  if (group === undefined) return []
  return effectiveRules(state, group).filter((rule) => rule.direction === direction)
}

function applies(rule: PolicyRule, { opening, other, otherAddress }: Question): boolean {
  const { groupId, addresses } = rule.remote
  if (groupId !== undefined && other?.groupId !== groupId) return false
  if (addresses !== undefined && !isIn(addresses, otherAddress)) return false
  if (rule.target !== undefined && !isIn(rule.target, opening.destination)) return false
  const ported = portProtocols(rule)
  if (ported.length > 0) {
    return ported.includes(opening.protocol) && rule.ports.some((range) => contains(range, opening.port))
  }
  if (rule.protocol === 'any') return true
  if (rule.protocol === 'icmp') return opening.protocol === (opening.source.includes(':') ? 58 : 1)
  return rule.protocol === opening.protocol
}

function isIn(addresses: AddressSet, address: string): boolean {
  const value = parseIpv4(address)
  if (value !== undefined) return addresses.ipv4.some((range) => contains(range, value))
  const wide = parseIpv6(address)
  return addresses.ipv6.some((text) => {
    const prefix = parseIpv6Prefix(text)
    return prefix !== undefined && wide !== undefined && (wide & ipv6Mask(prefix.length)) === prefix.base
  })
}

function endpointAt(state: ClusterState, tenantName: string, address: string): EndpointRecord | undefined {
  for (const record of state.endpoints.values()) {
    if (record.tenantName !== tenantName || isWaiting(record)) continue
    const linkLocal = record.ipv6 === '' ? undefined : linkLocalOfMac(record.mac)
    if ([record.ipv4, record.ipv6, linkLocal].includes(address)) return record
  }
  return undefined
}
