// The pipeline as one declaration: which tables there are, what each is for, what it may match, where a packet may go
// next and what happens to a packet that matches nothing. docs/pipeline.md is generated from it. A flow that breaks its
// table's contract does not type-check (see flow.ts).

import type { FieldName } from '../../protocols/openflow/index.ts'
import type { MetadataName } from './fields.ts'

export type MatchName = FieldName | MetadataName

export interface TableSpec<Name extends string = string> {
  readonly id: number
  readonly why: string
  readonly matches: readonly MatchName[]
  readonly next: readonly Name[]
  /** `drop`, or the table a packet goes on to that no flow matched. */
  readonly miss: 'drop' | Name
}

/** Checks while types are checked that every `next` and `miss` names a table; checks at load that ids only grow. */
export function definePipeline<const T extends Record<string, TableSpec<Extract<keyof T, string>>>>(tables: T): T {
  for (const [name, table] of Object.entries(tables)) {
    for (const next of [...table.next, table.miss]) {
      const target = tables[next]
      if (target !== undefined && target.id <= table.id) throw new Error(`table ${name} cannot go back to ${next}`)
    }
  }
  return tables
}

/** What a rule of a policy may compare in either direction. */
const ruleMatches = [
  'conj_id',
  'eth_type',
  'ipv4_dst',
  'ip_proto',
  'tcp_dst',
  'udp_dst',
  'sctp_dst',
  'icmpv6_type',
] as const

// Ids leave room around Output.
export const pipeline = definePipeline({
  Classify: {
    id: 0,
    why: 'which port is this: sets Origin, Tenant, Network; an unknown port carries nothing',
    matches: ['in_port', 'vlan_vid', 'tun_src'],
    next: ['Tunnel', 'SpoofGuard', 'Neighbour', 'Service'],
    miss: 'drop',
  },
  Tunnel: {
    id: 1,
    why: 'the network a packet from a known tunnel end belongs to, by VNI',
    matches: ['tun_id'],
    next: ['Service'],
    miss: 'drop',
  },
  SpoofGuard: {
    id: 4,
    why: 'a local endpoint may only speak for its own addresses, and never as a router or DHCP server',
    matches: [
      'in_port',
      'eth_src',
      'eth_type',
      'ipv4_src',
      'ipv6_src',
      'arp_spa',
      'arp_sha',
      'ip_proto',
      'udp_src',
      'icmpv6_type',
      'nd_target',
      'nd_sll',
      'nd_tll',
    ],
    next: ['Neighbour'],
    miss: 'drop',
  },
  Neighbour: {
    id: 8,
    why: 'ARP, neighbour discovery and gateway echo, answered in the switch; the agent hears who listens to groups',
    matches: [
      'in_port',
      'Origin',
      'Network',
      'eth_type',
      'arp_op',
      'arp_tpa',
      'ip_proto',
      'ipv4_dst',
      'icmpv4_type',
      'ipv6_src',
      'ipv6_dst',
      'icmpv6_type',
      'nd_target',
    ],
    next: ['NeighbourAnswer', 'Names', 'Forward'],
    miss: 'Names',
  },
  NeighbourAnswer: {
    id: 9,
    why: 'second half of a neighbour advertisement: its option can only be set once it is one',
    matches: ['eth_type', 'ip_proto', 'icmpv6_type'],
    next: [],
    miss: 'drop',
  },
  Names: {
    id: 12,
    why: "DNS from endpoints is turned to the host's resolver, and its answers back",
    matches: [
      'Origin',
      'Tenant',
      'Network',
      'Routed',
      'eth_type',
      'ip_proto',
      'udp_dst',
      'tcp_dst',
      'ipv4_src',
      'ipv4_dst',
      'ipv6_src',
      'ipv6_dst',
    ],
    next: ['NamesOut', 'Output', 'Service'],
    miss: 'Service',
  },
  NamesOut: {
    id: 13,
    why: "a translated DNS query leaves by the host's port, from an address that names the asking port",
    matches: ['eth_type'],
    next: [],
    miss: 'drop',
  },
  Service: {
    id: 16,
    why: 'what is sent to a service, and what its providers answer, is looked up among the connections of its tenant',
    matches: [
      'Origin',
      'Tenant',
      'Network',
      'Routed',
      'eth_type',
      'ipv4_src',
      'ipv4_dst',
      'ip_proto',
      'icmpv4_type',
      'tcp_src',
      'tcp_dst',
      'udp_src',
      'udp_dst',
    ],
    next: ['ServicePick', 'Route'],
    miss: 'Route',
  },
  ServicePick: {
    id: 18,
    why: 'what opens a connection to a service gets a provider; what belongs to one has its own by now',
    matches: [
      'Tenant',
      'Network',
      'Routed',
      'eth_type',
      'ipv4_src',
      'ipv4_dst',
      'ip_proto',
      'tcp_src',
      'tcp_dst',
      'udp_src',
      'udp_dst',
    ],
    next: ['Provider'],
    miss: 'Provider',
  },
  Provider: {
    id: 20,
    why: 'counts what goes to a provider of a service, and what comes from it; in bridged networks it gets its MAC here',
    matches: ['Tenant', 'Network', 'Routed', 'Service', 'eth_type', 'ipv4_src', 'ipv4_dst'],
    next: ['Route'],
    miss: 'Route',
  },
  Route: {
    id: 28,
    why: 'a packet that leaves its subnet passes a router: its TTL drops by one',
    matches: ['Origin', 'Network', 'Routed', 'eth_type', 'ipv4_dst', 'ipv6_dst'],
    next: ['Forward'],
    miss: 'drop',
  },
  Forward: {
    id: 30,
    why: 'where the packet goes: by address in routed networks, by MAC in bridged ones; multicast to who listens',
    matches: [
      'Origin',
      'Tenant',
      'Network',
      'Routed',
      'eth_type',
      'eth_dst',
      'ipv4_dst',
      'ipv6_dst',
      'ip_proto',
      'icmpv6_type',
    ],
    next: ['Track', 'Egress'],
    miss: 'drop',
  },
  Track: {
    id: 34,
    why: 'packets from and to groups with policies are looked up among the connections of their tenant',
    matches: ['SourceGroup', 'Receiver', 'eth_type', 'ip_proto', 'icmpv6_type'],
    next: ['State', 'Output'],
    miss: 'Output',
  },
  State: {
    id: 36,
    why: 'what belongs to a connection that was allowed passes; what opens one is judged',
    matches: [
      'ct_state',
      'ct_mark',
      'SourceGroup',
      'Receiver',
      'eth_type',
      'ip_proto',
      'tcp_flags',
      'tcp_src',
      'tcp_dst',
    ],
    next: ['DestinationOf', 'Commit', 'SenderCount', 'Output'],
    miss: 'DestinationOf',
  },
  DestinationOf: {
    id: 38,
    why: 'the group of a receiver that is found by wire, by its address',
    matches: ['Tenant', 'Receiver', 'eth_type', 'ipv4_dst', 'ipv6_dst'],
    next: ['Egress'],
    miss: 'Egress',
  },
  Egress: {
    id: 40,
    why: "outgoing rules of the sender's group; only senders on this host have one yet",
    matches: [...ruleMatches, 'SourceGroup', 'DestinationGroup', 'ipv6_dst'],
    next: ['EgressDenied', 'SourceOf'],
    miss: 'SourceOf',
  },
  EgressDenied: {
    id: 42,
    why: 'what outgoing rules deny: dropped, logged, or let on if its connection is open and may stay so',
    matches: ['Established', 'Cut', 'Log', 'Flood', 'eth_type'],
    next: ['SourceOf'],
    miss: 'drop',
  },
  SourceOf: {
    id: 44,
    why: 'the group of a sender elsewhere, by its address',
    matches: ['Origin', 'Tenant', 'tun_src', 'eth_type', 'ipv4_src', 'ipv6_src'],
    next: ['Ingress'],
    miss: 'Ingress',
  },
  Ingress: {
    id: 46,
    why: "incoming rules of the receiver's group, where the receiver is on this host",
    matches: [...ruleMatches, 'SourceGroup', 'Receiver', 'ipv4_src', 'ipv6_src'],
    next: ['IngressDenied', 'Commit'],
    miss: 'Commit',
  },
  IngressDenied: {
    id: 48,
    why: 'the same of incoming rules',
    matches: ['Established', 'Cut', 'Log', 'Flood', 'eth_type'],
    next: ['Commit'],
    miss: 'drop',
  },
  Commit: {
    id: 50,
    why: 'an allowed connection is remembered, and with it its replies',
    matches: ['Flood', 'Established', 'ct_state', 'eth_type'],
    next: ['Output'],
    miss: 'Output',
  },
  SenderCount: {
    id: 52,
    why: 'counts what open connections carry, by the outgoing rule that allowed them',
    matches: ['ct_label'],
    next: ['ReceiverCount'],
    miss: 'ReceiverCount',
  },
  ReceiverCount: {
    id: 54,
    why: 'the same by the incoming rule',
    matches: ['ct_label'],
    next: ['Output'],
    miss: 'Output',
  },
  Output: {
    id: 60,
    why: 'out of OutPort, tagged when that is the uplink; a copy for each member where the packet is flooded',
    matches: [
      'in_port',
      'Origin',
      'Network',
      'Flood',
      'Served',
      'OutPort',
      'eth_type',
      'ipv4_dst',
      'ipv6_dst',
      'ip_proto',
      'icmpv6_type',
    ],
    next: [],
    miss: 'drop',
  },
})

export type TableName = keyof typeof pipeline

export const tableNames: readonly TableName[] = (Object.keys(pipeline) as TableName[]).sort(
  (a, b) => pipeline[a].id - pipeline[b].id,
)

/** The name of a table id, for printing flows. */
export function tableName(id: number): string {
  return tableNames.find((name) => pipeline[name].id === id) ?? `table ${id}`
}
