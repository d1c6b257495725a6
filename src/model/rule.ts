// Rules of a policy (specification 2.2, 2.3, 5.5): which traffic into or out of its groups is allowed or denied.

import { z } from 'zod'
import type { Problem } from '../lib/errors.ts'
import {
  apiObject,
  isProblem,
  link,
  linkSet,
  linkSets,
  linkTo,
  omitEmpty,
  optionalName,
  optionalWord,
  problem,
  requiredName,
  requiredWord,
  wholeNumber,
} from './body.ts'
import { groupKey } from './endpoint-group.ts'
import { policyKey } from './policy.ts'
import { readAddresses } from './rule-addresses.ts'
import { readPorts } from './rule-ports.ts'
import type { RuleRecord } from './state.ts'

const protocolRule = 'must be tcp, udp, sctp, icmp, icmpv6, a protocol number below 256, or empty for any'

const protocol = z
  .string()
  .refine(
    (text) => /^(tcp|udp|sctp|icmp|icmpv6|)$/.test(text) || (/^\d{1,3}$/.test(text) && Number(text) < 256),
    protocolRule,
  )
  .default('')

const address = z
  .string()
  .max(4096, 'is longer than 4096 characters')
  .superRefine((text, context) => {
    const ranges = text === '' ? [] : readAddresses(text)
    if (typeof ranges === 'string') context.addIssue({ code: 'custom', message: ranges })
  })
  .default('')

export const ruleBody = apiObject({
  tenantName: requiredName(64),
  policyName: requiredName(64),
  ruleId: requiredName(64),
  direction: requiredWord(['in', 'out']),
  /** 0 counts as left out. */
  priority: wholeNumber({ min: 0, max: 100 }, 1).transform((priority) => (priority === 0 ? 1 : priority)),
  fromEndpointGroup: optionalName(64),
  toEndpointGroup: optionalName(64),
  fromNetwork: optionalName(64),
  toNetwork: optionalName(64),
  fromIpAddress: address,
  toIpAddress: address,
  protocol,
  port: wholeNumber({ min: 0, max: 65_535 }, 0),
  /** Instead of `port`: several ports and ranges. */
  ports: z.string().max(1024, 'is longer than 1024 characters').default(''),
  action: requiredWord(['allow', 'deny']),
  /** What a deny means for connections that are open already. */
  established: optionalWord(['keep', 'drop']).default(''),
  /** Of a deny: whether hosts log what it drops. */
  log: z.boolean('must be true or false').default(false),
})
export type RuleBody = z.output<typeof ruleBody>
export type RuleInput = z.input<typeof ruleBody>

export const ruleView = z.object({
  key: z.string(),
  action: z.enum(['allow', 'deny']),
  direction: z.enum(['in', 'out']),
  established: z.enum(['drop']).optional(),
  fromEndpointGroup: z.string().optional(),
  fromIpAddress: z.string().optional(),
  fromNetwork: z.string().optional(),
  log: z.boolean().optional(),
  policyName: z.string(),
  port: z.int().optional(),
  ports: z.string().optional(),
  priority: z.int(),
  protocol: z.string().optional(),
  ruleId: z.string(),
  tenantName: z.string(),
  toEndpointGroup: z.string().optional(),
  toIpAddress: z.string().optional(),
  toNetwork: z.string().optional(),
  'link-sets': z.record(z.string(), linkSet),
  links: z.object({ MatchEndpointGroup: link }),
})
export type RuleView = z.infer<typeof ruleView>

export const ruleInspect = z.object({ Config: ruleView })
export type RuleInspect = z.infer<typeof ruleInspect>

export function ruleKey(tenantName: string, policyName: string, ruleId: string): string {
  return `${tenantName}:${policyName}:${ruleId}`
}

export function ruleFromBody(body: RuleBody): RuleRecord {
  return {
    tenantName: body.tenantName,
    policyName: body.policyName,
    ruleId: body.ruleId,
    direction: body.direction,
    priority: body.priority,
    fromEndpointGroup: body.fromEndpointGroup,
    toEndpointGroup: body.toEndpointGroup,
    fromNetwork: body.fromNetwork,
    toNetwork: body.toNetwork,
    fromIpAddress: body.fromIpAddress,
    toIpAddress: body.toIpAddress,
    protocol: body.protocol,
    port: body.port,
    ...(body.ports === '' ? {} : { ports: body.ports }),
    action: body.action,
    ...(body.established === 'drop' ? { established: 'drop' } : {}),
    ...(body.log ? { log: true } : {}),
  }
}

const sides = {
  in: {
    own: { network: 'fromNetwork', group: 'fromEndpointGroup', address: 'fromIpAddress' },
    misplaced: ['toEndpointGroup', 'toNetwork'],
    codes: {
      misplaced: 'RULE_TO_ON_INCOMING',
      address: 'RULE_FROM_NETWORK_AND_ADDRESS',
      group: 'RULE_FROM_NETWORK_AND_GROUP',
    },
    why: 'an incoming rule goes to the groups of its policy',
  },
  out: {
    own: { network: 'toNetwork', group: 'toEndpointGroup', address: 'toIpAddress' },
    misplaced: ['fromEndpointGroup', 'fromNetwork', 'fromIpAddress'],
    codes: {
      misplaced: 'RULE_FROM_ON_OUTGOING',
      address: 'RULE_TO_NETWORK_AND_ADDRESS',
      group: 'RULE_TO_NETWORK_AND_GROUP',
    },
    why: 'an outgoing rule comes from the groups of its policy',
  },
} as const

/** What in a rule contradicts itself. The other side is a network, or a group and an address, or one of these. */
export function checkRule(rule: RuleRecord): Problem | undefined {
  const { own, misplaced, codes, why } = sides[rule.direction]
  const wrong = (code: string, field: string, message: string) => problem('invalid', code, message, { field })
  for (const field of misplaced) {
    if (rule[field] === '') continue
    return wrong(codes.misplaced, field, `${field} has no place here: ${why}; leave it out, or change direction`)
  }
  for (const kind of ['address', 'group'] as const) {
    if (rule[own.network] === '' || rule[own[kind]] === '') continue
    const message = `${own.network} and ${own[kind]} exclude each other; give one of them`
    return wrong(codes[kind], own[kind], message)
  }
  return checkPorts(rule) ?? checkDenial(rule)
}

/** What only a rule that denies can say. */
function checkDenial({ action, established, log }: RuleRecord): Problem | undefined {
  if (action === 'deny') return undefined
  if (established !== undefined) {
    const message = 'established is about what a rule denies, and this one allows; leave it out, or deny'
    return problem('invalid', 'RULE_ESTABLISHED_ON_ALLOW', message, { field: 'established' })
  }
  if (log === undefined) return undefined
  const message = 'log is about what a rule denies, and this one allows; leave it out, or deny'
  return problem('invalid', 'RULE_LOG_ON_ALLOW', message, { field: 'log' })
}

function checkPorts({ port, ports }: RuleRecord): Problem | undefined {
  if (ports === undefined) return undefined
  if (port !== 0) {
    const message = `port and ports exclude each other; give ports alone: ${port},${ports}`
    return problem('invalid', 'RULE_PORT_AND_PORTS', message, { field: 'ports' })
  }
  const ranges = readPorts(ports)
  return isProblem(ranges) ? ranges : undefined
}

export function renderRule(rule: RuleRecord): RuleView {
  const { tenantName, policyName, ruleId } = rule
  const group = rule.fromEndpointGroup === '' ? rule.toEndpointGroup : rule.fromEndpointGroup
  const policy = { type: 'policy', keys: [policyKey(tenantName, policyName)] }
  return {
    key: ruleKey(tenantName, policyName, ruleId),
    action: rule.action,
    direction: rule.direction,
    ...(rule.established === undefined ? {} : { established: rule.established }),
    ...omitEmpty({
      fromEndpointGroup: rule.fromEndpointGroup,
      fromIpAddress: rule.fromIpAddress,
      fromNetwork: rule.fromNetwork,
    }),
    ...(rule.log === undefined ? {} : { log: rule.log }),
    policyName,
    ...omitEmpty({ port: rule.port, ports: rule.ports }),
    priority: rule.priority,
    ...omitEmpty({ protocol: rule.protocol }),
    ruleId,
    tenantName,
    ...omitEmpty({
      toEndpointGroup: rule.toEndpointGroup,
      toIpAddress: rule.toIpAddress,
      toNetwork: rule.toNetwork,
    }),
    'link-sets': linkSets({ Policies: policy }),
    links: { MatchEndpointGroup: group === '' ? {} : linkTo('endpointGroup', groupKey(tenantName, group)) },
  }
}
