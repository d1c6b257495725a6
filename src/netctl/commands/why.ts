// netctl why: whether a connection may be opened, which rule decides, on which host and by which flow.

import { usage } from '../../lib/flags.ts'
import { parseConnection } from '../../model/connection.ts'
import type { WhyAnswer, WhyEnd, WhyJudgement, WhyProvider } from '../../model/why.ts'
import { command, tenantFlag } from '../command.ts'
import { lines, printDocument } from '../output.ts'
import type { Paint } from '../terminal.ts'

export const whyCommand = command({
  names: ['why'],
  summary:
    'Say whether a connection may be opened, and what decides: from a container, group:NAME or address to another or to a service, tcp/PORT, udp/PORT, icmp or the number of a protocol',
  args: ['source', 'destination', 'connection'],
  instead: { source: 'sourceGroup', destination: 'destinationGroup' },
  flags: {
    ...tenantFlag,
    sourceGroup: {
      kind: 'text',
      names: ['src-group'],
      value: 'GROUP',
      help: 'Instead of SOURCE: from any member of this group',
    },
    destinationGroup: {
      kind: 'text',
      names: ['dst-group'],
      value: 'GROUP',
      help: 'Instead of DESTINATION: to any member of this group',
    },
    json: { kind: 'switch', names: ['json', 'j'], help: 'Print the answer as the API gives it' },
  },
  run: async ({ session, args, flags }) => {
    const { connection } = args
    const source = endOf(args.source, flags.sourceGroup)
    const destination = endOf(args.destination, flags.destinationGroup)
    const parsed = parseConnection(connection)
    if ('code' in parsed) throw usage(parsed.message)
    const netmaster = await session.netmaster()
    const asked = { tenant: flags.tenant, source, destination, connection: connection.replace('/', ':') }
    const answer = await netmaster.why(asked)
    if (flags.json) return printDocument(session, answer, { output: 'json', json: true })
    session.print(lines(sentences(answer, session.paint)))
  },
})

function endOf(word: string, group: string | undefined): string {
  return group === undefined ? word : `group:${group}`
}

function sentences(answer: WhyAnswer, paint: Paint): string[] {
  const { source, destination, connection, verdict, way, sender, receiver, providers = [], exceptions } = answer
  const words = verdict === 'depends' ? 'depends on the provider' : verdict
  const decided = verdict === 'allowed' ? paint.bold(words) : paint.bold(paint.red(words))
  return [
    `${endWords(source)} to ${endWords(destination)}, ${connection}: ${decided}`,
    `  ${'way'.padEnd(nameWidth)}${way.text}`,
    ...(sender === undefined ? [] : judgementWords('sender', sender, paint)),
    ...(receiver === undefined ? [] : judgementWords('receiver', receiver, paint)),
    ...providers.map((provider) => providerWords(provider, paint)),
    ...exceptions.map((one) => `  but from ${one.source} to ${one.destination} ${one.verdict}: ${one.text}`),
  ]
}

/** `web1 (10.1.1.2, on node1)  allowed: …`. */
function providerWords({ name, address, host, verdict, text }: WhyProvider, paint: Paint): string {
  const decided = verdict === 'allowed' ? verdict : paint.red(verdict)
  return `  ${name} (${address}, on ${host})  ${decided}: ${text}`
}

const nameWidth = 'receiver  '.length

/** `web1 (10.1.1.2, group web, on node1)`. */
function endWords({ kind, name, address, group, hosts }: WhyEnd): string {
  if (kind === 'address') return name
  if (kind === 'service') return `service ${name} (${address})`
  if (kind === 'group') return `a member of group ${name}`
  const where = hosts.length === 0 ? 'on no host yet' : `on ${hosts[0]}`
  return `${name} (${[address, group === '' ? 'no group' : `group ${group}`, where].join(', ')})`
}

function judgementWords(side: string, judged: WhyJudgement, paint: Paint): string[] {
  const { action, decidedBy, hosts, rule, overruled, flow, text } = judged
  const inset = ' '.repeat(2 + nameWidth)
  const verdict = action === 'allow' ? 'allowed' : paint.red('denied')
  const where = hosts.length === 0 || decidedBy === 'unjudged' ? '' : ` on ${hosts.join(', ')}`
  return [
    `  ${side.padEnd(nameWidth)}${verdict}${where}: ${text}`,
    ...overruled.map((lost) => {
      return `${inset}which comes before rule ${lost.ruleId} of policy ${lost.policyName} (priority ${lost.priority}): ${lost.text}`
    }),
    ...(flow === undefined
      ? []
      : [
          paint.dim(`${inset}by flow ${flow.text}`),
          paint.dim(`${inset}ovs-ofctl -O OpenFlow14 dump-flows np-int cookie=${flow.cookie}/-1`),
        ]),
    ...(rule !== undefined && hosts.length === 0 ? [`${inset}nowhere yet: no host has a member of the group`] : []),
  ]
}
