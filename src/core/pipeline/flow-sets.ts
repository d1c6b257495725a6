// The flows of a switch by the object that owns them. Never changed: what did not change is the same object next time.

import type { Flow } from '../../protocols/openflow/index.ts'

/** By owner: `base`, `peer <vtep>`, `network <key>`, `endpoint <id>`, and of policies; `<owner> /<n>`: one of many parts. */
export type Section = ReadonlyMap<string, readonly Flow[]>

/** Sections by name. An owner may go from one section to another, as an endpoint does that moves to another host. */
export class FlowSets implements Iterable<readonly [owner: string, flows: readonly Flow[]]> {
  readonly sections: ReadonlyMap<string, Section>

  constructor(sections: ReadonlyMap<string, Section>) {
    this.sections = sections
  }

  /** How many flows. */
  get count(): number {
    let count = 0
    for (const flows of this.values()) count += flows.length
    return count
  }

  *[Symbol.iterator](): Iterator<readonly [owner: string, flows: readonly Flow[]]> {
    for (const section of this.sections.values()) yield* section
  }

  *values(): IterableIterator<readonly Flow[]> {
    for (const section of this.sections.values()) yield* section.values()
  }
}
