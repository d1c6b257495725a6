// Priorities inside a table, by what they mean.

import { type Decisive, severity } from '../policy/rule.ts'

export const priority = {
  /** Neighbour discovery, which no rule of a policy is about. */
  neighbours: 2010,
  /** What is decided whatever the rules of policies say. */
  beforeRules: 2000,
  /** What must never pass, whatever else a flow of the table allows. */
  forbid: 200,
  /** Exceptions to the above. */
  permit: 210,
  /** Connections that a rule has ended, whatever their state. */
  cut: 160,
  /** Comes before what `self` and `exact` do without it. */
  guarded: 150,
  /** Multicast of a network comes before its broadcasts; one more for what endpoints here send. */
  allGroups: 120,
  linkGroups: 125,
  group: 130,
  membership: 135,
  /** More exact than `exact`: the packet's own port or address. */
  self: 110,
  exact: 100,
  /** Answers for an address that no exact flow knows better. */
  standIn: 90,
  /** Applies to a whole network where no exact flow does. */
  network: 50,
  /** What is inside, before what is not. */
  inner: 20,
  /** Applies where nothing else of the table does. */
  rest: 10,
  miss: 0,
} as const

const firstRule = 300

/** Of a policy's rule: the larger priority wins, and what denies more before what denies less. */
export function rulePriority(rule: Decisive): number {
  return firstRule + levelNumber(rule)
}

/** Below 2^10; levels of one direction differ in it. */
export function levelNumber(rule: Decisive): number {
  return 8 * rule.priority + severity(rule)
}
