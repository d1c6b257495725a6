import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { clipIntervals, formatIntervals, mergeIntervals, overlaps, subtractIntervals } from './intervals.ts'
import type { Interval } from './number-set.ts'

const interval = fc
  .tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 0, max: 12 }))
  .map(([first, length]): Interval => ({ first, last: first + length }))
const intervals = fc.array(interval, { maxLength: 8 })

const members = (list: readonly Interval[]) =>
  new Set(list.flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, n) => first + n)))

test('merging keeps the members, sorts, and leaves a gap between runs', () => {
  fc.assert(
    fc.property(intervals, (list) => {
      const merged = mergeIntervals(list)
      assert.deepEqual(
        [...members(merged)],
        [...members(list)].sort((a, b) => a - b),
      )
      for (const [index, { first }] of merged.entries()) {
        const before = merged[index - 1]
        assert.ok(before === undefined || before.last + 1 < first)
      }
    }),
  )
})

test('subtracting leaves what is in the whole and in no part', () => {
  fc.assert(
    fc.property(interval, intervals, (whole, parts) => {
      const gone = members(parts)
      const expected = [...members([whole])].filter((n) => !gone.has(n))
      assert.deepEqual([...members(subtractIntervals(whole, mergeIntervals(parts)))], expected)
    }),
  )
})

test('clipping leaves the members within bounds, and overlap means a common member', () => {
  fc.assert(
    fc.property(interval, interval, (a, b) => {
      const common = [...members([a])].filter((n) => members([b]).has(n))
      assert.deepEqual([...members(clipIntervals([a], b))], common)
      assert.equal(overlaps(a, b), common.length > 0)
    }),
  )
})

test('runs read as a-b, single numbers as themselves', () => {
  const runs = [
    { first: 1, last: 1 },
    { first: 5, last: 180 },
  ]
  assert.equal(
    formatIntervals(runs, (n) => `10.2.2.${n}`),
    '10.2.2.1, 10.2.2.5-10.2.2.180',
  )
  assert.equal(formatIntervals([], String), '')
})
