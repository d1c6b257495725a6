// Policy around its rules: which packets are tracked, which of them are judged, who their other side is, and what is
// remembered. Only on nodes that have a member of a group with policies.

import type { Flow } from '../../../protocols/openflow/index.ts'
import { ctState } from '../../../protocols/openflow/index.ts'
import type { GroupMember, PolicyGroup } from '../../compile/node-policy.ts'
import { connection, decidedBy, origin, range } from '../fields.ts'
import { flow, type Step, tableId } from '../flow.ts'
import { is } from '../packets.ts'
import { priority } from '../priorities.ts'
import { deniedFlows, stateIs, underWay } from './denied.ts'

const lookUp: Step<'Track'> = { type: 'ct', zone: range('Tenant'), table: tableId('State') }
/** Also a connection that was cut and is allowed anew. */
const remember: Step<'Commit'> = {
  type: 'ct',
  zone: range('Tenant'),
  commit: true,
  exec: [
    ...(['out', 'in'] as const).map((direction) => ({
      type: 'move' as const,
      from: { field: decidedBy[direction], offset: 0, bits: 64 },
      to: connection.allowedBy[direction],
    })),
    { type: 'set_field', field: 'ct_mark', value: 0, mask: connection.cut },
  ],
}
/** From where systems take ports for those who connect; who serves has a smaller one. */
const upperHalf = 0x8000

export function policyFlows(): Flow[] {
  const isCut = { ct_mark: { value: connection.cut, mask: connection.cut } } as const
  return [
    ...neighboursPass(),
    flow('policy', 'State', priority.forbid, stateIs(ctState.inv), []),
    // Whoever began it has to be allowed again, and until then there is nothing to answer.
    flow('policy', 'State', priority.forbid, { ...stateIs(ctState.rpl), ...isCut }, []),
    flow('policy', 'State', priority.cut, { ...stateIs(0, ctState.rpl), ...isCut }, [{ goto: 'DestinationOf' }]),
    flow('policy', 'State', priority.exact, stateIs(ctState.est), [{ goto: 'SenderCount' }]),
    flow('policy', 'State', priority.exact, stateIs(ctState.rel), [{ goto: 'Output' }]),
    ...underWay().flatMap((packet) => [
      // Opened before anybody looked: a rule stops connections from being opened, and this one is open.
      flow('policy', 'State', priority.exact, packet, [{ goto: 'Commit' }]),
      // Who serves does not begin: to be remembered the right way round, the connection waits for the other side's next packet.
      flow('policy', 'State', priority.guarded, { ...packet, ...answer }, [{ goto: 'Output' }]),
    ]),
    ...deniedFlows(),
    flow('policy', 'Commit', priority.self, { Established: 1, ...stateIs(ctState.est) }, [{ goto: 'Output' }]),
    flow('policy', 'Commit', priority.exact, { ...is.ipv4, Flood: 0 }, [remember, { goto: 'Output' }]),
    flow('policy', 'Commit', priority.exact, { ...is.ipv6, Flood: 0 }, [remember, { goto: 'Output' }]),
  ]
}

const answer = {
  tcp_src: { value: 0, mask: upperHalf },
  tcp_dst: { value: upperHalf, mask: upperHalf },
} as const

/** Neighbour discovery is to IPv6 what ARP is to IPv4: no rule is about it. */
function neighboursPass(): Flow[] {
  return [is.neighbourSolicitation, is.neighbourAdvertisement].flatMap((message) => [
    flow('policy', 'Track', priority.permit, message, [{ goto: 'Output' }]),
    flow('policy', 'Egress', priority.neighbours, message, [{ goto: 'SourceOf' }]),
    flow('policy', 'Ingress', priority.neighbours, message, [{ goto: 'Commit' }]),
  ])
}

/** Both directions of what a member's connections carry are tracked: the state of a connection needs them. */
export function groupFlows({ groupId, defaultAction, ipv6 }: PolicyGroup): Flow[] {
  const [from, to] = [{ SourceGroup: groupId }, { Receiver: groupId }]
  const flows = [
    flow('policy', 'Track', priority.exact, { ...is.ipv4, ...from }, [lookUp]),
    flow('policy', 'Track', priority.exact, { ...is.ipv4, ...to }, [lookUp]),
  ]
  if (defaultAction === 'deny') {
    flows.push(
      flow('policy', 'Egress', priority.rest, from, [{ goto: 'EgressDenied' }]),
      flow('policy', 'Ingress', priority.rest, to, [{ goto: 'IngressDenied' }]),
    )
  }
  // Who has no IPv6 address gets no IPv6 either: its rules need not be there twice.
  if (!ipv6) {
    return [
      ...flows,
      flow('policy', 'Track', priority.forbid, { ...is.ipv6, ...to }, []),
      flow('policy', 'Ingress', priority.beforeRules, { ...is.ipv6, ...to }, []),
    ]
  }
  return [
    ...flows,
    flow('policy', 'Track', priority.exact, { ...is.ipv6, ...from }, [lookUp]),
    flow('policy', 'Track', priority.exact, { ...is.ipv6, ...to }, [lookUp]),
  ]
}

/** Who somebody elsewhere is: by his address and, where that can be seen, by the host he sends from. */
export function memberFlows({ tenantId, groupId, ipv4, ipv6, vtep, asSource, asDestination }: GroupMember): Flow[] {
  const flows: Flow[] = []
  if (asSource) {
    const from = { Tenant: tenantId, ...(vtep === undefined ? { Origin: origin.uplink } : { tun_src: vtep }) }
    const steps = [{ set: { SourceGroup: groupId } }, { goto: 'Ingress' }] as const
    flows.push(flow('policy', 'SourceOf', priority.exact, { ...is.ipv4, ...from, ipv4_src: ipv4 }, steps))
    for (const address of ipv6) {
      flows.push(flow('policy', 'SourceOf', priority.exact, { ...is.ipv6, ...from, ipv6_src: address }, steps))
    }
  }
  if (asDestination) {
    const to = { Tenant: tenantId, Receiver: 0 }
    const steps = [{ set: { DestinationGroup: groupId } }, { goto: 'Egress' }] as const
    flows.push(flow('policy', 'DestinationOf', priority.exact, { ...is.ipv4, ...to, ipv4_dst: ipv4 }, steps))
    for (const address of ipv6) {
      flows.push(flow('policy', 'DestinationOf', priority.exact, { ...is.ipv6, ...to, ipv6_dst: address }, steps))
    }
  }
  return flows
}
