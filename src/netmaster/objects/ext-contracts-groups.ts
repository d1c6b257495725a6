// External contracts (specification 2.3): the list may change at any time, the type while no group has them.

import type { Problem } from '../../lib/errors.ts'
import { problem } from '../../model/body.ts'
import {
  contractsKey,
  contractsTypes,
  type ExtContractsGroupBody,
  type ExtContractsGroupInspect,
  type ExtContractsGroupView,
  renderContracts,
} from '../../model/ext-contracts-group.ts'
import type { ContractsRecord } from '../../model/state.ts'
import type { View } from '../tables.ts'
import { checkTenant, heldBy, type ObjectKind, referring } from './object.ts'
import { recordObject } from './record-object.ts'

export const extContractsGroupObject: ObjectKind<
  ExtContractsGroupBody,
  ExtContractsGroupView,
  ExtContractsGroupInspect
> = recordObject({
  kind: 'contracts',
  noun: 'external contracts group',
  keyOf: (body: ExtContractsGroupBody) => contractsKey(body.tenantName, body.contractsGroupName),
  recordOf: decideContracts,
  heldBy: (view, _, key) => usedBy(view, key, 'CONTRACTS_IN_USE', 'is used by', 'take it off them first'),
  render,
  inspect: (view, record, key) => ({ Config: render(view, record, key) }),
})

function decideContracts(
  view: View,
  body: ExtContractsGroupBody,
  existing: ContractsRecord | undefined,
  key: string,
): ContractsRecord | Problem {
  const { tenantName, contractsGroupName, contracts } = body
  const unknown = checkTenant(view, tenantName)
  if (unknown !== undefined) return unknown
  const contractsType = contractsTypes.find((type) => type === body.contractsType)
  if (contractsType === undefined) {
    const message = `contractsType must be provided or consumed, not ${JSON.stringify(body.contractsType)}`
    return problem('invalid', 'CONTRACTS_TYPE_UNKNOWN', message, { field: 'contractsType' })
  }
  if (existing !== undefined && existing.contractsType !== contractsType) {
    const what = `cannot become ${contractsType}: it is used by`
    const used = usedBy(view, key, 'CONTRACTS_TYPE_FIXED', what, 'take it off them first')
    if (used !== undefined) return used
  }
  return { tenantName, contractsGroupName, contractsType, contracts }
}

function usedBy(view: View, key: string, code: string, what: string, advice: string): Problem | undefined {
  const groups = view.referrers('group', 'contracts', key)
  return heldBy(code, `external contracts group ${key} ${what}`, groups, 'endpoint group', advice)
}

function render(view: View, record: ContractsRecord, key: string): ExtContractsGroupView {
  return renderContracts(record, referring(view, 'group', 'contracts', key))
}
