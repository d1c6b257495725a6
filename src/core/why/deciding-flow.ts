// The flow by which a node decides about a connection, found as its switch finds it: among the flows of policy that this
// node is rendered, without those of other levels than the deciding one.

import type { ClusterState, RuleRecord } from '../../model/state.ts'
import type { WhyFlow } from '../../model/why.ts'
import { canonicalMatch, ctState, type Flow, formatMatch } from '../../protocols/openflow/index.ts'
import { NodeCompiler } from '../compile/compile-node.ts'
import { metadataMatch } from '../pipeline/fields.ts'
import { PolicyFlows } from '../pipeline/policy-flows.ts'
import { printFlow } from '../pipeline/print.ts'
import { FlowTables } from '../pipeline/simulate/flow-tables.ts'
import { type Fields, fieldsOf, ip } from '../pipeline/simulate/packet.ts'
import { pipeline } from '../pipeline/tables.ts'
import { withRules } from '../policy/hypothetical.ts'
import type { PolicyRule } from '../policy/rule.ts'

/** What is judged; of groups, one of their members. */
export interface Judged {
  readonly tenantId: number
  readonly source: string
  readonly destination: string
  readonly protocol: number
  readonly port: number
  /** Group ids; 0: none. */
  readonly sourceGroup: number
  readonly destinationGroup: number
}

interface Decision {
  /** The one that decides; undefined where none does; `stranger`: it is decided before rules are asked. */
  readonly rule: PolicyRule | 'stranger' | undefined
  readonly judged: Judged
}

/** undefined where the node has no policy for it. */
export function decidingFlow(
  state: ClusterState,
  node: string,
  direction: 'in' | 'out',
  { rule, judged }: Decision,
): WhyFlow | undefined {
  // Levels share no flow: those of other rules need not be rendered.
  const level = withRules(state, (other) => (rule === 'stranger' ? namesGroup(other) : isOfLevel(other, rule)))
  const network = new NodeCompiler(node).compile(level)
  if (network.policy === undefined) return undefined
  const table = direction === 'in' ? 'Ingress' : 'Egress'
  const flows = new PolicyFlows().render(network).filter((flow) => flow.table === pipeline[table].id)
  const tables = new FlowTables(flows)
  const flow = tables.lookup(pipeline[table].id, fieldsAt(table, judged))
  return flow === undefined ? undefined : flowText(flow, table)
}

function isOfLevel(
  { direction, priority, action, established, log }: RuleRecord,
  rule: PolicyRule | undefined,
): boolean {
  if (rule?.direction !== direction || rule.priority !== priority || rule.action !== action) return false
  return rule.cuts === (established === 'drop') && rule.logs === (log === true)
}

function namesGroup({ fromEndpointGroup, toEndpointGroup }: RuleRecord): boolean {
  return fromEndpointGroup !== '' || toEndpointGroup !== ''
}

const destinationPorts: Readonly<Record<number, 'tcp_dst' | 'udp_dst' | 'sctp_dst'>> = {
  6: 'tcp_dst',
  17: 'udp_dst',
  132: 'sctp_dst',
}

/** A new connection's first packet as it comes to the table. */
function fieldsAt(table: 'Egress' | 'Ingress', judged: Judged): Fields {
  const { tenantId, source, destination, protocol, port, sourceGroup, destinationGroup } = judged
  const nobody = '00:00:00:00:00:00'
  const portField = destinationPorts[protocol]
  const packet = {
    ...ip({ mac: nobody, ip: source }, { mac: nobody, ip: destination }, protocol),
    ...(portField === undefined ? {} : { [portField]: port }),
    ...(protocol === 6 ? { tcp_flags: 2 } : {}),
    ct_state: ctState.trk | ctState.new,
  }
  const known = metadataMatch({
    Tenant: tenantId,
    SourceGroup: sourceGroup,
    DestinationGroup: destinationGroup,
    ...(table === 'Ingress' ? { Receiver: destinationGroup } : {}),
  })
  const registers = Object.entries(known).map(([name, wanted]) => [
    name,
    typeof wanted === 'object' ? wanted.value : wanted,
  ])
  return fieldsOf({ ...packet, ...Object.fromEntries(registers) })
}

function flowText(flow: Flow, tableName: string): WhyFlow {
  return {
    table: flow.table,
    tableName,
    priority: flow.priority,
    cookie: `0x${flow.cookie.toString(16)}`,
    match: formatMatch(canonicalMatch(flow.match)),
    text: printFlow(flow),
  }
}
