// What the connections carry that a rule allowed. The rule's own flow sees only the packet that opens one; the others are
// counted by what conntrack remembers of it.

import type { Flow } from '../../../protocols/openflow/index.ts'
import type { PlacedRule, RuleLevel } from '../../compile/node-policy.ts'
import { ruleChanges } from '../../compile/rule-changes.ts'
import type { PolicyRule } from '../../policy/rule.ts'
import { connection } from '../fields.ts'
import { flow } from '../flow.ts'
import { priority } from '../priorities.ts'
import { ruleNumber } from '../rule-number.ts'
import { Shards } from './shards.ts'

/** Of a rule that allows. */
export function countFlow({ key, direction }: Pick<PolicyRule, 'key' | 'direction'>): Flow {
  const { offset, bits } = connection.allowedBy[direction]
  const mask = ((1n << BigInt(bits)) - 1n) << BigInt(offset)
  const match = { ct_label: { value: ruleNumber(key) << BigInt(offset), mask } }
  return direction === 'out'
    ? flow('policy', 'SenderCount', priority.exact, match, [{ goto: 'ReceiverCount' }])
    : flow('policy', 'ReceiverCount', priority.exact, match, [{ goto: 'Output' }])
}

/** Those of a level, of the same one each time: the same arrays where nothing changed. */
export class LevelCounts {
  #rules: readonly PlacedRule[] = []
  readonly #shards = new Shards()

  update({ name, rules }: RuleLevel): ReadonlyMap<string, readonly Flow[]> {
    const { removed, added } = ruleChanges(this.#rules, rules)
    this.#rules = rules
    for (const { rule } of removed) this.#shards.put(rule.key, undefined)
    for (const { rule } of added) this.#shards.put(rule.key, countFlow(rule))
    return this.#shards.handOut(`policy counts ${name}`)
  }
}
