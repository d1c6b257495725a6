// What hosts have counted, when netmaster asks them: packets and bytes, by the key of what they belong to.

import { z } from 'zod'
import { ruleHead } from './policy-cost.ts'

export const count = z.object({ key: z.string(), packets: z.int().min(0), bytes: z.int().min(0) })
export type Count = z.infer<typeof count>

/** What can be asked about. */
export type Counted = 'policy' | 'service'

/** A node's answer to the question of that number. */
export const countsBody = z.object({ id: z.int(), counts: z.array(count) })
export type CountsBody = z.output<typeof countsBody>

export const countsAnswer = z.object({ taken: z.boolean() })
export type CountsAnswer = z.infer<typeof countsAnswer>

export const hostCount = z.object({ host: z.string(), packets: z.int(), bytes: z.int() })
export type HostCount = z.infer<typeof hostCount>

export const ruleStats = ruleHead.extend({
  /** Of all hosts that answered. */
  packets: z.int(),
  bytes: z.int(),
  /** Those where it counted anything, in order. */
  hosts: z.array(hostCount).readonly(),
})
export type RuleStats = z.infer<typeof ruleStats>

export const policyStatsAnswer = z.object({
  /** `tenant:policy`. */
  key: z.string(),
  /** In the order in which they decide. */
  rules: z.array(ruleStats).readonly(),
  /** Hosts that have the policy and did not answer. */
  silent: z.array(z.string()).readonly(),
})
export type PolicyStatsAnswer = z.infer<typeof policyStatsAnswer>

const traffic = z.object({ packets: z.int(), bytes: z.int() })

export const providerStats = z.object({
  /** The container's name, or the id of its endpoint. */
  name: z.string(),
  address: z.string(),
  /** Where it runs. */
  host: z.string(),
  /** From clients on all hosts that answered, and back to them. */
  to: traffic,
  from: traffic,
})
export type ProviderStats = z.infer<typeof providerStats>

export const serviceStatsAnswer = z.object({
  /** `tenant:service`. */
  key: z.string(),
  address: z.string(),
  /** By ascending address. */
  providers: z.array(providerStats).readonly(),
  /** Hosts that have clients and did not answer. */
  silent: z.array(z.string()).readonly(),
})
export type ServiceStatsAnswer = z.infer<typeof serviceStatsAnswer>
