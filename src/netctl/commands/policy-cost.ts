// netctl policy cost, and rule-add --dry-run: what rules cost the hosts in flows.

import { textTable } from '../../lib/text-table.ts'
import type { HostChange, HostCost, RuleCost } from '../../model/policy-cost.ts'
import type { RuleInput } from '../../model/rule.ts'
import { command, type Session, tenantFlag } from '../command.ts'
import { itemTable, printDocument } from '../output.ts'
import { plain } from '../tables.ts'

const ruleColumns = [
  plain<RuleCost>('Rule', (rule) => rule.ruleId),
  plain<RuleCost>('Direction', (rule) => rule.direction),
  plain<RuleCost>('Priority', (rule) => rule.priority),
  plain<RuleCost>('Flows', flowsOf),
  plain<RuleCost>('What', (rule) => rule.text),
]

const hostColumns = [
  plain<HostCost>('Host', (cost) => cost.host),
  plain<HostCost>('Flows', (cost) => cost.policy),
  plain<HostCost>('All policies', (cost) => cost.all),
]

/** One number where all hosts have the same, each host's where they differ. */
function flowsOf({ hosts }: RuleCost): string {
  const [first] = hosts
  if (hosts.every(({ flows }) => flows === first?.flows)) return String(first?.flows ?? 0)
  return hosts.map(({ host, flows }) => `${host} ${flows}`).join(', ')
}

export const policyCost = command({
  names: ['cost'],
  summary: 'Show what the rules of a policy cost the hosts in flows',
  args: ['policy'],
  flags: {
    ...tenantFlag,
    json: { kind: 'switch', names: ['json', 'j'], help: 'Print the answer as the API gives it' },
  },
  run: async ({ session, args, flags }) => {
    const netmaster = await session.netmaster()
    const answer = await netmaster.policyCost(`${flags.tenant}:${args.policy}`)
    if (flags.json) return printDocument(session, answer, { output: 'json', json: true })
    const { rules, hosts, hostCount, limits } = answer
    if (hostCount === 0) return session.print(nowhere(args.policy))
    session.print(`Rules, each by itself (limit ${limits.rule}):\n${itemTable(ruleColumns, rules, session)}`)
    session.print(`Hosts, together (limit ${limits.host}):\n${itemTable(hostColumns, hosts, session)}`)
    session.print(others(hostCount, hosts.length))
  },
})

/** Asks what a rule would cost, and prints it. */
export async function printRuleCost(session: Session, key: string, rule: RuleInput): Promise<void> {
  const netmaster = await session.netmaster()
  const { hosts, hostCount, flows, limits } = await netmaster.ruleCost(key, rule)
  session.print(`Rule ${key} would be at most ${flows} flows on a host (limit ${limits.rule}); nothing was changed\n`)
  if (hostCount === 0) return session.print(nowhere(rule.policyName))
  const rows = hosts.map(({ host, before, after }: HostChange) => {
    return [host, String(before), String(after), after < before ? String(after - before) : `+${after - before}`]
  })
  const titles = ['Host', 'Flows', 'Then', 'Change'].map((title) => ({ title }))
  session.print(textTable(titles, rows, session.paint.bold))
  session.print(others(hostCount, hosts.length))
}

function nowhere(policy: string): string {
  return `No host has a member of a group with policy ${policy}: it costs nothing yet\n`
}

function others(all: number, shown: number): string {
  return all > shown ? `and ${all - shown} hosts with as many groups of the policy or fewer\n` : ''
}
