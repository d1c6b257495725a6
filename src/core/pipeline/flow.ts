// Builds flows by name. The types hold each flow to its table's contract: wrong match, wrong next table = type error.

import type { Action, Flow, Match } from '../../protocols/openflow/index.ts'
import { cookieOf, type Feature } from './cookies.ts'
import { type MetadataMatch, type MetadataName, namedMatch, setMetadata } from './fields.ts'
import { pipeline, type TableName } from './tables.ts'

type Contract<T extends TableName> = (typeof pipeline)[T]
type Matchable<T extends TableName> = Contract<T>['matches'][number]
type Next<T extends TableName> = Contract<T>['next'][number]

/** What a flow of table T may match: named metadata by number, packet fields as the OpenFlow library takes them. */
export type TableMatch<T extends TableName> = {
  readonly [M in Matchable<T>]?: M extends MetadataName ? number : M extends keyof Match ? Match[M] : never
}

/** What a flow of table T may do, in order; `meter` only first, `goto` only last. */
export type Step<T extends TableName> =
  | Action
  | { readonly set: MetadataMatch }
  | { readonly goto: Next<T> }
  | { readonly meter: number }

export function flow<T extends TableName>(
  feature: Feature,
  table: T,
  priority: number,
  match: TableMatch<T>,
  steps: readonly Step<T>[],
): Flow {
  const actions: Action[] = []
  let goto: number | undefined
  let meter: number | undefined
  for (const step of steps) {
    if ('goto' in step) goto = pipeline[step.goto].id
    else if ('meter' in step) meter = step.meter
    else if ('set' in step) actions.push(...setMetadata(step.set))
    else actions.push(step)
  }
  const bare = {
    table: pipeline[table].id,
    priority,
    match: namedMatch(match),
    actions,
    ...(goto === undefined ? {} : { goto }),
    ...(meter === undefined ? {} : { meter }),
  }
  return { ...bare, cookie: cookieOf(feature, bare) }
}

/** Sends on to another table from inside an action such as `ct`, which takes the table's number. */
export function tableId(name: TableName): number {
  return pipeline[name].id
}

/** What a miss does, for every table that does not drop: one flow each, so that the switch itself needs no default. */
export function missFlows(): Flow[] {
  const flows: Flow[] = []
  for (const [name, spec] of Object.entries(pipeline)) {
    if (spec.miss === 'drop') continue
    const steps = [{ goto: spec.miss }] as readonly Step<TableName>[]
    flows.push(flow('base', name as TableName, 0, {}, steps))
  }
  return flows
}
