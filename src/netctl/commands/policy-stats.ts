// netctl policy stats: what rules have let through and stopped.

import type { RuleStats } from '../../model/counts.ts'
import { command, tenantFlag } from '../command.ts'
import { itemTable, printDocument } from '../output.ts'
import { plain } from '../tables.ts'

const columns = [
  plain<RuleStats>('Rule', (rule) => rule.ruleId),
  plain<RuleStats>('Direction', (rule) => rule.direction),
  plain<RuleStats>('Priority', (rule) => rule.priority),
  plain<RuleStats>('Packets', (rule) => rule.packets),
  plain<RuleStats>('Bytes', (rule) => rule.bytes),
  plain<RuleStats>('What', (rule) => rule.text),
]

const byHost = [
  plain<RuleStats>('Hosts', ({ hosts }) =>
    hosts.map(({ host, packets, bytes }) => `${host} ${packets}/${bytes}`).join(', '),
  ),
]

export const policyStats = command({
  names: ['stats'],
  summary: 'Show how many packets and bytes each rule of a policy has let through or stopped',
  args: ['policy'],
  flags: {
    ...tenantFlag,
    hosts: { kind: 'switch', names: ['hosts'], help: 'Show packets/bytes of each host as well' },
    json: { kind: 'switch', names: ['json', 'j'], help: 'Print the answer as the API gives it' },
  },
  run: async ({ session, args, flags }) => {
    const netmaster = await session.netmaster()
    const answer = await netmaster.policyStats(`${flags.tenant}:${args.policy}`)
    if (flags.json) return printDocument(session, answer, { output: 'json', json: true })
    session.print(itemTable([...columns, ...(flags.hosts ? byHost : [])], answer.rules, session))
    if (answer.silent.length > 0) session.print(`without ${answer.silent.join(', ')}, which did not answer\n`)
  },
})
