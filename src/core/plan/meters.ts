// desired meters - meters in the switch = what must happen before the flows that use them come, and after those that used
// them are gone. Open vSwitch takes no meters in bundles.

import type { Meter, Modification } from '../../protocols/openflow/index.ts'
import { meterNumbersEnd } from '../pipeline/features/profile.ts'

export interface MeterPlan {
  /** New and changed ones. */
  readonly before: readonly Modification[]
  /** Those that no flow uses any more. */
  readonly after: readonly Modification[]
}

export interface MeterPlanOptions {
  /** False until the whole desired state is known: then nothing is removed for being absent from it. */
  readonly remove: boolean
}

/** The bridge is ours, and so are all meters on it whose numbers we give; others are left alone. */
export function planMeters(
  desired: ReadonlyMap<number, Meter>,
  actual: Iterable<Meter>,
  options: MeterPlanOptions,
): MeterPlan {
  const missing = new Map(desired)
  const changed: Modification[] = []
  const after: Modification[] = []
  for (const meter of actual) {
    const wanted = desired.get(meter.id)
    missing.delete(meter.id)
    if (wanted !== undefined && !same(wanted, meter)) changed.push({ op: 'modify-meter', meter: wanted })
    if (wanted === undefined && options.remove && meter.id < meterNumbersEnd) {
      after.push({ op: 'delete-meter', id: meter.id })
    }
  }
  const added = [...missing.values()].map((meter): Modification => ({ op: 'add-meter', meter }))
  return { before: [...changed, ...added], after }
}

function same(a: Meter, b: Meter): boolean {
  return a.rate === b.rate && a.burst === b.burst && a.foreign === b.foreign
}
