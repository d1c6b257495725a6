// Packets that several members of a network get: a copy to each port, into each tunnel, and onto the wire.

import type { Action, Flow } from '../../../protocols/openflow/index.ts'
import type { NetworkView } from '../../compile/node-network.ts'
import { origin } from '../fields.ts'
import { flow, type Step, type TableMatch, tableId } from '../flow.ts'
import { is, tagged } from '../packets.ts'

/** Who a network's broadcasts go to. */
export interface BroadcastDomain {
  /** OpenFlow ports of its local endpoints, ascending. */
  readonly localPorts: readonly number[]
  /** Group of those whose group has a policy. */
  readonly guarded: ReadonlyMap<number, number>
  /** Tunnel ends of the nodes that have endpoints of it, sorted. */
  readonly vteps: readonly string[]
}

/** Some of a domain. On a VLAN the wire is one of them: who listens behind it is not known here. */
export interface Receiving {
  readonly ports: readonly number[]
  readonly vteps: readonly string[]
  readonly wire: boolean
}

export interface NetworkPorts {
  readonly vxlan: number | undefined
  readonly uplink: number | undefined
}

export const groupBit = { value: '01:00:00:00:00:00', mask: '01:00:00:00:00:00' }

export function everybody({ localPorts, vteps }: BroadcastDomain): Receiving {
  return { ports: localPorts, vteps, wire: true }
}

/** What a copied packet of IP may be told by. */
export type IpMatch = Pick<
  TableMatch<'Output'>,
  'Origin' | 'eth_type' | 'ipv4_dst' | 'ipv6_dst' | 'ip_proto' | 'icmpv6_type'
>

/**
 * For what is sent to several by IP. What came from elsewhere goes to endpoints here only. Where a member has a policy it is judged
 * once as the sender's, and for each receiver with a policy as that one's.
 */
export function copiesOfIp(
  network: NetworkView,
  ports: NetworkPorts,
  domain: BroadcastDomain,
  match: IpMatch,
  priority: number,
  to: Receiving,
): Flow[] {
  const on = { ...match, Network: network.networkId }
  const out = copiesOut(network, ports, to)
  const copies = (here: Omit<IpMatch, 'eth_type'>, above: number, beyond: readonly Action[]): Flow => {
    if (domain.guarded.size === 0) {
      const steps = [...copiesHere(to), ...beyond]
      return flow('multicast', 'Forward', priority + above, { ...on, ...here, eth_dst: groupBit }, steps)
    }
    const steps = [...judgedCopies(domain, to), ...beyond]
    return flow('multicast', 'Output', priority + above, { ...on, ...here, Flood: 1, OutPort: 0 }, steps)
  }
  if (match.Origin === origin.endpoint) return [copies({}, 0, out)]
  return [copies({}, 0, []), ...(out.length === 0 ? [] : [copies({ Origin: origin.endpoint }, 1, out)])]
}

/** Where a member has a policy, IP for several passes Egress before it is copied in Output. */
export function judgeCopies({ networkId }: NetworkView, priority: number): Flow[] {
  return [is.ipv4, is.ipv6].map((family) =>
    flow('network', 'Forward', priority, { Network: networkId, ...family, eth_dst: groupBit }, [
      { set: { Flood: 1 } },
      { goto: 'Egress' },
    ]),
  )
}

export function copiesHere({ ports }: Receiving): Action[] {
  return ports.map((port) => ({ type: 'output', port }))
}

export function judgedCopies({ guarded }: BroadcastDomain, { ports }: Receiving): Step<'Output'>[] {
  const open = ports.filter((port) => !guarded.has(port))
  return [
    ...open.map((port): Action => ({ type: 'output', port })),
    ...ports.flatMap((port): Step<'Output'>[] => {
      const groupId = guarded.get(port)
      if (groupId === undefined) return []
      return [{ set: { OutPort: port, Receiver: groupId } }, { type: 'resubmit', table: tableId('Ingress') }]
    }),
  ]
}

export function copiesOut(network: NetworkView, ports: NetworkPorts, { vteps, wire }: Receiving): Action[] {
  if (network.encap.kind === 'vlan') {
    return ports.uplink === undefined || !wire ? [] : tagOut(network.encap.vlan, ports.uplink)
  }
  const { vxlan } = ports
  if (vxlan === undefined || vteps.length === 0) return []
  return [
    { type: 'set_field', field: 'tun_id', value: BigInt(network.encap.vni) },
    ...vteps.flatMap((vtep): Action[] => [
      { type: 'set_field', field: 'tun_dst', value: vtep },
      { type: 'output', port: vxlan },
    ]),
  ]
}

export function tagOut(vlan: number, uplink: number): Action[] {
  return [
    { type: 'push_vlan' },
    { type: 'set_field', field: 'vlan_vid', value: tagged(vlan) },
    { type: 'output', port: uplink },
  ]
}
