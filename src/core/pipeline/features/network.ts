// Flows of one network on this node: its gateway, its way onto the wire and back, and its broadcast domain.

import { formatIpv4, ipv4Mask, overlappingPrefixes, parseIpv4Prefix } from '../../../lib/address.ts'
import type { Action, Flow } from '../../../protocols/openflow/index.ts'
import type { NetworkView } from '../../compile/node-network.ts'
import { answerArp, answerEcho, answerEcho6, beginAdvertisement } from '../answers.ts'
import { routerMac } from '../facts.ts'
import { origin } from '../fields.ts'
import { flow } from '../flow.ts'
import { is, prefix6, tagged } from '../packets.ts'
import { priority } from '../priorities.ts'
import {
  type BroadcastDomain,
  copiesHere,
  copiesOut,
  everybody,
  groupBit,
  judgeCopies,
  judgedCopies,
  type NetworkPorts,
  tagOut,
} from './copies.ts'

export function networkFlows(
  network: NetworkView,
  ports: NetworkPorts,
  domain: BroadcastDomain,
  nameservers: readonly string[],
): Flow[] {
  return [
    ...arrival(network, ports),
    ...gateway(network),
    ...nameserverNeighbours(network, nameservers),
    ...(network.routed ? onLink(network) : broadcast(network, ports, domain)),
    ...departure(network, ports),
  ]
}

function arrival(network: NetworkView, ports: NetworkPorts): Flow[] {
  const identity = { Routed: network.routed ? 1 : 0, Tenant: network.tenantId, Network: network.networkId }
  if (network.encap.kind === 'vxlan') {
    const from = { tun_id: BigInt(network.encap.vni) }
    return [
      flow('tunnel', 'Tunnel', priority.exact, from, [
        { set: { ...identity, Origin: origin.tunnel } },
        { goto: 'Service' },
      ]),
    ]
  }
  if (ports.uplink === undefined) return []
  const from = { in_port: ports.uplink, vlan_vid: tagged(network.encap.vlan) }
  return [
    flow('uplink', 'Classify', priority.exact, from, [
      { type: 'pop_vlan' },
      { set: { ...identity, Origin: origin.uplink } },
      { goto: 'Service' },
    ]),
  ]
}

function gateway(network: NetworkView): Flow[] {
  if (!network.ownsGateway) return []
  const flows: Flow[] = []
  const on = { Network: network.networkId }
  if (network.gateway !== '') {
    const address = network.gateway
    flows.push(
      flow('neighbour', 'Neighbour', priority.exact, { ...is.arpRequest, ...on, arp_tpa: address }, [
        ...answerArp(address, routerMac),
      ]),
    )
    flows.push(
      flow('neighbour', 'Neighbour', priority.exact, { ...is.echo, ...on, ipv4_dst: address }, [
        ...answerEcho(address, routerMac),
      ]),
    )
  }
  if (network.ipv6Gateway !== '') {
    const address = network.ipv6Gateway
    flows.push(
      flow('neighbour', 'Neighbour', priority.exact, { ...is.neighbourSolicitation, ...on, nd_target: address }, [
        ...beginAdvertisement(address, routerMac),
        { goto: 'NeighbourAnswer' },
      ]),
    )
    flows.push(
      flow('neighbour', 'Neighbour', priority.exact, { ...is.echo6, ...on, ipv6_dst: address }, [
        ...answerEcho6(address, routerMac),
      ]),
    )
  }
  return flows
}

/**
 * Where no gateway of ours leads to the host's DNS servers, they stand on the link themselves (see the Docker driver).
 * One that may really be there, such as the router of a VLAN, is left to answer by itself.
 */
function nameserverNeighbours(network: NetworkView, nameservers: readonly string[]): Flow[] {
  const asksOnLink = network.encap.kind === 'vlan' || (!network.routed && !network.proxyNeighbours)
  return nameservers.flatMap((address) => {
    const isV6 = address.includes(':')
    if (isV6 && network.ipv6Subnet === '') return []
    if (network.ownsGateway && (isV6 ? network.ipv6Gateway : network.gateway) !== '') return []
    if (asksOnLink && isOnLink(network, address)) return []
    return [isV6 ? standIn6(network, address) : standIn(network, address)]
  })
}

function standIn({ networkId }: NetworkView, address: string): Flow {
  const question = { ...is.arpRequest, Network: networkId, arp_tpa: address }
  return flow('names', 'Neighbour', priority.standIn, question, answerArp(address, routerMac))
}

function standIn6({ networkId }: NetworkView, address: string): Flow {
  const question = { ...is.neighbourSolicitation, Network: networkId, nd_target: address }
  const answer = beginAdvertisement(address, routerMac)
  return flow('names', 'Neighbour', priority.standIn, question, [...answer, { goto: 'NeighbourAnswer' }])
}

function isOnLink(network: NetworkView, address: string): boolean {
  const [subnet, length] = address.includes(':') ? [network.ipv6Subnet, 128] : [network.subnet, 32]
  return overlappingPrefixes(subnet, `${address}/${length}`)
}

/** Destinations in the sender's own subnet are not behind a router. */
function onLink(network: NetworkView): Flow[] {
  const on = { Network: network.networkId }
  const flows = [
    flow('network', 'Route', priority.exact, { ...is.ipv4, ...on, ipv4_dst: prefix4(network.subnet) }, [
      { goto: 'Forward' },
    ]),
  ]
  if (network.ipv6Subnet !== '') {
    flows.push(
      flow('network', 'Route', priority.exact, { ...is.ipv6, ...on, ipv6_dst: prefix6(network.ipv6Subnet) }, [
        { goto: 'Forward' },
      ]),
    )
  }
  return flows
}

function broadcast(network: NetworkView, ports: NetworkPorts, domain: BroadcastDomain): Flow[] {
  const on = { Network: network.networkId }
  const all = everybody(domain)
  const local = copiesHere(all)
  const out = copiesOut(network, ports, all)
  const flows = [
    // Neighbour questions nobody here can answer are asked on the network.
    flow('network', 'Neighbour', priority.network, { ...is.arp, ...on }, [{ goto: 'Forward' }]),
    flow('network', 'Neighbour', priority.network, { ...is.neighbourSolicitation, ...on }, [{ goto: 'Forward' }]),
    flow('network', 'Forward', priority.self, { ...on, Origin: origin.endpoint, eth_dst: groupBit }, [
      ...local,
      ...out,
    ]),
    flow('network', 'Forward', priority.exact, { ...on, eth_dst: groupBit }, local),
  ]
  if (domain.guarded.size > 0) flows.push(...guardedBroadcast(network, domain, out))
  if (network.encap.kind === 'vlan' && ports.uplink !== undefined) {
    // Machines on the VLAN that the cluster does not know are beyond the uplink.
    flows.push(
      flow('network', 'Forward', priority.network, { ...on, Origin: origin.endpoint }, [
        { set: { OutPort: ports.uplink } },
        { goto: 'Track' },
      ]),
    )
  }
  return flows
}

function guardedBroadcast(network: NetworkView, domain: BroadcastDomain, out: readonly Action[]): Flow[] {
  const copies = judgedCopies(domain, everybody(domain))
  const flooded = { Network: network.networkId, Flood: 1, OutPort: 0 }
  return [
    ...judgeCopies(network, priority.guarded),
    flow('network', 'Output', priority.self, { ...flooded, Origin: origin.endpoint }, [...copies, ...out]),
    flow('network', 'Output', priority.exact, flooded, copies),
  ]
}

function departure(network: NetworkView, ports: NetworkPorts): Flow[] {
  if (network.encap.kind !== 'vlan' || ports.uplink === undefined) return []
  return [
    flow('uplink', 'Output', priority.exact, { Network: network.networkId, OutPort: ports.uplink }, [
      ...tagOut(network.encap.vlan, ports.uplink),
    ]),
  ]
}

function prefix4(text: string): { value: string; mask: string } {
  const prefix = parseIpv4Prefix(text)
  return { value: formatIpv4(prefix?.base ?? 0), mask: formatIpv4(ipv4Mask(prefix?.length ?? 32)) }
}
