// What becomes of a connection that no rule is about: the group says, or its tenant, or it is allowed.

import type { ClusterState, GroupRecord } from '../../model/state.ts'

/** Of a group, or (with the tenant's name alone) of endpoints in no group. */
export function defaultActionOf(
  state: Pick<ClusterState, 'tenants'>,
  { tenantName, defaultAction }: Pick<GroupRecord, 'tenantName'> & Partial<GroupRecord>,
): 'allow' | 'deny' {
  return defaultAction ?? state.tenants.get(tenantName)?.defaultAction ?? 'allow'
}
