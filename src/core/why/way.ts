// Whether the network leads from one end to the other at all, whatever policy says, and why not. Names of codes are part
// of the API.

import { coveringPrefix, parseIpv4, parseIpv4Prefix, parseIpv6, parseIpv6Prefix } from '../../lib/address.ts'
import { hasNat, natObstacle } from '../../model/nat.ts'
import { formatPublished } from '../../model/published-port.ts'
import type { ClusterState, NetworkRecord } from '../../model/state.ts'
import type { WhyWay } from '../../model/why.ts'
import { isWaiting } from '../compile/waiting.ts'
import { addressOf, type End, type Family, networkOf } from './ends.ts'

export interface Ends {
  readonly tenantName: string
  readonly source: End
  readonly destination: End
  readonly family: Family
  /** IP protocol number. */
  readonly protocol: number
}

export function findWay(state: ClusterState, ends: Ends): WhyWay {
  return stranger(ends) ?? absent(state, ends) ?? withoutAddress(state, ends) ?? acrossNetworks(state, ends)
}

const no = (code: WhyWay['code'], text: string): WhyWay => ({ leads: 'no', code, text })
const yes = (code: WhyWay['code'], text: string): WhyWay => ({ leads: 'yes', code, text })
const outside = (text: string, code: WhyWay['code'] = 'WIRE'): WhyWay => ({ leads: 'outside', code, text })

const sides = ['source', 'destination'] as const

function stranger(ends: Ends): WhyWay | undefined {
  for (const side of sides) {
    const end = ends[side]
    if (end.kind === 'address' || end.record.tenantName === ends.tenantName) continue
    const text = `the ${side} is in tenant ${end.record.tenantName}, not in ${ends.tenantName}: nothing passes between tenants`
    return no('OTHER_TENANT', text)
  }
  return undefined
}

function absent(state: ClusterState, { source, destination, ...ends }: Ends): WhyWay | undefined {
  if (source.kind === 'address' && destination.kind === 'address') {
    return no('NOT_OURS', `neither end is a container of tenant ${ends.tenantName}`)
  }
  for (const end of [source, destination]) {
    if (end.kind !== 'endpoint' || !isWaiting(end.record)) continue
    const text = `endpoint ${end.record.endpointId} waits for its container: nobody has the address yet`
    return no('NOT_ATTACHED', text)
  }
  if (source.kind === 'endpoint' && destination.kind === 'endpoint' && isSame(source, destination)) {
    return { leads: 'yes', code: 'ITSELF', text: 'both ends are the same container: it talks to itself, unseen' }
  }
  return source.kind === 'address'
    ? fromOutside(state, source.address, destination)
    : destination.kind === 'address'
      ? toOutside(state, source, destination.address, ends)
      : undefined
}

function isSame(a: Extract<End, { kind: 'endpoint' }>, b: Extract<End, { kind: 'endpoint' }>): boolean {
  return a.record.endpointId === b.record.endpointId
}

function withoutAddress(state: ClusterState, { source, destination, family }: Ends): WhyWay | undefined {
  for (const end of [source, destination]) {
    if (family === 'ipv4' || addressOf(state, end, family) !== undefined) continue
    const name = networkOf(state, end)?.networkName ?? ''
    return no('NO_IPV6', `network ${name} has no IPv6; give it an IPv6 subnet, or ask about IPv4 addresses`)
  }
  return undefined
}

/** From one member of the cluster to another. */
function acrossNetworks(state: ClusterState, { source, destination, family }: Ends): WhyWay {
  const [from, to] = [networkOf(state, source), networkOf(state, destination)]
  if (from === undefined || to === undefined) return no('NOBODY_THERE', 'a network of theirs is gone')
  const [a, b] = [hostOf(source), hostOf(destination)]
  if (from === to) return noTunnel(state, from, [a, b]) ?? yes('SAME_NETWORK', within(from, a, b))
  const names = `${from.networkName} and ${to.networkName}`
  if (from.encap.kind === 'vlan' && to.encap.kind === 'vlan') {
    const without = [from, to].find((network) => gatewayOf(network, family) === '')
    if (without !== undefined) return noGateway(without)
    return outside(`through a router between the VLANs of ${names}, if there is one: the cluster does not route VLANs`)
  }
  if (from.encap.kind !== to.encap.kind) {
    return no('NOT_ROUTED', `nothing routes between ${names}: one is a VLAN, the other a VXLAN`)
  }
  if (state.global.fwdMode !== 'routing') {
    return no('NOT_ROUTED', `nothing routes between ${names} in forwarding mode bridge; netctl global set --fwd-mode`)
  }
  const without = [from, to].find((network) => gatewayOf(network, family) === '')
  if (without !== undefined) return noGateway(without)
  return (
    noTunnel(state, to, [a, b]) ?? yes('ROUTED', `routed from ${from.networkName} to ${to.networkName}${across(a, b)}`)
  )
}

function hostOf(end: End): string | undefined {
  return end.kind === 'endpoint' ? end.record.node : undefined
}

function within({ networkName, encap }: NetworkRecord, a: string | undefined, b: string | undefined): string {
  if (encap.kind === 'vxlan') return `network ${networkName}${across(a, b)}`
  const wire = a === b && a !== undefined ? ` on ${a}` : `, VLAN ${encap.vlan}`
  return `network ${networkName}${wire}`
}

function across(a: string | undefined, b: string | undefined): string {
  if (a === undefined || b === undefined) return ''
  return a === b ? ` on ${a}` : `, by tunnel from ${a} to ${b}`
}

/** Hosts of a VXLAN network find each other by their tunnel ends; none leads to a host that is lost. */
function noTunnel(
  state: ClusterState,
  { encap }: NetworkRecord,
  [a, b]: readonly [string | undefined, string | undefined],
): WhyWay | undefined {
  if (encap.kind === 'vlan' || a === undefined || b === undefined || a === b) return undefined
  const lost = [a, b].find((host) => state.nodes.get(host)?.lost !== undefined)
  if (lost !== undefined) {
    const text = `host ${lost} is lost: no netmaster hears of it, and the others do without it until one does; see netctl node ls`
    return no('HOST_LOST', text)
  }
  const without = [a, b].find((host) => (state.nodes.get(host)?.vtep ?? '') === '')
  if (without === undefined) return undefined
  return no('NO_TUNNEL', `host ${without} has no tunnel end; give its netplugin --vtep-ip`)
}

function gatewayOf(network: NetworkRecord, family: Family): string {
  return family === 'ipv6' ? network.ipv6Gateway : network.gateway
}

function noGateway({ networkName }: NetworkRecord): WhyWay {
  return no('NO_GATEWAY', `network ${networkName} has no gateway: its containers know of nothing beyond it`)
}

function fromOutside(state: ClusterState, address: string, to: End): WhyWay | undefined {
  const network = networkOf(state, to)
  if (network === undefined) return undefined
  const inside = networkAt(state, network, address)
  if (inside?.encap.kind === 'vxlan') return nobody(address, inside)
  if (network.encap.kind === 'vxlan') {
    const published = to.kind === 'endpoint' && hasNat(network) ? (to.record.published ?? []) : []
    if (published.length === 0) {
      const text = `nothing from outside enters network ${network.networkName} but by published ports, and there are none`
      return no('NO_ENTRY', text)
    }
    const ports = published.map(formatPublished).join(', ')
    return outside(`by published ports of ${hostOf(to)} only: ${ports}`, 'PUBLISHED')
  }
  return outside(`${address} is on or behind VLAN ${network.encap.vlan} of network ${network.networkName}`)
}

function toOutside(
  state: ClusterState,
  from: End,
  address: string,
  ends: Pick<Ends, 'family' | 'protocol'>,
): WhyWay | undefined {
  const network = networkOf(state, from)
  if (network === undefined) return undefined
  const { encap, gateway, ipv6Gateway } = network
  if (encap.kind === 'vxlan' && [gateway, ipv6Gateway].includes(address)) {
    if (ends.protocol === (ends.family === 'ipv6' ? 58 : 1)) {
      return yes('GATEWAY', `the switch of its host answers for gateway ${address}, whatever rules say`)
    }
    return no('GATEWAY', `gateway ${address} is the switch of its host, which answers nothing but ping`)
  }
  const inside = networkAt(state, network, address)
  if (inside?.encap.kind === 'vxlan') return nobody(address, inside)
  if (encap.kind === 'vxlan') return byHost(state, network, address, ends.family)
  if (inside === network) return outside(`${address} is on VLAN ${encap.vlan}, on a machine that is not the cluster's`)
  if (gatewayOf(network, ends.family) === '') return noGateway(network)
  return outside(`by VLAN ${encap.vlan} to gateway ${gatewayOf(network, ends.family)}, which is not the cluster's`)
}

/** Out of a VXLAN network. */
function byHost(state: ClusterState, network: NetworkRecord, address: string, family: Family): WhyWay {
  const { networkName } = network
  const closed = family === 'ipv6' ? 'what leads outside is for IPv4' : (natObstacle(network) ?? 'its nat is off')
  if (family === 'ipv6' || !hasNat(network)) {
    const text = `network ${networkName} leads nowhere outside, for ${closed}; only the nameservers of its containers are answered for, by the host`
    return no('NO_EXIT', text)
  }
  const host = [...state.nodes.values()].find(({ vtep, controlAddress }) => [vtep, controlAddress].includes(address))
  if (host !== undefined) return outside(`to published ports of host ${host.node} only`, 'HOST')
  return outside("by the container's host, in the name of that", 'HOST')
}

function nobody(address: string, { networkName }: NetworkRecord): WhyWay {
  return no('NOBODY_THERE', `${address} is of network ${networkName}, but no container has it`)
}

/** The network of its tenant whose subnet holds the address, `own` before others. */
function networkAt(state: ClusterState, own: NetworkRecord, address: string): NetworkRecord | undefined {
  if (holds(own, address)) return own
  for (const network of state.networks.values()) {
    if (network.tenantName === own.tenantName && holds(network, address)) return network
  }
  return undefined
}

function holds({ subnet, ipv6Subnet }: NetworkRecord, address: string): boolean {
  const value = parseIpv4(address)
  if (value !== undefined) {
    const prefix = parseIpv4Prefix(coveringPrefix(subnet))
    return prefix !== undefined && parseIpv4Prefix(`${address}/${prefix.length}`)?.base === prefix.base
  }
  const prefix = parseIpv6Prefix(ipv6Subnet)
  if (prefix === undefined || parseIpv6(address) === undefined) return false
  return parseIpv6Prefix(`${address}/${prefix.length}`)?.base === prefix.base
}
