// The answer to "may this connection be opened, and why": what `netctl why` shows.

import { z } from 'zod'

export const whyWayCodes = [
  'SAME_NETWORK',
  'ROUTED',
  'WIRE',
  'HOST',
  'PUBLISHED',
  'GATEWAY',
  'ITSELF',
  'OTHER_TENANT',
  'NOT_ATTACHED',
  'NO_IPV6',
  'NO_TUNNEL',
  'HOST_LOST',
  'NO_GATEWAY',
  'NOT_ROUTED',
  'NOBODY_THERE',
  'NO_EXIT',
  'NO_ENTRY',
  'NOT_OURS',
  'SERVICE',
  'SERVICE_PORT',
  'NO_PROVIDER',
] as const

export const whyWay = z.object({
  /** `outside`: through what is not the cluster's, such as a router on a VLAN. */
  leads: z.enum(['yes', 'outside', 'no']),
  code: z.enum(whyWayCodes),
  text: z.string(),
})
export type WhyWay = z.infer<typeof whyWay>

export const whyEnd = z.object({
  kind: z.enum(['endpoint', 'group', 'address', 'service']),
  /** The container's name, the group's, or the address. */
  name: z.string(),
  /** Of a group: one that its members may get. */
  address: z.string(),
  group: z.string(),
  /** `network.tenant`; empty outside. */
  network: z.string(),
  /** `vxlan 5`; empty outside. */
  encap: z.string(),
  hosts: z.array(z.string()).readonly(),
  endpointID: z.string(),
})
export type WhyEnd = z.infer<typeof whyEnd>

export const whyRule = z.object({
  /** `tenant:policy:id`. */
  key: z.string(),
  policyName: z.string(),
  ruleId: z.string(),
  priority: z.int(),
  action: z.enum(['allow', 'deny']),
  /** `deny tcp port 80 from group db`. */
  text: z.string(),
})
export type WhyRule = z.infer<typeof whyRule>

/** A flow for a person to find on the node. */
export const whyFlow = z.object({
  table: z.int(),
  tableName: z.string(),
  priority: z.int(),
  /** Hexadecimal, with 0x: `ovs-ofctl dump-flows np-int cookie=…/-1` shows this flow and its counters. */
  cookie: z.string(),
  /** With registers, as the switch has them. */
  match: z.string(),
  /** With the names of the pipeline. */
  text: z.string(),
})
export type WhyFlow = z.infer<typeof whyFlow>

export const whyJudgement = z.object({
  /**
   * `default`: no rule applies; `stranger`: rules name groups, and that of the other end cannot be told; `unjudged`:
   * nobody of a group with policies is at this end.
   */
  decidedBy: z.enum(['rule', 'default', 'stranger', 'unjudged']),
  action: z.enum(['allow', 'deny']),
  /** Empty outside groups. */
  group: z.string(),
  /** Those that judge. */
  hosts: z.array(z.string()).readonly(),
  rule: whyRule.optional(),
  /** Rules that apply and would decide otherwise, in their order; at most three. */
  overruled: z.array(whyRule).readonly(),
  /** Of the first host. */
  flow: whyFlow.optional(),
  text: z.string(),
})
export type WhyJudgement = z.infer<typeof whyJudgement>

export const whyException = z.object({
  source: z.string(),
  destination: z.string(),
  verdict: z.enum(['allowed', 'denied']),
  text: z.string(),
})

/** Who may get a connection to a service. */
export const whyProvider = z.object({
  name: z.string(),
  address: z.string(),
  /** Its own, to which the service's port leads. */
  port: z.int(),
  host: z.string(),
  endpointID: z.string(),
  /** `failing`: it gets none, because its program does not answer. */
  verdict: z.enum(['allowed', 'denied', 'no way', 'failing']),
  text: z.string(),
})
export type WhyProvider = z.infer<typeof whyProvider>

export const whyAnswer = z.object({
  /** `depends`: on which provider of a service gets it. */
  verdict: z.enum(['allowed', 'denied', 'no way', 'depends']),
  /** `tcp/443`. */
  connection: z.string(),
  family: z.enum(['ipv4', 'ipv6']),
  source: whyEnd,
  destination: whyEnd,
  way: whyWay,
  /** Left out where there is no way, and where nobody judges: within one container, or at a gateway. */
  sender: whyJudgement.optional(),
  receiver: whyJudgement.optional(),
  /** Of a service, by ascending address; at most a hundred. */
  providers: z.array(whyProvider).readonly().optional(),
  /** Members of groups for whom the answer is another one, because rules name addresses; at most five. */
  exceptions: z.array(whyException).readonly(),
})
export type WhyAnswer = z.infer<typeof whyAnswer>
