// docs/pipeline.md as text, made from the declarations: tables, metadata, priorities, features and costs.

import { type Feature, features } from './cookies.ts'
import { costs } from './costs.ts'
import { metadata, origin } from './fields.ts'
import { priority, rulePriority } from './priorities.ts'
import type { TableSpec } from './table-spec.ts'
import { pipeline, tableNames } from './tables.ts'

const priorityMeanings: Readonly<Record<keyof typeof priority, string>> = {
  neighbours: 'neighbour discovery, which no rule of a policy is about',
  beforeRules: 'what is decided whatever the rules of policies say',
  permit: 'exceptions to what is forbidden',
  forbid: 'what must never pass, whatever else a flow of the table allows',
  cut: 'connections that a rule has ended, whatever their state',
  guarded: 'what policy must see first, before `self` and `exact` let it go',
  membership: 'what endpoints here say about the groups they listen to',
  group: 'one multicast group; one more for what endpoints here send',
  linkGroups: 'multicast groups of the link, in the same way',
  allGroups: 'all multicast groups, in the same way',
  self: "more exact than exact: the packet's own port or address, or its origin",
  exact: 'one object: an address, a port, a VNI',
  standIn: 'answers for an address that no exact flow knows better',
  network: 'a whole network, where no exact flow applies',
  inner: 'what is inside, before what is not',
  rest: 'what nothing else of the table applies to',
  miss: 'what a packet does that no flow matched; absent where it is dropped',
}

const featureMeanings: Readonly<Record<Feature, string>> = {
  base: 'there whatever the cluster holds: misses, what containers never may send, routing, output',
  endpoint: 'admission, spoof guard and forwarding of one endpoint',
  neighbour: 'ARP, neighbour discovery and echo answered in the switch',
  names: "DNS to and from the host's resolver",
  network: 'subnets and broadcasts of one network',
  tunnel: 'which tunnel ends are believed, and which network a VNI is',
  uplink: 'VLANs in and out',
  policy: 'policies: connections, rules, and who members of groups elsewhere are',
  multicast: 'multicast of IP, and what endpoints say about groups',
  service: 'services: their addresses, their providers, and what these answer',
  outside: 'out of networks by the kernel, and into them by published ports',
}

const lowestRule = rulePriority({ priority: 1, action: 'allow', cuts: false, logs: false })
const highestRule = rulePriority({ priority: 100, action: 'deny', cuts: true, logs: true })

const costNames: Readonly<Record<keyof typeof costs, string>> = {
  base: 'the node itself',
  names: 'names',
  peer: 'peer',
  routedNetwork: 'routed network',
  routedNetworkDual: 'routed network, dual stack',
  bridgedNetwork: 'bridged network',
  snoopedNetwork: 'network with `--multicast=snoop`',
  snoopedNetworkDual: 'the same, dual stack',
  multicastGroup: 'multicast group with members',
  localEndpoint: 'local endpoint',
  localEndpointDual: 'local endpoint, dual stack',
  limitedEndpoint: 'local endpoint with a bandwidth',
  remoteEndpoint: 'remote endpoint',
  remoteEndpointDual: 'remote endpoint, dual stack',
  policy: 'policy',
  policyGroup: 'group with policies',
  denyingGroup: 'group that denies by default',
  cuttingGroup: 'group with rules that end connections',
  loggedRules: 'rules that log',
  strangers: 'policy that names groups',
  waryGroup: 'group that is wary of strangers',
  groupMember: 'remote endpoint, known by its group',
  service: 'service',
  servicePort: 'port of a service',
  serviceProvider: 'provider of a service',
  probedProvider: 'probed provider',
  answeringProvider: 'provider, with one port',
  outside: 'way out',
  outsideTenant: 'tenant with a way out',
  outsideNetwork: 'network with a way out',
  outsideEndpoint: 'local endpoint with a way out',
}

const drawing = `
 endpoint's port     tunnel port     uplink     host's port
        │                 │             │            │
        ▼                 ▼             ▼            ▼
 ┌─────────────────────────── Classify ──────────────────────────┐   an unknown port carries nothing
 └──────┬─────────────────┬─────────────┬────────────┬───────────┘
        ▼                 ▼             │            │
   SpoofGuard          Tunnel           │            │               lies end here; so do unknown VNIs
        │                 │             │            │
        ▼                 │             │            │
    Neighbour ◄───────────┼─────────────┼────────────┘
        ├─────────────────┼─────────────┼──► answered: back out of its port (IPv6: by NeighbourAnswer)
        ▼                 │             │
      Names               │             │
        ├── ct(nat) ──────┼─────────────┼──► NamesOut ──► the host's resolver
        ├── ct(nat) ──────┼─────────────┼──► Output       its answers, to the endpoint that asked
        ▼                 ▼             ▼
     Service ─── of no service ────────────────► Route
        │ ct(nat)
        ▼
    ServicePick ─── new: ct(commit,nat) to a provider ──► Provider
        │ of an open connection, translated
        ▼
     Provider                                                        counted
        ▼
      Route                                                          TTL, where a router is crossed
        │
        ▼
 ┌─────────────────────────── Forward ───────────────────────────┐   by address, or by MAC
 └───────────────────────────────┬───────────────────────────────┘
                                 ▼
                               Track ────► Output                        nobody with a policy sends or receives it
                                 │ ct
                                 ▼
                               State ────► SenderCount                   of an open connection; Commit if under way
                                 │
                                 ▼
                       DestinationOf, Egress ──► EgressDenied            dropped; on to SourceOf if its connection is open
                                 │
                                 ▼
                         SourceOf, Ingress ────► IngressDenied           dropped; on to Commit if its connection is open
                                 │
                                 ▼
                               Commit ──────► Output                     ct(commit)

                     SenderCount, ReceiverCount                          by the rules that allowed the connection
                                 │
                                 ▼
                              Output ──► an endpoint, a tunnel, or the uplink with its tag
                                 │ ct(commit,nat)
                                 ▼
                             OutsideOut ──► the kernel, from an address that names the sending port

 What the kernel sends (port np-outside): Classify, Neighbour, OutsideIn ── ct(nat) ──► OutsideBack ──► Forward
`

/** The whole document. */
export function describePipeline(): string {
  return [
    '<!-- Made by tools/describe-pipeline.ts from src/core/pipeline. Change that, then run it: node tools/describe-pipeline.ts -->',
    '# The pipeline',
    'What the integration bridge `np-int` of a host does with a packet. Every table is declared in `src/core/pipeline/tables.ts`,',
    'every bit of metadata in `fields.ts`; flows come from `features/`. A flow that breaks the contract of its table does not',
    'type-check. `test/scenarios` holds the flows of small clusters, by table, and who reaches whom in them; `test/oracle` holds',
    'the simulator to what Open vSwitch does.',
    '',
    '## The path of a packet',
    `\`\`\`text${drawing}\`\`\``,
    'Bridged ARP and neighbour questions that nobody here can answer go from Neighbour straight to Forward. What came by tunnel',
    'was checked by the host that sent it; it goes to endpoints only, never into a tunnel again, nor back to the wire.',
    'Where a member of a network has a policy, IP for several passes Egress, and from Output each copy passes Ingress.',
    'Multicast of IP goes to who listens (docs/multicast.md); copies for all and copies for some differ in their ports only.',
    '',
    '## Tables',
    ...tableRows(),
    '',
    ...tableNames.flatMap(contract),
    '## Metadata',
    'Registers that a packet carries through the tables; none leaves with it.',
    '',
    ...metadataRows(),
    '',
    'Numbers of rules: what decides leaves its number in `xreg6` at the sender and in `xreg7` at the receiver; an allowed connection keeps both',
    'in `ct_label`. Bit 0 of `ct_mark` says that a rule ended the connection.',
    '',
    '## Priorities',
    ...priorityRows(),
    '',
    '## Cookies',
    'The cookie of a flow is `0x6e70` (`np`: it is ours), 8 bits for the feature that made it, and 40 bits of a hash of the',
    'whole flow. A restarted agent reads cookies back and knows its own flows, and which of them are up to date.',
    '',
    ...featureRows(),
    '',
    '## Cost',
    'Flows on a node:',
    '',
    ...costRows(),
    '',
  ].join('\n')
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const line = (cells: readonly string[]) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)]
}

function tableRows(): string[] {
  return table(
    ['id', 'table', 'what it is for', 'a packet that no flow matches'],
    tableNames.map((name) => {
      const { id, why, miss } = pipeline[name]
      return [String(id), name, why, miss === 'drop' ? 'is dropped' : `goes on to ${miss}`]
    }),
  )
}

function contract(name: keyof typeof pipeline): string[] {
  const spec: TableSpec = pipeline[name]
  const next = spec.next.length === 0 ? 'none: packets leave here, or end' : spec.next.join(', ')
  return [
    `### ${name}`,
    `- matches: ${spec.matches.map((match) => `\`${match}\``).join(', ')}`,
    `- next tables: ${next}`,
    '',
  ]
}

function metadataRows(): string[] {
  const origins = Object.entries(origin).map(([name, value]) => `${value} ${name}`)
  return table(
    ['name', 'bits', 'what it says'],
    Object.entries(metadata).map(([name, { field, offset, bits, why }]) => [
      name,
      `${field}[${offset}..${offset + bits - 1}]`,
      name === 'Origin' ? `${why}: ${origins.join(', ')}` : why,
    ]),
  )
}

function priorityRows(): string[] {
  const names = Object.keys(priority) as (keyof typeof priority)[]
  names.sort((a, b) => priority[b] - priority[a])
  return table(
    ['priority', 'name', 'for'],
    [
      ...names.map((name) => [String(priority[name]), name, priorityMeanings[name]]),
      [`${lowestRule} to ${highestRule}`, 'rules', 'Egress and Ingress: 300 + 2 x priority of the rule, + 1 for deny'],
    ],
  )
}

function featureRows(): string[] {
  const names = Object.keys(features) as Feature[]
  return table(
    ['number', 'feature', 'its flows'],
    names.map((name) => [String(features[name]), name, featureMeanings[name]]),
  )
}

function costRows(): string[] {
  const names = Object.keys(costs) as (keyof typeof costs)[]
  return table(
    ['object', 'flows', 'when'],
    names.map((name) => [costNames[name], String(costs[name].flows), costs[name].why]),
  )
}
