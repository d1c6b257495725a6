// Arithmetic on sorted runs of numbers, and their text form `a-b, c` (specification 6.4).

import type { Interval } from './number-set.ts'

/** Sorts runs and joins those that overlap or touch. */
export function mergeIntervals(intervals: readonly Interval[]): Interval[] {
  const merged: { first: number; last: number }[] = []
  for (const { first, last } of [...intervals].sort((a, b) => a.first - b.first)) {
    const previous = merged.at(-1)
    if (previous !== undefined && first <= previous.last + 1) previous.last = Math.max(previous.last, last)
    else merged.push({ first, last })
  }
  return merged
}

/** What is in `whole` and not in `parts`; `parts` must be merged. */
export function subtractIntervals(whole: Interval, parts: readonly Interval[]): Interval[] {
  const rest: Interval[] = []
  let at = whole.first
  for (const { first, last } of parts) {
    if (last < at) continue
    if (first > whole.last) break
    if (first > at) rest.push({ first: at, last: first - 1 })
    at = last + 1
  }
  if (at <= whole.last) rest.push({ first: at, last: whole.last })
  return rest
}

/** The part of each run that lies within bounds. */
export function clipIntervals(intervals: readonly Interval[], bounds: Interval): Interval[] {
  const clipped: Interval[] = []
  for (const { first, last } of intervals) {
    const part = { first: Math.max(first, bounds.first), last: Math.min(last, bounds.last) }
    if (part.first <= part.last) clipped.push(part)
  }
  return clipped
}

export function contains({ first, last }: Interval, value: number): boolean {
  return value >= first && value <= last
}

export function overlaps(a: Interval, b: Interval): boolean {
  return a.first <= b.last && b.first <= a.last
}

/** `a-b, c`; runs must be merged. */
export function formatIntervals(intervals: readonly Interval[], format: (value: number) => string): string {
  return intervals
    .map(({ first, last }) => (first === last ? format(first) : `${format(first)}-${format(last)}`))
    .join(', ')
}
