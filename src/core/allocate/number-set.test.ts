import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NumberSet } from './number-set.ts'

type Step = { readonly add: number } | { readonly delete: number } | { readonly find: readonly [number, number] }

const value = fc.integer({ min: 0, max: 5_000 })
const step: fc.Arbitrary<Step> = fc.oneof(
  { arbitrary: fc.record({ add: value }), weight: 5 },
  { arbitrary: fc.record({ delete: value }), weight: 2 },
  { arbitrary: fc.record({ find: fc.tuple(value, value) }), weight: 2 },
)

function lowestFreeOf(model: ReadonlySet<number>, first: number, last: number): number | undefined {
  for (let candidate = first; candidate <= last; candidate++) if (!model.has(candidate)) return candidate
  return undefined
}

test('it behaves as a plain set does, and finds the lowest number that is free', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 3_000 }), fc.array(step, { maxLength: 200 }), (base, steps) => {
      const set = new NumberSet(base)
      const model = new Set<number>()
      for (const each of steps) {
        if ('add' in each) assert.equal(set.add(each.add), !model.has(each.add) && model.add(each.add) !== undefined)
        else if ('delete' in each) assert.equal(set.delete(each.delete), model.delete(each.delete))
        else assert.equal(set.lowestFree(...each.find), lowestFreeOf(model, ...each.find))
        assert.equal(set.size, model.size)
      }
      assert.equal(set.lowestFree(base, 6_000), lowestFreeOf(model, base, 6_000))
      const listed = set
        .intervals()
        .flatMap(({ first, last }) => Array.from({ length: last - first + 1 }, (_, n) => first + n))
      assert.deepEqual(
        listed,
        [...model].sort((a, b) => a - b),
      )
    }),
  )
})

test('taking the lowest free one again and again gives every number once, in order, across pages', () => {
  const set = new NumberSet(10)
  for (let expected = 10; expected <= 3_000; expected++) {
    const free = set.lowestFree(10, 3_000)
    assert.equal(free, expected)
    set.add(expected)
  }
  assert.equal(set.lowestFree(10, 3_000), undefined)
  set.delete(1_500)
  assert.equal(set.lowestFree(10, 3_000), 1_500)
})

test('numbers of a /8 and above 2^32 are handled alike', () => {
  const base = 10 * 2 ** 24
  const set = new NumberSet(base)
  set.add(base)
  set.add(2 ** 40)
  assert.equal(set.lowestFree(base, base + 2 ** 24 - 1), base + 1)
  assert.equal(set.lowestFree(2 ** 40, 2 ** 41), 2 ** 40 + 1)
  assert.equal(set.has(2 ** 40), true)
})

test('a search that ends inside a full page does not leave its range', () => {
  const set = new NumberSet(0)
  for (let n = 0; n <= 100; n++) set.add(n)
  assert.equal(set.lowestFree(0, 100), undefined)
  assert.equal(set.lowestFree(0, 101), 101)
})
