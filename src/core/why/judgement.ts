// What policy says of a connection at one of its ends, with the reasons.

import { groupKey } from '../../model/endpoint-group.ts'
import type { ClusterState, GroupRecord } from '../../model/state.ts'
import type { WhyJudgement, WhyRule } from '../../model/why.ts'
import { strangers, ungrouped } from '../pipeline/fields.ts'
import { applyingRules, defaultOf, meetsStranger, type Opening } from '../policy/evaluate.ts'
import type { PolicyRule } from '../policy/rule.ts'
import { decidingFlow } from './deciding-flow.ts'
import { type End, hostsOf, memberOf } from './ends.ts'
import { ruleText } from './rule-text.ts'

export interface Question {
  readonly opening: Opening
  readonly source: End
  readonly destination: End
}

export function judge(state: ClusterState, direction: 'in' | 'out', question: Question): WhyJudgement {
  const own = direction === 'in' ? question.destination : question.source
  const group = groupOf(state, own)
  const hosts = hostsOf(state, own)
  const member = own.kind === 'address' ? undefined : own.record
  const defaultAction = defaultOf(state, member)
  if (defaultAction === 'allow' && (group === undefined || group.policies.length === 0)) {
    return unjudged(own, group, hosts)
  }
  if (group !== undefined && meetsStranger(state, direction, question.opening)) {
    return toStranger(state, direction, question, { group, hosts })
  }
  const rules = applyingRules(state, direction, question.opening)
  const [first] = rules
  const overruled = rules.filter(({ action }) => action !== first?.action).slice(0, 3)
  const [host] = hosts
  const flow =
    host === undefined
      ? undefined
      : decidingFlow(state, host, direction, { rule: first, judged: judgedOf(state, question) })
  const rule = first === undefined ? undefined : reasonOf(state, first)
  return {
    decidedBy: rule === undefined ? 'default' : 'rule',
    action: first?.action ?? defaultAction,
    group: group?.groupName ?? '',
    hosts,
    ...(rule === undefined ? {} : { rule }),
    overruled: overruled.flatMap((one) => reasonOf(state, one) ?? []),
    ...(flow === undefined ? {} : { flow }),
    text: rule === undefined ? defaultSentence(direction, group, defaultAction) : sentence(rule),
  }
}

function groupOf(state: ClusterState, end: End): GroupRecord | undefined {
  const member = memberOf(end)
  return member === undefined ? undefined : state.groups.get(groupKey(member.tenantName, member.groupName))
}

function unjudged(end: End, group: GroupRecord | undefined, hosts: readonly string[]): WhyJudgement {
  const text =
    end.kind === 'address'
      ? 'not a container: nobody judges there'
      : group === undefined
        ? 'it is in no group: no policy is about it'
        : `group ${group.groupName} has no policy`
  return { decidedBy: 'unjudged', action: 'allow', group: group?.groupName ?? '', hosts, overruled: [], text }
}

/** Whose group cannot be told is not heard by groups whose rules name groups, nor spoken to. */
function toStranger(
  state: ClusterState,
  direction: 'in' | 'out',
  question: Question,
  { group, hosts }: { readonly group: GroupRecord; readonly hosts: readonly string[] },
): WhyJudgement {
  const [host] = hosts
  const judged = { ...judgedOf(state, question), [direction === 'in' ? 'sourceGroup' : 'destinationGroup']: strangers }
  const flow = host === undefined ? undefined : decidingFlow(state, host, direction, { rule: 'stranger', judged })
  const address = direction === 'in' ? question.opening.source : question.opening.destination
  const kind = direction === 'in' ? 'incoming' : 'outgoing'
  return {
    decidedBy: 'stranger',
    action: 'deny',
    group: group.groupName,
    hosts,
    overruled: [],
    ...(flow === undefined ? {} : { flow }),
    text: `${kind} rules of group ${group.groupName} name groups, and ${address} is an address of containers that none has: strangers are denied`,
  }
}

/** Of a group, or of a tenant for its endpoints that are in none. */
function defaultSentence(
  direction: 'in' | 'out',
  group: GroupRecord | undefined,
  defaultAction: 'allow' | 'deny',
): string {
  if (group === undefined) return 'it is in no group, and its tenant denies what no rule is about'
  const kind = direction === 'in' ? 'incoming' : 'outgoing'
  const applies = `no ${kind} rule of group ${group.groupName} applies, which`
  if (defaultAction === 'allow') return `${applies} allows it`
  return `${applies} denies it: ${group.defaultAction === undefined ? 'the tenant' : 'the group'} denies by default`
}

function sentence(rule: WhyRule): string {
  const verb = rule.action === 'deny' ? 'denies' : 'allows'
  return `rule ${rule.ruleId} of policy ${rule.policyName} ${verb} it (priority ${rule.priority}): ${rule.text}`
}

function reasonOf(state: ClusterState, { key, priority, action }: PolicyRule): WhyRule | undefined {
  const record = state.objects.rule.get(key)
  if (record === undefined) return undefined
  const { policyName, ruleId } = record
  return { key, policyName, ruleId, priority, action, text: ruleText(record) }
}

/** As the host of the end has it. */
function groupIdOf(state: ClusterState, end: End): number {
  const groupId = memberOf(end)?.groupId
  if (groupId !== undefined || end.kind === 'address') return groupId ?? 0
  return defaultOf(state, end.record) === 'deny' ? ungrouped : 0
}

function judgedOf(state: ClusterState, { opening, source, destination }: Question) {
  const { tenantName, protocol, port } = opening
  return {
    tenantId: state.tenants.get(tenantName)?.tenantId ?? 0,
    source: opening.source,
    destination: opening.destination,
    protocol,
    port,
    sourceGroup: groupIdOf(state, source),
    destinationGroup: groupIdOf(state, destination),
  }
}
