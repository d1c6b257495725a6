// External contracts (specification 2.2, 2.3): what groups provide to, or consume from, an outside fabric.

import { z } from 'zod'
import { apiObject, type KeysOfType, linkSet, linkSets, omitEmpty, requiredName, textList } from './body.ts'
import type { ContractsRecord } from './state.ts'

export const contractsTypes = ['provided', 'consumed'] as const

export const extContractsGroupBody = apiObject({
  tenantName: requiredName(64),
  contractsGroupName: requiredName(64),
  /** `provided` or `consumed`; checked when the object is decided. */
  contractsType: z.string().max(64).default(''),
  /** Distinguished names. */
  contracts: textList(512),
})
export type ExtContractsGroupBody = z.output<typeof extContractsGroupBody>
export type ExtContractsGroupInput = z.input<typeof extContractsGroupBody>

export const extContractsGroupView = z.object({
  key: z.string(),
  contracts: z.array(z.string()).optional(),
  contractsGroupName: z.string(),
  contractsType: z.enum(contractsTypes),
  tenantName: z.string(),
  'link-sets': z.record(z.string(), linkSet),
})
export type ExtContractsGroupView = z.infer<typeof extContractsGroupView>

export const extContractsGroupInspect = z.object({ Config: extContractsGroupView })
export type ExtContractsGroupInspect = z.infer<typeof extContractsGroupInspect>

export function contractsKey(tenantName: string, contractsGroupName: string): string {
  return `${tenantName}:${contractsGroupName}`
}

export function renderContracts(record: ContractsRecord, groups: KeysOfType): ExtContractsGroupView {
  return {
    key: contractsKey(record.tenantName, record.contractsGroupName),
    ...omitEmpty({ contracts: [...record.contracts] }),
    contractsGroupName: record.contractsGroupName,
    contractsType: record.contractsType,
    tenantName: record.tenantName,
    'link-sets': linkSets({ EndpointGroups: groups }),
  }
}
