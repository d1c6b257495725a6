// Rules as numbers, for registers and for what conntrack keeps of a connection. A hash of the key: every agent, at every start,
// gives a rule the same one, and of 100,000 rules two have the same one in a run of a million.

import { hash53 } from '../../lib/hash.ts'

/** Of a rule by its key; 53 bits, never 0. */
export function ruleNumber(key: string): bigint {
  return hash53(key) || 1n
}
