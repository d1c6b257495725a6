// desired flows - flows in the switch = the smallest ordered list of modifications. Sent as one bundle: a packet sees the
// old flows or the new ones, never a mix. The order still matters to a reader of the log and where bundles cannot be had:
// later tables first on the way in, so that a port is admitted last; earlier tables first on the way out.

import { isDeepStrictEqual } from 'node:util'
import {
  canonicalActions,
  type Flow,
  flowIdentity,
  isCanonicalOf,
  type Modification,
} from '../../protocols/openflow/index.ts'
import { isOf } from '../pipeline/cookies.ts'
import { tableId } from '../pipeline/flow.ts'
import type { FlowSets, Section } from '../pipeline/flow-sets.ts'

export interface FlowPlanOptions {
  /** False until the node's snapshot is complete: nothing is removed before it is known to be unwanted. */
  readonly remove: boolean
}

/**
 * Against everything that was read back: at start, after the switch restarted, and when looking for drift. Before the
 * snapshot is complete the policy that a switch has in force is left as it is: the state that a start begins with may be older,
 * and half of an old policy is worse than all of the new one. And so no port is admitted that was not: the policy of its endpoint may
 * be missing.
 */
export function planAllFlows(desired: FlowSets, actual: Iterable<Flow>, options: FlowPlanOptions): Modification[] {
  const missing = new Set<Flow>()
  for (const flows of desired.values()) for (const flow of flows) missing.add(flow)
  // Nearly all are found by that: a cookie is a hash of the whole flow, as it was put there.
  const wanted = byCookie(missing)
  const others: Flow[] = []
  let inForce = false
  for (const [cookie, flow] of byCookie(actual, others)) {
    inForce ||= isOf('base', cookie)
    const same = wanted.get(cookie)
    if (same !== undefined && isThe(same, flow)) missing.delete(same)
    else others.push(flow)
  }
  inForce ||= others.some(({ cookie }) => isOf('base', cookie))
  const { added, removed } = traded(missing, others, isThe)
  if (options.remove) return ordered(added, removed)
  return ordered(inForce ? added.filter((flow) => !isOf('policy', flow.cookie) && !isAdmission(flow)) : added, [])
}

/** Whether a flow that was read back is the one that is wanted, and does what that does: other hands leave the cookie as it was. */
function isThe(
  wanted: Flow,
  { cookie, table, priority, match, actions, goto, meter, foreign, ...timeouts }: Flow,
): boolean {
  return (
    cookie === wanted.cookie &&
    table === wanted.table &&
    priority === wanted.priority &&
    goto === wanted.goto &&
    meter === wanted.meter &&
    timeouts.idleTimeoutSeconds === wanted.idleTimeoutSeconds &&
    timeouts.hardTimeoutSeconds === wanted.hardTimeoutSeconds &&
    foreign === undefined &&
    isCanonicalOf(match, wanted.match) &&
    isDeepStrictEqual(actions, canonicalActions(wanted.actions))
  )
}

/** Without those that share a cookie, which `shared` gets. */
function byCookie(flows: Iterable<Flow>, shared: Flow[] = []): ReadonlyMap<bigint, Flow> {
  const all = new Map<bigint, Flow>()
  const several = new Set<bigint>()
  for (const flow of flows) {
    const other = all.get(flow.cookie)
    if (other === undefined && !several.has(flow.cookie)) {
      all.set(flow.cookie, flow)
      continue
    }
    if (other !== undefined) shared.push(other)
    shared.push(flow)
    all.delete(flow.cookie)
    several.add(flow.cookie)
  }
  return all
}

function isAdmission({ table, cookie }: Flow): boolean {
  return table === tableId('Classify') && isOf('endpoint', cookie)
}

/** Against what was applied last: looks only at sections and owners whose flows are not the same object as before. */
export function planFlowChanges(desired: FlowSets, applied: FlowSets, options: FlowPlanOptions): Modification[] {
  const come = new Set<Flow>()
  for (const flows of notIn(applied, desired)) for (const flow of flows) come.add(flow)
  const gone: Flow[] = []
  for (const flows of notIn(desired, applied)) for (const flow of flows) if (!come.delete(flow)) gone.push(flow)
  // No two flows that are wanted are the same to the switch: only what goes can be what comes.
  const isTraded = gone.length > 0 && come.size > 0
  const { added, removed } = isTraded ? traded(come, gone, hasCookieOf) : { added: [...come], removed: gone }
  return ordered(added, options.remove ? removed : [])
}

function hasCookieOf(wanted: Flow, there: Flow): boolean {
  return wanted.cookie === there.cookie
}

/** Without what goes because the same to the switch comes, and without what comes although it was there. */
function traded(come: Iterable<Flow>, gone: readonly Flow[], isSame: (wanted: Flow, there: Flow) => boolean) {
  const removed = new Map(gone.map((flow) => [flowIdentity(flow), flow]))
  const added: Flow[] = []
  for (const flow of come) {
    const key = flowIdentity(flow)
    const there = removed.get(key)
    if (there === undefined || !isSame(flow, there)) added.push(flow)
    removed.delete(key)
  }
  return { added, removed: [...removed.values()] }
}

/** The flows of each owner in `sets` that has other ones, or none, in the same section of `other`. */
function* notIn(other: FlowSets, sets: FlowSets): Iterable<readonly Flow[]> {
  const nothing: Section = new Map()
  for (const [name, section] of sets.sections) {
    const there = other.sections.get(name) ?? nothing
    if (there === section) continue
    for (const [owner, flows] of section) if (there.get(owner) !== flows) yield flows
  }
}

function ordered(added: Flow[], removed: Flow[]): Modification[] {
  added.sort((a, b) => b.table - a.table)
  removed.sort((a, b) => a.table - b.table)
  return [
    ...added.map((flow): Modification => ({ op: 'add-flow', flow })),
    ...removed.map(({ table, priority, match }): Modification => ({ op: 'delete-flow', table, priority, match })),
  ]
}
