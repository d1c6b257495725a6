// Groups whose open connections must be judged again: those that have rules which end connections. Nobody else's are.

import { isDeepStrictEqual } from 'node:util'
import type { RuleLevel } from './node-policy.ts'

export interface CuttingGroup {
  readonly groupId: number
  /** Its incoming rules end connections; its outgoing ones do. */
  readonly incoming: boolean
  readonly outgoing: boolean
}

export class CuttingGroups {
  #levels: readonly RuleLevel[] = []
  #last: readonly CuttingGroup[] = []
  readonly #ofLevels = new WeakMap<RuleLevel, ReadonlySet<number>>()

  /** By ascending id; the same objects while they say the same. */
  of(levels: readonly RuleLevel[]): readonly CuttingGroup[] {
    if (levels === this.#levels) return this.#last
    this.#levels = levels
    const found = { in: new Set<number>(), out: new Set<number>() }
    for (const level of levels) {
      if (!level.cuts) continue
      const groups = this.#ofLevels.get(level) ?? groupsOf(level)
      this.#ofLevels.set(level, groups)
      for (const groupId of groups) found[level.direction].add(groupId)
    }
    const ids = [...new Set([...found.in, ...found.out])].sort((a, b) => a - b)
    const cutting = ids.map((groupId) => ({
      groupId,
      incoming: found.in.has(groupId),
      outgoing: found.out.has(groupId),
    }))
    if (!isDeepStrictEqual(this.#last, cutting)) this.#last = cutting
    return this.#last
  }
}

function groupsOf({ rules }: RuleLevel): ReadonlySet<number> {
  return new Set(rules.flatMap(({ groups }) => groups.map(({ groupId }) => groupId)))
}
