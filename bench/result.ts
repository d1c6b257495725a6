// What a benchmark says: measured figures, the same of what one would use instead, and the goal they are held against.

export interface Figures {
  readonly p50: number
  /** Left out for rates and sizes. */
  readonly p99?: number
}

export interface Row {
  readonly what: string
  readonly unit: string
  readonly ours: Figures
  /** What the ratio is taken against, and its figures. */
  readonly peer?: Peer
  readonly goal?: Goal
}

export interface Peer extends Figures {
  readonly name: string
  /** Where both were measured in turn: ours divided by theirs, round by round, of which the median. */
  readonly ratio?: number
}

export type Goal =
  | { readonly of: 'value'; readonly atMost: number }
  | { readonly of: 'value'; readonly atLeast: number }
  | { readonly of: 'ratio'; readonly atMost: number }
  | { readonly of: 'ratio'; readonly atLeast: number }

/** The value below which the given share (0 to 1) of the samples lies; nearest rank. Throws when there are none. */
export function quantile(samples: readonly number[], share: number): number {
  const sorted = [...samples].sort((a, b) => a - b)
  const found = sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)]
  if (found === undefined) throw new RangeError('there are no samples')
  return found
}

export function spread(samples: readonly number[]): Figures {
  return { p50: quantile(samples, 0.5), p99: quantile(samples, 0.99) }
}

export function median(samples: readonly number[]): Figures {
  return { p50: quantile(samples, 0.5) }
}

/** Ours divided by theirs: of rounds where there were any, else of the medians. */
export function ratio({ ours, peer }: Row): number | undefined {
  if (peer === undefined) return undefined
  return peer.ratio ?? ours.p50 / peer.p50
}

/** The median of the ratios of samples that were taken one right after the other: what disturbed one disturbed both. */
export function pairedRatio(ours: readonly number[], theirs: readonly number[]): number {
  const ratios = ours.flatMap((mine, round) => {
    const other = theirs[round]
    return other === undefined ? [] : [mine / other]
  })
  return quantile(ratios, 0.5)
}

/** Undefined when nothing is asked of the row. */
export function meetsGoal(row: Row): boolean | undefined {
  const { goal } = row
  if (goal === undefined) return undefined
  const value = goal.of === 'value' ? row.ours.p50 : ratio(row)
  if (value === undefined) return false
  return 'atMost' in goal ? value <= goal.atMost : value >= goal.atLeast
}
