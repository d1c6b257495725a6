// Priorities inside a table, by what they mean.

export const priority = {
  /** Neighbour discovery, which no rule of a policy is about. */
  neighbours: 610,
  /** What is decided whatever the rules of policies say. */
  beforeRules: 600,
  /** What must never pass, whatever else a flow of the table allows. */
  forbid: 200,
  /** Exceptions to the above. */
  permit: 210,
  /** Comes before what `self` and `exact` do without it. */
  guarded: 150,
  /** More exact than `exact`: the packet's own port or address. */
  self: 110,
  exact: 100,
  /** Answers for an address that no exact flow knows better. */
  standIn: 90,
  /** Applies to a whole network where no exact flow does. */
  network: 50,
  /** Applies where nothing else of the table does. */
  rest: 10,
  miss: 0,
} as const

const firstRule = 300

/** Of a policy's rule, 1 to 100: the larger one wins, and deny before allow at equal priority. */
export function rulePriority(rule: { readonly priority: number; readonly action: 'allow' | 'deny' }): number {
  return firstRule + 2 * rule.priority + (rule.action === 'deny' ? 1 : 0)
}
