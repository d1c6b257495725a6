// How many flows a rule is, from the sizes of its dimensions alone: cheap enough for every rule that is made. What rules
// share makes their sum smaller than this; host-flows.ts counts exactly.

import { ruleDimensions } from '../pipeline/features/rule-matches.ts'
import type { PolicyRule } from '../policy/rule.ts'

export interface RuleSize {
  /** Groups on the host that have the rule's policy, by the addresses of theirs it is about. */
  readonly own: number
  /** Prefixes that make up the addresses of the other side. */
  readonly remote: number
  /** Protocols and ports, in each family. */
  readonly services: number
  /** At most. */
  readonly flows: number
}

/** On a host with members of so many groups that have the rule's policy; `ipv6`: any of them has IPv6. */
export function ruleSize(rule: PolicyRule, groups: number, ipv6: boolean): RuleSize {
  const [own = 1, remote = 1, services = 1] = ruleDimensions({
    rule,
    groups: [{ groupId: 1, defaultAction: 'allow', ipv6 }],
  }).map((members) => members.length)
  const size = { own: own * groups, remote, services }
  const dimensions = Object.values(size)
  const written = dimensions.reduce((all, members) => all * members, 1)
  const several = dimensions.filter((members) => members > 1)
  // A conjunction has a flow for each member, and one that decides.
  const conjunction = several.reduce((all, members) => all + members, 1)
  const deciding = several.length < 2 ? written : Math.min(written, conjunction)
  // What a rule allows is counted by one more.
  return { ...size, flows: deciding + (rule.action === 'allow' && deciding > 0 ? 1 : 0) }
}
