import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { mergeRanges, rangeBlocks, type WideRange } from './blocks.ts'

/** Numbers of so many bits, and two of them in order. */
const widths = [16, 32, 128] as const
const rangeOf = (bits: number): fc.Arbitrary<WideRange> => {
  const number = fc.bigInt({ min: 0n, max: (1n << BigInt(bits)) - 1n })
  return fc.tuple(number, number).map(([a, b]) => (a < b ? { first: a, last: b } : { first: b, last: a }))
}

for (const bits of widths) {
  test(`blocks of ${bits} bit numbers cover a range exactly, and neighbours could not be one`, () => {
    fc.assert(
      fc.property(rangeOf(bits), ({ first, last }) => {
        const blocks = rangeBlocks({ first, last }, bits)
        assert.ok(blocks.length <= Math.max(1, 2 * bits - 2), `${blocks.length} blocks`)
        let next = first
        for (const [index, { base, length }] of blocks.entries()) {
          const size = 1n << BigInt(bits - length)
          assert.equal(base, next)
          assert.equal(base % size, 0n)
          next = base + size
          const joins = blocks[index + 1]?.length === length && base % (2n * size) === 0n
          assert.ok(!joins, `two blocks of /${length} at ${base}`)
        }
        assert.equal(next, last + 1n)
      }),
    )
  })

  test(`all ${bits} bit numbers are one block, and all but the ends the most blocks`, () => {
    const last = (1n << BigInt(bits)) - 1n
    assert.deepEqual(rangeBlocks({ first: 0n, last }, bits), [{ base: 0n, length: 0 }])
    assert.equal(rangeBlocks({ first: 1n, last: last - 1n }, bits).length, 2 * bits - 2)
  })
}

test('merging keeps the members, sorts, and leaves a gap between ranges', () => {
  const small = fc
    .tuple(fc.bigInt({ min: 0n, max: 60n }), fc.bigInt({ min: 0n, max: 12n }))
    .map(([first, length]): WideRange => ({ first, last: first + length }))
  const members = (ranges: readonly WideRange[]) =>
    Array.from({ length: 80 }, (_, at) => ranges.some(({ first, last }) => first <= at && at <= last))
  fc.assert(
    fc.property(fc.array(small, { maxLength: 8 }), (ranges) => {
      const merged = mergeRanges(ranges)
      assert.deepEqual(members(merged), members(ranges))
      for (const [index, { first }] of merged.entries()) {
        const before = merged[index - 1]
        assert.ok(before === undefined || before.last + 1n < first)
      }
    }),
  )
})
