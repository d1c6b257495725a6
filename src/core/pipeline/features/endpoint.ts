// Flows of one endpoint: who it is and what it may say (local), how to find it (local and remote).

import { linkLocalOfMac } from '../../../lib/address.ts'
import type { Action, Flow } from '../../../protocols/openflow/index.ts'
import type { EndpointView, LocalEndpoint, RemoteEndpoint } from '../../compile/node-network.ts'
import { answerArp, beginAdvertisement } from '../answers.ts'
import { routerMac } from '../facts.ts'
import { origin } from '../fields.ts'
import { flow, type Step } from '../flow.ts'
import { is, untagged } from '../packets.ts'
import { priority } from '../priorities.ts'
import { deliveryFlows, type EndpointMeters } from './profile.ts'

export function localEndpointFlows(
  endpoint: LocalEndpoint,
  inPort: number,
  meters: EndpointMeters | undefined,
): Flow[] {
  return [
    ...admission(endpoint, inPort, meters),
    ...spoofGuard(endpoint, inPort),
    ...ownAddress(endpoint, inPort),
    ...neighbourAnswers(endpoint),
    ...forwardLocal(endpoint, inPort),
    ...deliveryFlows(inPort, meters),
  ]
}

export function remoteEndpointFlows(endpoint: RemoteEndpoint, vxlanPort: number | undefined): Flow[] {
  return [...neighbourAnswers(endpoint), ...forwardRemote(endpoint, vxlanPort)]
}

function admission(endpoint: LocalEndpoint, inPort: number, meters: EndpointMeters | undefined): Flow[] {
  const { network, groupId } = endpoint
  const identity = {
    Origin: origin.endpoint,
    Routed: network.routed ? 1 : 0,
    Tenant: network.tenantId,
    Network: network.networkId,
    SourceGroup: groupId,
  }
  return [
    flow('endpoint', 'Classify', priority.exact, { in_port: inPort, vlan_vid: untagged }, [
      ...(meters === undefined ? [] : [{ meter: meters.from }]),
      { set: identity },
      { goto: 'SpoofGuard' },
    ]),
  ]
}

function spoofGuard(endpoint: LocalEndpoint, inPort: number): Flow[] {
  const own = { in_port: inPort, eth_src: endpoint.mac }
  const pass: Step<'SpoofGuard'>[] = [{ goto: 'Neighbour' }]
  const passIp = [...marking(endpoint), ...pass]
  const flows = [
    flow('endpoint', 'SpoofGuard', priority.exact, { ...own, ...is.ipv4, ipv4_src: endpoint.ipv4 }, passIp),
    flow(
      'endpoint',
      'SpoofGuard',
      priority.exact,
      { ...own, ...is.arp, arp_spa: endpoint.ipv4, arp_sha: endpoint.mac },
      pass,
    ),
  ]
  if (endpoint.ipv6 === '') return flows
  for (const address of ownIpv6(endpoint)) {
    const from = { ...own, ipv6_src: address }
    flows.push(
      flow('endpoint', 'SpoofGuard', priority.exact, { ...from, ...is.ipv6 }, passIp),
      // The address it announces must be its own, at its own MAC; a solicitation must name that MAC, as Linux always does.
      flow(
        'endpoint',
        'SpoofGuard',
        priority.permit,
        { ...from, ...is.neighbourSolicitation, nd_sll: endpoint.mac },
        pass,
      ),
      flow(
        'endpoint',
        'SpoofGuard',
        priority.permit,
        { ...from, ...is.neighbourAdvertisement, nd_target: address, nd_tll: endpoint.mac },
        pass,
      ),
    )
  }
  return flows
}

/** The mark of the endpoint's group; a tunnel's outer header takes it over (see `tunnelPort`). */
function marking({ profile }: LocalEndpoint): Action[] {
  return profile === undefined || profile.dscp === 0
    ? []
    : [{ type: 'set_field', field: 'ip_dscp', value: profile.dscp }]
}

function ownIpv6(endpoint: EndpointView): string[] {
  const linkLocal = linkLocalOfMac(endpoint.mac)
  return linkLocal === undefined ? [endpoint.ipv6] : [endpoint.ipv6, linkLocal]
}

/** An endpoint that asks for its own address is announcing it: the switch, which would answer, must not. */
function ownAddress(endpoint: LocalEndpoint, inPort: number): Flow[] {
  if (!answersNeighbours(endpoint)) return []
  return [
    flow('neighbour', 'Neighbour', priority.self, { ...is.arpRequest, in_port: inPort, arp_tpa: endpoint.ipv4 }, []),
  ]
}

function answersNeighbours({ network }: EndpointView): boolean {
  return network.routed || network.proxyNeighbours
}

/** ARP and ND for this endpoint, answered on every host that knows it: with the router's MAC where packets are routed. */
function neighbourAnswers(endpoint: EndpointView): Flow[] {
  if (!answersNeighbours(endpoint)) return []
  const { network } = endpoint
  const mac = network.routed ? routerMac : endpoint.mac
  const flows = [
    flow(
      'neighbour',
      'Neighbour',
      priority.exact,
      { ...is.arpRequest, Network: network.networkId, arp_tpa: endpoint.ipv4 },
      answerArp(endpoint.ipv4, mac),
    ),
  ]
  if (endpoint.ipv6 === '') return flows
  return [
    ...flows,
    flow(
      'neighbour',
      'Neighbour',
      priority.exact,
      { ...is.neighbourSolicitation, Network: network.networkId, nd_target: endpoint.ipv6 },
      [...beginAdvertisement(endpoint.ipv6, mac), { goto: 'NeighbourAnswer' }],
    ),
  ]
}

function forwardLocal(endpoint: LocalEndpoint, port: number): Flow[] {
  const deliver: Step<'Forward'>[] = [
    { set: { OutPort: port, DestinationGroup: endpoint.groupId, Receiver: endpoint.groupId } },
    { goto: 'Track' },
  ]
  if (!endpoint.network.routed) return [bridged(endpoint, {}, deliver)]
  return routed(endpoint, {}, [...rewriteMacs(endpoint), ...deliver])
}

function forwardRemote(endpoint: RemoteEndpoint, vxlanPort: number | undefined): Flow[] {
  const { network, vtep } = endpoint
  // On a VLAN the wire finds it: unknown MACs go to the uplink anyway.
  if (network.encap.kind === 'vlan' || vtep === '' || vxlanPort === undefined) return []
  const tunnel: Step<'Forward'>[] = [
    { type: 'set_field', field: 'tun_id', value: BigInt(network.encap.vni) },
    { type: 'set_field', field: 'tun_dst', value: vtep },
    { set: { OutPort: vxlanPort, DestinationGroup: endpoint.groupId } },
    { goto: 'Track' },
  ]
  // Only what an endpoint here sends enters a tunnel: what came from one never returns to another.
  const from = { Origin: origin.endpoint }
  if (!network.routed) return [bridged(endpoint, from, tunnel)]
  return routed(endpoint, from, [...rewriteMacs(endpoint), ...tunnel])
}

function rewriteMacs(endpoint: EndpointView): Action[] {
  return [
    { type: 'set_field', field: 'eth_src', value: routerMac },
    { type: 'set_field', field: 'eth_dst', value: endpoint.mac },
  ]
}

function bridged(endpoint: EndpointView, from: { Origin?: number }, steps: readonly Step<'Forward'>[]): Flow {
  const match = { ...from, Network: endpoint.network.networkId, eth_dst: endpoint.mac }
  return flow('endpoint', 'Forward', priority.exact, match, steps)
}

function routed(endpoint: EndpointView, from: { Origin?: number }, steps: readonly Step<'Forward'>[]): Flow[] {
  const match = { ...from, Tenant: endpoint.network.tenantId, Routed: 1 }
  const flows = [flow('endpoint', 'Forward', priority.exact, { ...match, ...is.ipv4, ipv4_dst: endpoint.ipv4 }, steps)]
  if (endpoint.ipv6 !== '') {
    flows.push(flow('endpoint', 'Forward', priority.exact, { ...match, ...is.ipv6, ipv6_dst: endpoint.ipv6 }, steps))
  }
  return flows
}
