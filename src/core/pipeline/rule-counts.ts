// What the flows of a node have counted, by rule: the packets that rules decided about, and what the connections carried that
// they allowed.

import type { Flow, FlowStats } from '../../protocols/openflow/index.ts'
import { connection, decidedBy } from './fields.ts'
import { ruleNumber } from './rule-number.ts'
import type { TableName } from './tables.ts'

/** The tables whose flows count for rules. */
export const countingTables = ['Egress', 'Ingress', 'SenderCount', 'ReceiverCount'] as const satisfies TableName[]

export interface RuleCount {
  readonly key: string
  readonly packets: bigint
  readonly bytes: bigint
}

/** Of these rules, by key; of a flow that rules share the first of them. Both directions of a connection count. */
export function countRules(flows: Iterable<FlowStats>, keys: Iterable<string>): readonly RuleCount[] {
  const sums = new Map<bigint, { packets: bigint; bytes: bigint }>()
  for (const flow of flows) {
    const number = ruleOf(flow)
    if (number === undefined) continue
    const sum = sums.get(number) ?? { packets: 0n, bytes: 0n }
    sum.packets += flow.packets
    sum.bytes += flow.bytes
    sums.set(number, sum)
  }
  return [...keys].map((key) => ({ key, ...(sums.get(ruleNumber(key)) ?? { packets: 0n, bytes: 0n }) }))
}

/** The number of the rule by which a flow decides, or of which it counts connections. */
function ruleOf({ match, actions }: Flow): bigint | undefined {
  const label = match.ct_label
  if (typeof label === 'object' && typeof label.value === 'bigint') {
    const { offset } = connection.allowedBy.out
    return label.value >> (label.value >> BigInt(offset) === 0n ? 0n : BigInt(offset))
  }
  for (const action of actions) {
    if (action.type !== 'set_field' || (action.field !== decidedBy.in && action.field !== decidedBy.out)) continue
    if (typeof action.value === 'bigint') return action.value
  }
  return undefined
}
