// Endpoints of which a node has not heard yet. Their hosts let them speak as soon as they have all flows themselves, and others hear
// of them a moment later. Until then nobody knows which rules that name groups are about them: groups that have such rules neither
// hear them nor speak to them.

import type { Flow } from '../../../protocols/openflow/index.ts'
import type { WaryGroup, WireAddresses } from '../../compile/node-strangers.ts'
import { blockMatch, rangeToBlocks } from '../../policy/address-set.ts'
import { origin, strangers } from '../fields.ts'
import { flow, type TableMatch } from '../flow.ts'
import { is, prefix6 } from '../packets.ts'
import { priority } from '../priorities.ts'

/** By tunnel come endpoints alone: who is not known is a stranger. */
export function tunnelStrangers(): Flow[] {
  return [
    flow('policy', 'SourceOf', priority.rest, { Origin: origin.tunnel }, [
      { set: { SourceGroup: strangers } },
      { goto: 'Ingress' },
    ]),
  ]
}

export function waryFlows({ groupId, incoming, outgoing }: WaryGroup): Flow[] {
  const flows: Flow[] = []
  if (incoming) {
    const from = { SourceGroup: strangers, Receiver: groupId }
    flows.push(flow('policy', 'Ingress', priority.beforeRules, from, [{ goto: 'IngressDenied' }]))
  }
  if (outgoing) {
    const to = { SourceGroup: groupId, DestinationGroup: strangers }
    flows.push(flow('policy', 'Egress', priority.beforeRules, to, [{ goto: 'EgressDenied' }]))
  }
  return flows
}

/** On a wire there are others too: strangers are who have addresses that only endpoints are given. */
export function wireFlows(wire: WireAddresses): Flow[] {
  return [...(wire.asSource ? wireSenders(wire) : []), ...(wire.asDestination ? wireReceivers(wire) : [])]
}

function wireSenders({ tenantId, ipv4, ipv6, gateways }: WireAddresses): Flow[] {
  const from = { Tenant: tenantId, Origin: origin.uplink }
  const steps = [{ set: { SourceGroup: strangers } }, { goto: 'Ingress' }] as const
  const stranger = (match: TableMatch<'SourceOf'>) =>
    flow('policy', 'SourceOf', priority.network, { ...from, ...match }, steps)
  return [
    ...ipv4.flatMap(rangeToBlocks).map((block) => stranger({ ...is.ipv4, ipv4_src: blockMatch(block) })),
    ...ipv6.map((prefix) => stranger({ ...is.ipv6, ipv6_src: prefix6(prefix) })),
    ...gateways.map((address) => {
      const match = address.includes(':') ? { ...is.ipv6, ipv6_src: address } : { ...is.ipv4, ipv4_src: address }
      return flow('policy', 'SourceOf', priority.exact, { ...from, ...match }, [{ goto: 'Ingress' }])
    }),
  ]
}

/** A frame for one machine whose address is that of many hides who the machine is. */
const ofMany = { ipv4: { value: '224.0.0.0', mask: '224.0.0.0' }, ipv6: 'ff00::/8' }

function wireReceivers({ tenantId, ipv4, ipv6, gateways }: WireAddresses): Flow[] {
  const to = { Tenant: tenantId, Receiver: 0 }
  const steps = [{ set: { DestinationGroup: strangers } }, { goto: 'Egress' }] as const
  const stranger = (match: TableMatch<'DestinationOf'>) =>
    flow('policy', 'DestinationOf', priority.network, { ...to, ...match }, steps)
  return [
    ...ipv4.flatMap(rangeToBlocks).map((block) => stranger({ ...is.ipv4, ipv4_dst: blockMatch(block) })),
    stranger({ ...is.ipv4, ipv4_dst: ofMany.ipv4 }),
    ...[...ipv6, ofMany.ipv6].map((prefix) => stranger({ ...is.ipv6, ipv6_dst: prefix6(prefix) })),
    ...gateways.map((address) => {
      const match = address.includes(':') ? { ...is.ipv6, ipv6_dst: address } : { ...is.ipv4, ipv4_dst: address }
      return flow('policy', 'DestinationOf', priority.exact, { ...to, ...match }, [{ goto: 'Egress' }])
    }),
  ]
}
