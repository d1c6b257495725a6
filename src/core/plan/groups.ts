// desired groups - groups in the switch = what goes into the bundle before the flows that use them, and after those that used
// them are gone.

import { canonicalGroupText, type Group, type Modification } from '../../protocols/openflow/index.ts'
import { firstGroup, groupNumbersEnd } from '../pipeline/features/service-groups.ts'

export interface GroupPlan {
  readonly before: readonly Modification[]
  readonly after: readonly Modification[]
}

export interface GroupPlanOptions {
  /** False until the whole desired state is known: then what is there stays as it is. */
  readonly remove: boolean
}

/** The bridge is ours, and so are all groups on it whose numbers we give; others are left alone. */
export function planGroups(
  desired: ReadonlyMap<number, Group>,
  actual: Iterable<Group>,
  options: GroupPlanOptions,
): GroupPlan {
  const missing = new Map(desired)
  const changed: Modification[] = []
  const after: Modification[] = []
  for (const group of actual) {
    const wanted = desired.get(group.id)
    missing.delete(group.id)
    if (!options.remove) continue
    if (wanted !== undefined && wanted !== group && canonicalGroupText(wanted) !== canonicalGroupText(group)) {
      changed.push({ op: 'put-group', group: wanted })
    }
    if (wanted === undefined && group.id >= firstGroup && group.id < groupNumbersEnd) {
      after.push({ op: 'delete-group', id: group.id })
    }
  }
  const added = [...missing.values()].map((group): Modification => ({ op: 'put-group', group }))
  return { before: [...changed, ...added], after }
}
