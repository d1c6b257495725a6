// The gateway to an ACI fabric (specification 2.2, 5.12): one object, named `aciGw`.

import { z } from 'zod'
import { apiObject, omitEmpty, requiredName, wordOr } from './body.ts'
import type { AciGwRecord } from './state.ts'

export const aciGwKey = 'aciGw'

const port = String.raw`topology/pod-\d{1,4}/paths-\d{1,4}/pathep-\[eth\d{1,2}/\d{1,2}\]`
const node = String.raw`topology/pod-\d{1,4}/node-\d{1,4}`

/** A list with commas and without spaces. */
function bindings(one: string, example: string) {
  const pattern = new RegExp(`^(?:${one}(?:,${one})*)?$`)
  return z
    .string()
    .max(2048, 'is longer than 2048 characters')
    .regex(pattern, `is not a list of bindings; write each as ${example}, with commas between them`)
    .default('')
}

export const aciGwBody = apiObject({
  name: z.literal(aciGwKey, `must be ${aciGwKey}`),
  /** Ports of leaves that hosts are connected to. */
  pathBindings: bindings(port, 'topology/pod-1/paths-101/pathep-[eth1/14]'),
  nodeBindings: bindings(node, 'topology/pod-1/node-101'),
  physicalDomain: requiredName(128),
  enforcePolicies: wordOr(['yes', 'no'], 'yes'),
  includeCommonTenant: wordOr(['no', 'yes'], 'no'),
})
export type AciGwBody = z.output<typeof aciGwBody>
export type AciGwInput = z.input<typeof aciGwBody>

export const aciGwView = z.object({
  key: z.string(),
  enforcePolicies: z.enum(['yes', 'no']),
  includeCommonTenant: z.enum(['yes', 'no']),
  name: z.string(),
  nodeBindings: z.string().optional(),
  pathBindings: z.string().optional(),
  physicalDomain: z.string(),
})
export type AciGwView = z.infer<typeof aciGwView>

export const aciGwOper = z.object({ numAppProfiles: z.int().optional() })
export type AciGwOper = z.infer<typeof aciGwOper>

export const aciGwInspect = z.object({ Config: aciGwView, Oper: aciGwOper })
export type AciGwInspect = z.infer<typeof aciGwInspect>

export function aciGwFromBody(body: AciGwBody): AciGwRecord {
  const { pathBindings, nodeBindings, physicalDomain, enforcePolicies, includeCommonTenant } = body
  return { pathBindings, nodeBindings, physicalDomain, enforcePolicies, includeCommonTenant }
}

export function renderAciGw(record: AciGwRecord): AciGwView {
  return {
    key: aciGwKey,
    enforcePolicies: record.enforcePolicies,
    includeCommonTenant: record.includeCommonTenant,
    name: aciGwKey,
    ...omitEmpty({ nodeBindings: record.nodeBindings, pathBindings: record.pathBindings }),
    physicalDomain: record.physicalDomain,
  }
}
