// Policies (specification 2.2, 2.3): a name for a set of rules that groups can have.

import { z } from 'zod'
import { apiObject, type KeysOfType, link, linkSet, linkSets, linkTo, omitEmpty, requiredName } from './body.ts'
import { type EndpointOper, endpointOper } from './endpoint.ts'
import type { PolicyRecord } from './state.ts'

export const policyBody = apiObject({
  tenantName: requiredName(64),
  policyName: requiredName(64),
})
export type PolicyBody = z.output<typeof policyBody>
export type PolicyInput = z.input<typeof policyBody>

export const policyView = z.object({
  key: z.string(),
  policyName: z.string(),
  tenantName: z.string(),
  'link-sets': z.record(z.string(), linkSet),
  links: z.object({ Tenant: link }),
})
export type PolicyView = z.infer<typeof policyView>

export const policyOper = z.object({
  /** Of all groups that have the policy. */
  endpoints: z.array(endpointOper).optional(),
  numEndpoints: z.int().optional(),
})
export type PolicyOper = z.infer<typeof policyOper>

export const policyInspect = z.object({ Config: policyView, Oper: policyOper })
export type PolicyInspect = z.infer<typeof policyInspect>

export function policyKey(tenantName: string, policyName: string): string {
  return `${tenantName}:${policyName}`
}

export interface PolicyLinks {
  readonly groups: KeysOfType
  readonly rules: KeysOfType
}

export function renderPolicy(record: PolicyRecord, links: PolicyLinks): PolicyView {
  return {
    key: policyKey(record.tenantName, record.policyName),
    policyName: record.policyName,
    tenantName: record.tenantName,
    'link-sets': linkSets({ EndpointGroups: links.groups, Rules: links.rules }),
    links: { Tenant: linkTo('tenant', record.tenantName) },
  }
}

export function renderPolicyOper(endpoints: readonly EndpointOper[]): PolicyOper {
  return omitEmpty({ endpoints: [...endpoints], numEndpoints: endpoints.length })
}
