// One rule as matches. A rule with several members in more than one dimension is a conjunction (ovs-fields(7)) where that
// takes fewer flows than writing out each combination.

import type { PlacedRule } from '../../compile/node-policy.ts'
import { is } from '../packets.ts'
import { pipeline } from '../tables.ts'
import { anything, product, type RuleMatch, ruleDimensions } from './rule-matches.ts'

export interface RuleForm {
  /** Of a conjunction: one list of members for each clause. Empty where none is worth it. */
  readonly clauses: readonly (readonly RuleMatch[])[]
  /** Written out: one match for each combination. */
  readonly combinations: () => readonly RuleMatch[]
}

export function ruleForm(placed: PlacedRule): RuleForm {
  const dimensions = ruleDimensions(placed)
  const combinations = () => dimensions.reduce(product, anything)
  const several = dimensions.filter((members) => members.length > 1)
  if (several.length < 2 || dimensions.some((members) => members.length === 0)) return { clauses: [], combinations }
  // What has one member only goes into every clause: fewer packets complete half of a conjunction.
  const single = dimensions.filter((members) => members.length === 1).reduce(product, anything)
  const clauses = several.map((members) => product(members, single))
  const flows = clauses.reduce((sum, members) => sum + members.length, 1)
  return { clauses: countCombinations(dimensions) <= flows ? [] : clauses, combinations }
}

/** Those of one family, of the other, and of no family are put together apart; long port lists make many. */
function countCombinations(dimensions: readonly (readonly RuleMatch[])[]): number {
  const possible = (fits: (family: RuleMatch['eth_type']) => boolean) =>
    dimensions.reduce((all, members) => all * members.filter(({ eth_type }) => fits(eth_type)).length, 1)
  const within = (kind: number) => possible((family) => family === undefined || family === kind)
  return within(is.ipv4.eth_type) + within(is.ipv6.eth_type) - possible((family) => family === undefined)
}

const ruleFields = [...new Set([...pipeline.Egress.matches, ...pipeline.Ingress.matches])]

/** Two matches that select the same packets have the same key. */
export function matchKey(match: RuleMatch): string {
  let key = ''
  for (const name of ruleFields) {
    const wanted = match[name]
    if (wanted === undefined) continue
    key += typeof wanted === 'object' ? `${name}=${wanted.value}/${wanted.mask} ` : `${name}=${wanted} `
  }
  return key
}
