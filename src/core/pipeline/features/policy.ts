// Policy around its rules: which packets are tracked, which of them are judged, who their other side is, and what is
// remembered. Only on nodes that have a member of a group with policies.

import type { Flow } from '../../../protocols/openflow/index.ts'
import { ctState } from '../../../protocols/openflow/index.ts'
import type { GroupMember, PolicyGroup } from '../../compile/node-policy.ts'
import { origin, range } from '../fields.ts'
import { flow, type Step, tableId } from '../flow.ts'
import { is } from '../packets.ts'
import { priority } from '../priorities.ts'

const lookUp: Step<'Track'> = { type: 'ct', zone: range('Tenant'), table: tableId('State') }
const remember: Step<'Commit'> = { type: 'ct', zone: range('Tenant'), commit: true }

function stateIs(bit: number) {
  return { ct_state: { value: bit, mask: bit } } as const
}

export function policyFlows(): Flow[] {
  return [
    ...neighboursPass(),
    flow('policy', 'State', priority.forbid, stateIs(ctState.inv), []),
    flow('policy', 'State', priority.exact, stateIs(ctState.est), [{ goto: 'Output' }]),
    flow('policy', 'State', priority.exact, stateIs(ctState.rel), [{ goto: 'Output' }]),
    ...[is.tcp, is.tcp6].map((tcp) => {
      // Opened before anybody looked: a rule stops connections from being opened, and this one is open.
      const underWay = { ...stateIs(ctState.new), ...tcp, tcp_flags: { value: 0, mask: synFlag } }
      return flow('policy', 'State', priority.exact, underWay, [{ goto: 'Commit' }])
    }),
    flow('policy', 'Commit', priority.exact, { ...is.ipv4, Flood: 0 }, [remember, { goto: 'Output' }]),
    flow('policy', 'Commit', priority.exact, { ...is.ipv6, Flood: 0 }, [remember, { goto: 'Output' }]),
  ]
}

const synFlag = 2

/** Neighbour discovery is to IPv6 what ARP is to IPv4: no rule is about it. */
function neighboursPass(): Flow[] {
  return [is.neighbourSolicitation, is.neighbourAdvertisement].flatMap((message) => [
    flow('policy', 'Track', priority.permit, message, [{ goto: 'Output' }]),
    flow('policy', 'Egress', priority.neighbours, message, [{ goto: 'SourceOf' }]),
    flow('policy', 'Ingress', priority.neighbours, message, [{ goto: 'Commit' }]),
  ])
}

/** Both directions of what a member's connections carry are tracked: the state of a connection needs them. */
export function groupFlows({ groupId, ipv6 }: PolicyGroup): Flow[] {
  const [from, to] = [{ SourceGroup: groupId }, { Receiver: groupId }]
  const flows = [
    flow('policy', 'Track', priority.exact, { ...is.ipv4, ...from }, [lookUp]),
    flow('policy', 'Track', priority.exact, { ...is.ipv4, ...to }, [lookUp]),
  ]
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
