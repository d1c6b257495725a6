// Multicast of IP within a network: what endpoints say about groups goes to the agent, what is sent to a group to those
// who listen (RFC 4541). Broadcasts, and groups of the link, go to everybody in bridged networks.

import type { Flow, Meter } from '../../../protocols/openflow/index.ts'
import type { NetworkView } from '../../compile/node-network.ts'
import { allGroups, linkLocalGroups } from '../../multicast/groups.ts'
import { agentControllerId } from '../advertisements.ts'
import type { SwitchFacts } from '../facts.ts'
import { origin } from '../fields.ts'
import { flow, type Step } from '../flow.ts'
import { is } from '../packets.ts'
import { priority } from '../priorities.ts'
import {
  type BroadcastDomain,
  copiesOfIp,
  everybody,
  type IpMatch,
  judgeCopies,
  type NetworkPorts,
  type Receiving,
} from './copies.ts'

/** "mc", in hex, with each packet that is handed up because it says who listens. */
export const membershipMark = '6d63'

/** Which packets say so: of all versions of IGMP; of MLD reports and dones, and reports of version 2. */
const said4 = [is.igmp] as const
const said6 = [is.mldReport, is.mldDone, is.mldReport2] as const

/** Beyond the meters of ports and below that of refusals. Networks share some: those of one tenant's must not silence all others. */
const firstMeter = 0x1_fe02
const meterCount = 256
const lastMeter = firstMeter + meterCount - 1
/** More than a thousand small packets a second. */
const limits = { rate: 512, burst: 512 } as const

export function hasMembershipMeters({ maxMeter = Number.POSITIVE_INFINITY }: Pick<SwitchFacts, 'maxMeter'>): boolean {
  return maxMeter >= lastMeter
}

function meterOf({ networkId }: NetworkView): number {
  return firstMeter + (networkId % meterCount)
}

export function membershipMeters(networks: Iterable<NetworkView>, facts: SwitchFacts): readonly Meter[] {
  if (!hasMembershipMeters(facts)) return []
  const numbers = new Set<number>()
  for (const network of networks) if (network.multicast === 'snoop') numbers.add(meterOf(network))
  return [...numbers].map((id) => ({ id, ...limits }))
}

interface NetworkGroups {
  readonly network: NetworkView
  readonly ports: NetworkPorts
  readonly domain: BroadcastDomain
  /** Who gets what is sent to any group; undefined: everybody, for it is not known who listens. */
  readonly everything: Receiving | undefined
  readonly limited: boolean
}

/** All but the flows of single groups. */
export function multicastFlows(groups: NetworkGroups): Flow[] {
  const { network } = groups
  switch (network.multicast) {
    case 'snoop':
      return [
        ...membership(groups),
        ...(groups.everything === undefined ? floodRouted(groups) : toListeners(groups, groups.everything)),
      ]
    case 'flood':
      return floodRouted(groups)
    case 'off':
      return network.routed ? [] : withoutGroups(groups, { ports: [], vteps: [], wire: false })
  }
}

/** What is sent to one group. */
export function groupFlows({ network, ports, domain }: NetworkGroups, group: string, to: Receiving): Flow[] {
  const match = group.includes(':') ? { ...is.ipv6, ipv6_dst: group } : { ...is.ipv4, ipv4_dst: group }
  return copiesOfIp(network, ports, domain, match, priority.group, to)
}

/** Bridged networks copy everything to everybody anyhow. */
function floodRouted(groups: NetworkGroups): Flow[] {
  if (!groups.network.routed) return []
  const { network, ports, domain } = groups
  const all = familiesOf(network).flatMap(({ all }) =>
    copiesOfIp(network, ports, domain, all, priority.allGroups, everybody(domain)),
  )
  return [...withinSubnet(groups), ...all]
}

function toListeners(groups: NetworkGroups, everything: Receiving): Flow[] {
  return [...withinSubnet(groups), ...withoutGroups(groups, everything)]
}

function withoutGroups({ network, ports, domain }: NetworkGroups, everything: Receiving): Flow[] {
  return familiesOf(network).flatMap(({ all, link }) => [
    ...copiesOfIp(network, ports, domain, link, priority.linkGroups, everybody(domain)),
    ...copiesOfIp(network, ports, domain, all, priority.allGroups, everything),
  ])
}

/** No router is between members of a network, and nothing of it leaves it: a routed packet would lose one hop. */
function withinSubnet({ network, domain }: NetworkGroups): Flow[] {
  if (!network.routed) return []
  const families = familiesOf(network)
  return [
    ...families.map(({ all }) =>
      flow('multicast', 'Route', priority.exact, { ...all, Network: network.networkId }, [{ goto: 'Forward' }]),
    ),
    ...(domain.guarded.size > 0 ? judgeCopies(network, priority.guarded) : []),
  ]
}

function familiesOf({ ipv6Subnet }: NetworkView): { readonly all: GroupMatch; readonly link: GroupMatch }[] {
  const ipv4 = {
    all: { ...is.ipv4, ipv4_dst: allGroups.ipv4 },
    link: { ...is.ipv4, ipv4_dst: linkLocalGroups.ipv4 },
  }
  const ipv6 = {
    all: { ...is.ipv6, ipv6_dst: allGroups.ipv6 },
    link: { ...is.ipv6, ipv6_dst: linkLocalGroups.ipv6 },
  }
  return ipv6Subnet === '' ? [ipv4] : [ipv4, ipv6]
}

type GroupMatch = Pick<IpMatch, 'eth_type' | 'ipv4_dst' | 'ipv6_dst'>

/**
 * The agent hears who listens; routers on the wire do, too, and nobody else: who hears of another member may keep quiet (RFC 4541
 * section 2.1.1). Containers are no queriers.
 */
function membership({ network, ports, domain, limited }: NetworkGroups): Flow[] {
  const own = { Network: network.networkId, Origin: origin.endpoint }
  const hasIpv6 = network.ipv6Subnet !== ''
  const said = [...said4, ...(hasIpv6 ? said6 : [])]
  const handUp: Step<'Neighbour'>[] = [
    ...(limited ? [{ meter: meterOf(network) }] : []),
    { type: 'controller', controllerId: agentControllerId, userdata: membershipMark },
    { goto: 'Names' },
  ]
  const routers = { ports: [], vteps: [], wire: true }
  return [
    ...said.map((message) => flow('multicast', 'Neighbour', priority.exact, { ...own, ...message }, handUp)),
    ...(hasIpv6 ? [flow('multicast', 'Neighbour', priority.forbid, { ...own, ...is.mldQuery }, [])] : []),
    ...said.flatMap((message) => {
      const match = { ...message, Origin: origin.endpoint }
      return copiesOfIp(network, ports, domain, match, priority.membership, routers)
    }),
  ]
}
