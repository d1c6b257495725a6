// What policies and changes of them cost hosts in flows: what `netctl policy cost` shows.

import { z } from 'zod'

/** Beyond these a rule is refused. */
export const flowLimits = z.object({
  /** Flows of one rule on one host. */
  rule: z.int(),
  /** Flows of all rules on one host. */
  host: z.int(),
})
export type FlowLimits = z.infer<typeof flowLimits>

export const hostChange = z.object({ host: z.string(), before: z.int(), after: z.int() })
export type HostChange = z.infer<typeof hostChange>

export const ruleCostAnswer = z.object({
  key: z.string(),
  /** Flows of policy on hosts that have the rule; at most sixteen hosts, those with most groups. */
  hosts: z.array(hostChange).readonly(),
  /** How many hosts have it in all. */
  hostCount: z.int(),
  /** Of the rule by itself on one host, at most. */
  flows: z.int(),
  limits: flowLimits,
})
export type RuleCostAnswer = z.infer<typeof ruleCostAnswer>

/** Which rule something is said of. */
export const ruleHead = z.object({
  key: z.string(),
  ruleId: z.string(),
  direction: z.enum(['in', 'out']),
  priority: z.int(),
  action: z.enum(['allow', 'deny']),
  /** `deny tcp port 80 from group db`. */
  text: z.string(),
})

export const ruleCost = ruleHead.extend({
  /** Of the rule by itself, at most: what rules share is there once. */
  hosts: z.array(z.object({ host: z.string(), flows: z.int() })).readonly(),
})
export type RuleCost = z.infer<typeof ruleCost>

export const hostCost = z.object({
  host: z.string(),
  /** What the rules of the policy add. */
  policy: z.int(),
  /** All flows of policy. */
  all: z.int(),
})
export type HostCost = z.infer<typeof hostCost>

export const policyCostAnswer = z.object({
  key: z.string(),
  rules: z.array(ruleCost).readonly(),
  /** At most sixteen, those with most groups. */
  hosts: z.array(hostCost).readonly(),
  /** How many hosts have the policy in all. */
  hostCount: z.int(),
  limits: flowLimits,
})
export type PolicyCostAnswer = z.infer<typeof policyCostAnswer>
