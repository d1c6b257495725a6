// Intents as transactions: a document is planned (src/core/intent) and its steps are tried one after the other on a copy
// of the tables. What they change together is the decision; a step that is refused refuses the document.

import { type Purpose, parseIntent } from '../core/intent/parse.ts'
import { type Plan, planIntent, type Step } from '../core/intent/plan.ts'
import type { Problem } from '../lib/errors.ts'
import { isProblem } from '../model/body.ts'
import type { GrantChange } from '../model/grant.ts'
import { intentEndpointId } from '../model/intent.ts'
import type { IntentAnswer, IntentChange } from '../model/intent-answer.ts'
import { networkKey } from '../model/network.ts'
import type { Change, Encap } from '../model/state.ts'
import type { Decision } from './decision.ts'
import { takeStep } from './intent-steps.ts'
import type { View } from './tables.ts'

export interface IntentOptions {
  /** Encapsulation of networks for which neither they nor their tenant name one. */
  readonly defaultEncap: Encap['kind']
}

/** All of the document or nothing. The same document again changes nothing. */
export function loadIntent(
  view: View,
  document: unknown,
  purpose: Purpose,
  options: IntentOptions,
): Decision<Omit<IntentAnswer, 'revision'>> | Problem {
  const intent = parseIntent(document, purpose)
  if (isProblem(intent)) return intent
  const plan = planIntent(view, intent, purpose, options)
  if (isProblem(plan)) return plan
  const changed = takeSteps(view, plan.steps, options)
  if (isProblem(changed)) return changed
  return { ...changed, result: answerOf(view, plan) }
}

function takeSteps(view: View, steps: readonly Step[], options: IntentOptions): Decision<undefined> | Problem {
  const records: Change[] = []
  const grants: GrantChange[] = []
  if (steps.length === 0) return { records, grants, result: undefined }
  const draft = view.copy()
  for (const step of steps) {
    const taken = takeStep(draft, step, options)
    if (isProblem(taken)) return taken
    draft.apply(taken.records, taken.grants)
    records.push(...taken.records)
    grants.push(...taken.grants)
  }
  return { records, grants, result: undefined }
}

function answerOf(view: View, plan: Plan): Omit<IntentAnswer, 'revision'> {
  const changes = new Map<string, IntentChange>()
  for (const step of plan.steps) {
    const { action, kind, key } = describeStep(view, step)
    const id = `${kind} ${key}`
    // Removed and made again in one go.
    changes.set(id, { action: changes.has(id) ? 'changed' : action, kind, key })
  }
  return { changes: [...changes.values()], kept: [...plan.kept], notes: [...plan.notes] }
}

function describeStep(view: View, step: Step): IntentChange {
  switch (step.kind) {
    case 'remove-endpoint':
      return { action: 'removed', kind: 'endpoint', key: step.id }
    case 'remove-network':
      return { action: 'removed', kind: 'network', key: step.key }
    case 'remove-tenant':
      return { action: 'removed', kind: 'tenant', key: step.name }
    case 'remove-host':
      return { action: 'removed', kind: 'host', key: step.name }
    case 'remove-infra-network':
      return { action: 'removed', kind: 'infra network', key: step.name }
    case 'put-tenant':
      return { action: view.tenants.has(step.name) ? 'changed' : 'added', kind: 'tenant', key: step.name }
    case 'put-host': {
      const { name } = step.host
      return { action: view.objects.intentHost.has(name) ? 'changed' : 'added', kind: 'host', key: name }
    }
    case 'put-infra-network':
      return { action: 'added', kind: 'infra network', key: step.network.name }
    case 'create-network':
      return { action: 'added', kind: 'network', key: networkKey(step.network.tenant, step.network.name) }
    case 'create-endpoint': {
      const { tenant, network, endpoint } = step.endpoint
      return { action: 'added', kind: 'endpoint', key: intentEndpointId(network, tenant, endpoint.container) }
    }
    case 'bind-endpoint':
      return { action: 'changed', kind: 'endpoint', key: step.id }
  }
}
