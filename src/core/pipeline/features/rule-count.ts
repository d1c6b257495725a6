// What the connections carry that a rule allowed. The rule's own flow sees only the packet that opens one; the others are
// counted by what conntrack remembers of it.

import type { Flow } from '../../../protocols/openflow/index.ts'
import type { PolicyRule } from '../../policy/rule.ts'
import { connection } from '../fields.ts'
import { flow } from '../flow.ts'
import { priority } from '../priorities.ts'
import { ruleNumber } from '../rule-number.ts'

/** Of a rule that allows. */
export function countFlow({ key, direction }: Pick<PolicyRule, 'key' | 'direction'>): Flow {
  const { offset, bits } = connection.allowedBy[direction]
  const mask = ((1n << BigInt(bits)) - 1n) << BigInt(offset)
  const match = { ct_label: { value: ruleNumber(key) << BigInt(offset), mask } }
  return direction === 'out'
    ? flow('policy', 'SenderCount', priority.exact, match, [{ goto: 'ReceiverCount' }])
    : flow('policy', 'ReceiverCount', priority.exact, match, [{ goto: 'Output' }])
}
