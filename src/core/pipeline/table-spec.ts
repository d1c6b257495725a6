// What the declaration of a table says, and the check that tables only lead on.

import type { FieldName } from '../../protocols/openflow/index.ts'
import type { MetadataName } from './fields.ts'

export type MatchName = FieldName | MetadataName

export interface TableSpec<Name extends string = string> {
  readonly id: number
  readonly why: string
  readonly matches: readonly MatchName[]
  readonly next: readonly Name[]
  /** `drop`, or the table a packet goes on to that no flow matched. */
  readonly miss: 'drop' | Name
}

/** Checks while types are checked that every `next` and `miss` names a table; checks at load that ids only grow. */
export function definePipeline<const T extends Record<string, TableSpec<Extract<keyof T, string>>>>(tables: T): T {
  for (const [name, table] of Object.entries(tables)) {
    for (const next of [...table.next, table.miss]) {
      const target = tables[next]
      if (target !== undefined && target.id <= table.id) throw new Error(`table ${name} cannot go back to ${next}`)
    }
  }
  return tables
}
