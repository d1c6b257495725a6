// The rules of a policy: netctl policy rule-add, rule-ls, rule-rm.

import { type Flags, type FlagValues, usage } from '../../lib/flags.ts'
import type { RuleInput, RuleView } from '../../model/rule.ts'
import { type Command, command, tenantFlag } from '../command.ts'
import { type ObjectKind, remove, store } from '../object-commands.ts'
import { given, itemTable, listFlags, listFormat, printItems } from '../output.ts'
import { incomingRuleColumns, outgoingRuleColumns, ruleWide } from '../tables.ts'
import { printRuleCost } from './policy-cost.ts'

const ruleKind: ObjectKind<RuleView, RuleInput> = {
  noun: 'rule',
  plural: 'rules',
  article: 'a',
  collection: (netmaster) => netmaster.rules,
  name: (rule) => rule.ruleId,
  columns: incomingRuleColumns,
  wide: ruleWide,
}

const ruleFlags = {
  ...tenantFlag,
  direction: {
    kind: 'text',
    names: ['direction', 'd'],
    value: 'in|out',
    help: 'Traffic to the group, or from it',
    fallback: 'in',
  },
  priority: { kind: 'number', names: ['priority', 'p'], value: 'NUMBER', help: 'From 1, the default, to 100' },
  fromEndpointGroup: { kind: 'text', names: ['from-group', 'g'], value: 'GROUP', help: 'Only from this group (in)' },
  toEndpointGroup: { kind: 'text', names: ['to-group', 'e'], value: 'GROUP', help: 'Only to this group (out)' },
  fromNetwork: { kind: 'text', names: ['from-network', 'n'], value: 'NETWORK', help: 'Only from this network (in)' },
  toNetwork: { kind: 'text', names: ['to-network', 'o'], value: 'NETWORK', help: 'Only to this network (out)' },
  fromIpAddress: {
    kind: 'text',
    names: ['from-ip-address', 'i'],
    value: 'ADDRESSES',
    help: 'Only from these addresses, such as 10.1.1.5,10.2.0.0/16,2001:db8::/64 (in)',
  },
  toIpAddress: {
    kind: 'text',
    names: ['to-ip-address', 's'],
    value: 'ADDRESSES',
    help: 'Only to these addresses (out), or to this member (in)',
  },
  protocol: {
    kind: 'text',
    names: ['protocol', 'l'],
    value: 'PROTOCOL',
    help: 'tcp, udp, sctp, icmp, icmpv6 or a protocol number; any',
  },
  port: {
    kind: 'text',
    names: ['port', 'P'],
    value: 'PORTS',
    help: 'Destination ports of tcp, udp or sctp, such as 80,443,8000-8100; any',
  },
  action: { kind: 'text', names: ['action', 'j'], value: 'allow|deny', help: 'What happens', fallback: 'allow' },
  established: {
    kind: 'text',
    names: ['established'],
    value: 'keep|drop',
    help: 'What a deny means for open connections: they go on, the default, or end',
  },
  log: { kind: 'switch', names: ['log'], help: 'Of a deny: hosts log what it drops' },
  dryRun: {
    kind: 'switch',
    names: ['dry-run', 'cost'],
    help: 'Say what the rule would cost each host in flows, and change nothing',
  },
  // The other side of the connection, before flags told from and to apart.
  group: { kind: 'text', names: ['group'], value: 'GROUP', help: '' },
  network: { kind: 'text', names: ['network'], value: 'NETWORK', help: '' },
  ipAddress: { kind: 'text', names: ['ip-address'], value: 'ADDRESS', help: '' },
} as const satisfies Flags

export function ruleAdd(name: string): Command {
  return command({
    names: [name],
    summary: 'Add a rule to a policy, or change it; the rule with the highest priority counts',
    args: ['policy', 'rule'],
    creates: true,
    flags: ruleFlags,
    run: ({ session, args, flags }) => {
      const match = matchOf(flags)
      const direction = checkSides(flags.direction, match)
      const rule = given<RuleInput>({
        tenantName: flags.tenant,
        policyName: args.policy,
        ruleId: args.rule,
        direction,
        // Zero is what the API takes for "not given".
        priority: flags.priority === 0 ? undefined : (flags.priority ?? 1),
        ...match,
        protocol: flags.protocol,
        ...portOf(flags.port),
        action: actionOf(flags.action),
        established: flags.established as RuleInput['established'],
        log: flags.log ? true : undefined,
      })
      const key = `${flags.tenant}:${args.policy}:${args.rule}`
      return flags.dryRun ? printRuleCost(session, key, rule) : store(session, ruleKind, key, rule)
    },
  })
}

type RuleFlags = FlagValues<typeof ruleFlags>
type Match = Pick<
  RuleFlags,
  'fromEndpointGroup' | 'toEndpointGroup' | 'fromNetwork' | 'toNetwork' | 'fromIpAddress' | 'toIpAddress'
>

/** Who the rule is about. Flags that name no side mean the far one: from where traffic comes in, to where it goes out. */
function matchOf(flags: RuleFlags): Match {
  const out = flags.direction === 'out'
  return {
    fromEndpointGroup: flags.fromEndpointGroup ?? (out ? undefined : flags.group),
    fromNetwork: flags.fromNetwork ?? (out ? undefined : flags.network),
    fromIpAddress: flags.fromIpAddress ?? (out ? undefined : flags.ipAddress),
    toEndpointGroup: flags.toEndpointGroup ?? (out ? flags.group : undefined),
    toNetwork: flags.toNetwork ?? (out ? flags.network : undefined),
    toIpAddress: flags.toIpAddress ?? (out ? flags.ipAddress : undefined),
  }
}

const sides = {
  in: { near: 'to', far: 'from', refused: ['toEndpointGroup', 'toNetwork'] },
  out: { near: 'from', far: 'to', refused: ['fromEndpointGroup', 'fromNetwork', 'fromIpAddress'] },
} as const

/** `accept` is an older word for `allow`; what other words mean is for netmaster to say. */
function actionOf(text: string): RuleInput['action'] {
  return (text === 'accept' ? 'allow' : text) as RuleInput['action']
}

/** One port is `port`, where zero means any; everything else is for netmaster to read. */
function portOf(text: string | undefined): Pick<RuleInput, 'port' | 'ports'> {
  if (text === undefined) return {}
  if (text === '') throw usage('--port needs ports, such as 80,443,8000-8100; leave it out for every port')
  if (!/^-?\d+$/.test(text)) return { ports: text }
  return Number(text) === 0 ? {} : { port: Number(text) }
}

/** The direction, or an error about mistakes that can be told without asking netmaster. */
function checkSides(direction: string, match: Match): 'in' | 'out' {
  if (direction !== 'in' && direction !== 'out') {
    const both = direction === 'both' ? '; for both directions add two rules' : ''
    throw usage(`--direction takes in or out, not '${direction}'${both}`)
  }
  const { near, far, refused } = sides[direction]
  for (const key of refused) {
    if (match[key] === undefined) continue
    const flag = ruleFlags[key].names[0]
    throw usage(`--${flag} does not go with --direction=${direction}: '${near}' is the group itself; use --${far}-…`)
  }
  const [group, network] =
    direction === 'in' ? [match.fromEndpointGroup, match.fromNetwork] : [match.toEndpointGroup, match.toNetwork]
  if (group !== undefined && network !== undefined) {
    throw usage(`give one of --${far}-group and --${far}-network: a rule is about a group or about a network`)
  }
  return direction
}

export function ruleList(...names: readonly string[]): Command {
  return command({
    names,
    summary: 'List the rules of a policy by priority',
    args: ['policy'],
    flags: { ...tenantFlag, ...listFlags },
    run: async ({ session, args, flags }) => {
      const format = listFormat(flags)
      const netmaster = await session.netmaster()
      await netmaster.tenants.get(flags.tenant)
      await netmaster.policies.get(`${flags.tenant}:${args.policy}`)
      const rules = (await netmaster.rules.list())
        .filter((rule) => rule.tenantName === flags.tenant && rule.policyName === args.policy)
        .sort(byPriority)
      if (format !== 'table' && format !== 'wide') return printItems(session, ruleKind, rules, format)
      const [incoming, outgoing] = [rules.filter(isIncoming), rules.filter((rule) => !isIncoming(rule))]
      const more = format === 'wide' ? ruleWide : []
      session.print(`Incoming Rules:\n${itemTable([...incomingRuleColumns, ...more], incoming, session)}`)
      session.print(`Outgoing Rules:\n${itemTable([...outgoingRuleColumns, ...more], outgoing, session)}`)
    },
  })
}

const isIncoming = (rule: RuleView) => rule.direction === 'in'

/** Numbered rules of one priority in the order of their numbers. */
function byPriority(a: RuleView, b: RuleView): number {
  const byNumber = (a.priority ?? 0) - (b.priority ?? 0)
  return byNumber === 0 ? a.ruleId.localeCompare(b.ruleId, 'en', { numeric: true }) : byNumber
}

export function ruleRemove(...names: readonly string[]): Command {
  return command({
    names,
    summary: 'Remove a rule from a policy',
    args: ['policy', 'rule'],
    flags: tenantFlag,
    run: ({ session, args, flags }) => remove(session, ruleKind, `${flags.tenant}:${args.policy}:${args.rule}`),
  })
}
