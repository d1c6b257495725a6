// What a fake switch holds, and how modifications change it: flows by identity, groups and meters by number. Refuses what Open
// vSwitch refuses, as far as our flows can get it wrong.

import type { Action } from './action.ts'
import { canonicalise, type Flow, type FlowStats } from './flow.ts'
import { flowIdentity } from './format.ts'
import { allGroups, canonicalGroup, type Group } from './group.ts'
import { allMeters, type Meter } from './meter.ts'
import type { Masked64, Modification } from './modification.ts'
import type { FlowFilter } from './multipart.ts'
import { missingPrerequisite } from './prerequisites.ts'

export class FakeTables {
  readonly #flows: Map<string, FlowStats>
  readonly #groups: Map<number, Group>
  readonly #meters: Map<number, Meter>

  constructor(
    flows: ReadonlyMap<string, FlowStats> = new Map(),
    groups: ReadonlyMap<number, Group> = new Map(),
    meters: ReadonlyMap<number, Meter> = new Map(),
  ) {
    this.#flows = new Map(flows)
    this.#groups = new Map(groups)
    this.#meters = new Map(meters)
  }

  clone(): FakeTables {
    return new FakeTables(this.#flows, this.#groups, this.#meters)
  }

  flows(filter: FlowFilter = {}): FlowStats[] {
    const { table, cookie } = filter
    return [...this.#flows.values()].filter(
      (flow) => (table === undefined || flow.table === table) && agrees(flow.cookie, cookie),
    )
  }

  groups(): Group[] {
    return [...this.#groups.values()]
  }

  meters(): Meter[] {
    return [...this.#meters.values()]
  }

  /** Sets the counters of the flows for which `when` holds. */
  setCounters(when: (flow: Flow) => boolean, packets: bigint, bytes: bigint): void {
    for (const [identity, flow] of this.#flows) if (when(flow)) this.#flows.set(identity, { ...flow, packets, bytes })
  }

  /** Makes the change, or returns the name of the error with which the switch refuses it. */
  apply(m: Modification): string | undefined {
    switch (m.op) {
      case 'add-flow':
        return this.#addFlow(canonicalise(m.flow))
      case 'delete-flow':
        this.#flows.delete(flowIdentity(m))
        return undefined
      case 'delete-flows':
        for (const flow of this.flows(m)) this.#flows.delete(flowIdentity(flow))
        return undefined
      case 'delete-group':
        this.#deleteGroup(m.id)
        return undefined
      case 'add-meter':
      case 'modify-meter':
        return this.#setMeter(m.op, m.meter)
      case 'delete-meter':
        this.#deleteMeter(m.id)
        return undefined
      default:
        return this.#putGroup(m.op, m.group)
    }
  }

  #addFlow(flow: Flow): string | undefined {
    for (const group of groupsOf(flow.actions)) if (!this.#groups.has(group)) return 'OFPBAC_BAD_OUT_GROUP'
    if (flow.meter !== undefined && !this.#meters.has(flow.meter)) return 'OFPMMFC_INVALID_METER'
    this.#flows.set(flowIdentity(flow), { ...flow, packets: 0n, bytes: 0n, durationSeconds: 0 })
    return undefined
  }

  #setMeter(op: 'add-meter' | 'modify-meter', meter: Meter): string | undefined {
    const known = this.#meters.has(meter.id)
    if (op === 'add-meter' && known) return 'OFPMMFC_METER_EXISTS'
    if (op === 'modify-meter' && !known) return 'OFPMMFC_UNKNOWN_METER'
    this.#meters.set(meter.id, meter)
    return undefined
  }

  #deleteMeter(id: number): void {
    for (const meter of id === allMeters ? [...this.#meters.keys()] : [id]) {
      this.#meters.delete(meter)
      for (const [identity, flow] of this.#flows) if (flow.meter === meter) this.#flows.delete(identity)
    }
  }

  #putGroup(op: 'add-group' | 'modify-group' | 'put-group', group: Group): string | undefined {
    const known = this.#groups.has(group.id)
    if (op === 'add-group' && known) return 'OFPGMFC_GROUP_EXISTS'
    if (op === 'modify-group' && !known) return 'OFPGMFC_UNKNOWN_GROUP'
    this.#groups.set(group.id, canonicalGroup(group))
    return undefined
  }

  #deleteGroup(id: number): void {
    for (const group of id === allGroups ? [...this.#groups.keys()] : [id]) {
      this.#groups.delete(group)
      for (const [identity, flow] of this.#flows) if (groupsOf(flow.actions).has(group)) this.#flows.delete(identity)
    }
  }
}

/** What the switch refuses on sight, before anything is applied. */
export function refusalOnSight(m: Modification): string | undefined {
  if (m.op === 'delete-flow') return missingPrerequisite(m.match) === undefined ? undefined : 'OFPBMC_BAD_PREREQ'
  if (m.op !== 'add-flow') return undefined
  const { match, goto, table } = m.flow
  if (missingPrerequisite(match) !== undefined) return 'OFPBMC_BAD_PREREQ'
  if (goto !== undefined && goto <= table) return 'OFPBIC_BAD_TABLE_ID'
  return undefined
}

function agrees(cookie: bigint, wanted: Masked64 | undefined): boolean {
  return wanted === undefined || (cookie & wanted.mask) === (wanted.value & wanted.mask)
}

function groupsOf(actions: readonly Action[]): Set<number> {
  const groups = new Set<number>()
  for (const action of actions) if (action.type === 'group') groups.add(action.group)
  return groups
}
