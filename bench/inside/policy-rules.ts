// Rules such as people have many of: who may reach a port, by address and by subnet; and at the end of them a deny.

import type { Client } from '../../src/api/client.ts'
import type { RuleInput } from '../../src/model/rule.ts'

export const tenantName = 'default'

/** Ports that the bench itself uses; no rule is about them but the last. */
export const servedPorts = [5201, 7000] as const

/** The `index`th rule of a policy: from one address, every fourth from a subnet; each port differs from its neighbours'. */
export function manyRule(policyName: string, index: number, shift = 0): RuleInput {
  const [high, low] = [(index >> 8) & 255, index & 255]
  const fromIpAddress = index % 4 === 0 ? `172.${16 + (index & 7)}.${high}.0/24` : `172.30.${high}.${low}`
  const port = 10_000 + ((index * 7 + shift) % 50_000)
  const decides = { direction: 'in', protocol: 'tcp', action: 'allow', priority: 10 } as const
  return { tenantName, policyName, ruleId: `r${index}`, ...decides, fromIpAddress, port }
}

/** What the bench's own servers need, and that nothing else of TCP comes in. */
export function lastRules(policyName: string): RuleInput[] {
  const common = { tenantName, policyName, direction: 'in', protocol: 'tcp' } as const
  return [
    ...servedPorts.map(
      (port): RuleInput => ({ ...common, ruleId: `serve${port}`, port, priority: 10, action: 'allow' }),
    ),
    { ...common, ruleId: 'rest', priority: 1, action: 'deny' },
  ]
}

const parallel = 64

/** A policy with that many rules, and those above. */
export async function putAll(client: Client, policyName: string, count: number): Promise<void> {
  await client.policies.put(`${tenantName}:${policyName}`, { tenantName, policyName })
  const waiting = [
    ...Array.from({ length: count }, (_, index) => manyRule(policyName, index)),
    ...lastRules(policyName),
  ]
  await Promise.all(
    Array.from({ length: parallel }, async () => {
      for (let rule = waiting.pop(); rule !== undefined; rule = waiting.pop()) {
        await client.rules.put(`${tenantName}:${policyName}:${rule.ruleId}`, rule)
      }
    }),
  )
}
