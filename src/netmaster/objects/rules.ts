// Rules (specification 2.3): what they name must be there. A rule is a wish like any other and may change at any time.

import { isDeepStrictEqual } from 'node:util'
import { normalPorts } from '../../core/policy/port-set.ts'
import { canonicalIpv6 } from '../../lib/address.ts'
import type { Problem } from '../../lib/errors.ts'
import { problem } from '../../model/body.ts'
import { networkKey } from '../../model/network.ts'
import { policyKey } from '../../model/policy.ts'
import type { FlowLimits } from '../../model/policy-cost.ts'
import {
  checkRule,
  type RuleBody,
  type RuleInspect,
  type RuleView,
  renderRule,
  ruleFromBody,
  ruleKey,
} from '../../model/rule.ts'
import type { RuleRecord } from '../../model/state.ts'
import type { View } from '../tables.ts'
import { checkGroups, checkNetworks, checkTenant, count, nameSome, notFound, type ObjectKind } from './object.ts'
import { recordObject } from './record-object.ts'
import { checkBudget } from './rule-budget.ts'

/** `limits`: beyond which a rule is refused. */
export function ruleObject(limits: FlowLimits): ObjectKind<RuleBody, RuleView, RuleInspect> {
  const checkCost = (view: View, rule: RuleRecord, existing: RuleRecord | undefined, key: string) =>
    isDeepStrictEqual(rule, existing) ? undefined : checkBudget(view, rule, key, limits)
  return recordObject({
    kind: 'rule',
    noun: 'rule',
    keyOf: (body: RuleBody) => ruleKey(body.tenantName, body.policyName, body.ruleId),
    recordOf: (view, body, existing, key) => {
      const given = ruleFromBody(body)
      const rule = given.ports === undefined ? given : { ...given, ports: normalPorts(given.ports) }
      return (
        checkRule(given) ??
        checkNames(view, rule) ??
        checkTarget(view, rule) ??
        checkCost(view, rule, existing, key) ??
        rule
      )
    },
    render: (_, record) => renderRule(record),
    inspect: (_, record) => ({ Config: renderRule(record) }),
  })
}

function checkNames(view: View, rule: RuleRecord): Problem | undefined {
  const { tenantName, policyName } = rule
  const policy = policyKey(tenantName, policyName)
  return (
    checkTenant(view, tenantName) ??
    (view.objects.policy.has(policy) ? undefined : notFound('policy', policy)) ??
    checkGroups(view, tenantName, [rule.fromEndpointGroup, rule.toEndpointGroup]) ??
    checkNetworks(view, tenantName, [rule.fromNetwork, rule.toNetwork])
  )
}

/** An incoming rule may be for some endpoints of the only group that has its policy. */
function checkTarget(view: View, rule: RuleRecord): Problem | undefined {
  const { tenantName, policyName, toIpAddress } = rule
  if (rule.direction === 'out' || toIpAddress === '') return undefined
  const policy = policyKey(tenantName, policyName)
  const groups = [...view.referrers('group', 'policy', policy)]
  const [first] = groups
  if (first === undefined || groups.length > 1) {
    const have =
      first === undefined
        ? 'no group has it'
        : `${count(groups.length, 'group')} have it (${nameSome(groups.map(([key]) => key))})`
    const message = `toIpAddress of an incoming rule is for a policy of exactly one group; of policy ${policy}, ${have}`
    return problem('invalid', 'RULE_TARGET_GROUPS', message, { field: 'toIpAddress', groups: groups.length })
  }
  const [groupKey, group] = first
  const addresses = view.addresses(networkKey(tenantName, group.networkName))
  const stranger = toIpAddress.split(',').find((text) => {
    const owner = addresses.ownerOf(canonicalIpv6(text) ?? text)
    return owner?.type !== 'endpoint' || !view.endpointsOfGroup(groupKey).has(owner.id)
  })
  if (stranger === undefined) return undefined
  const message = `no endpoint of group ${groupKey} has address ${stranger}; give the address of one, or leave toIpAddress out`
  return problem('invalid', 'RULE_TARGET_UNKNOWN', message, { field: 'toIpAddress', group: groupKey })
}
