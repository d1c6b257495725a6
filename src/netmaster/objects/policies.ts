// Policies (specification 2.3): stay while a group has them; their rules go with them.

import {
  type PolicyBody,
  type PolicyInspect,
  type PolicyView,
  policyKey,
  renderPolicy,
  renderPolicyOper,
} from '../../model/policy.ts'
import { objectChange } from '../../model/record-list.ts'
import type { PolicyRecord } from '../../model/state.ts'
import type { View } from '../tables.ts'
import { endpointOpers } from './endpoints.ts'
import { checkTenant, heldBy, type ObjectKind, referring } from './object.ts'
import { recordObject } from './record-object.ts'

export const policyObject: ObjectKind<PolicyBody, PolicyView, PolicyInspect> = recordObject({
  kind: 'policy',
  noun: 'policy',
  keyOf: (body: PolicyBody) => policyKey(body.tenantName, body.policyName),
  recordOf: (view, { tenantName, policyName }) => checkTenant(view, tenantName) ?? { tenantName, policyName },
  heldBy: (view, _, key) => {
    const groups = view.referrers('group', 'policy', key)
    return heldBy('POLICY_IN_USE', `policy ${key} is used by`, groups, 'endpoint group', 'take it off them first')
  },
  removeAlongside: (view, _, key) => ({
    records: [...view.referrers('rule', 'policy', key).keys()].map((rule) => objectChange('rule', rule, null)),
  }),
  render,
  inspect: (view, record, key) => ({ Config: render(view, record, key), Oper: inspectPolicyOper(view, key) }),
})

function render(view: View, record: PolicyRecord, key: string): PolicyView {
  const groups = referring(view, 'group', 'policy', key)
  return renderPolicy(record, { groups, rules: referring(view, 'rule', 'policy', key) })
}

export function inspectPolicyOper(view: View, key: string) {
  const groups = [...view.referrers('group', 'policy', key).keys()].sort()
  return renderPolicyOper(groups.flatMap((group) => endpointOpers(view, view.endpointsOfGroup(group))))
}
