import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ipv4Size, parseIpv4Prefix } from '../../lib/address.ts'
import { overlaps } from '../allocate/intervals.ts'
import { firstFreeSlice, isSlice, lastUsable } from './slices.ts'

const at = (text: string) => {
  const { base, length } = parseIpv4Prefix(text) ?? { base: 0, length: 32 }
  return { first: base, last: base + ipv4Size(length) - 1 }
}

/** The slice, or the code of the refusal. */
function first(pool: string, length: number, ...taken: readonly string[]): string {
  const slice = firstFreeSlice({ pool, length }, taken.map(at))
  return typeof slice === 'string' ? slice : slice.code
}

test('the first slice that touches nothing is taken', () => {
  assert.equal(first('11.1.0.0/16', 24), '11.1.0.0/24')
  assert.equal(first('11.1.0.0/16', 24, '11.1.0.0/24', '11.1.2.0/24'), '11.1.1.0/24')
  assert.equal(first('11.1.0.0/16', 24, '11.1.0.128/25'), '11.1.1.0/24')
  assert.equal(first('11.1.0.0/16', 24, '11.0.0.0/8'), 'SUBNETS_EXHAUSTED')
  assert.equal(first('11.1.0.0/24', 24, '11.1.0.0/24'), 'SUBNETS_EXHAUSTED')
  assert.equal(first('11.1.0.0/24', 23), 'SUBNET_POOL_TOO_SMALL')
})

test('a slice is free, aligned and within its pool, wherever others are', () => {
  const taken = fc.array(fc.record({ first: fc.nat(2 ** 12), size: fc.nat(600) }), { maxLength: 12 })
  fc.assert(
    fc.property(taken, fc.integer({ min: 24, max: 30 }), (blocks, length) => {
      const { base } = parseIpv4Prefix('11.1.0.0/20') ?? { base: 0 }
      const used = blocks.map((block) => ({ first: base + block.first, last: base + block.first + block.size }))
      const slice = firstFreeSlice({ pool: '11.1.0.0/20', length }, used)
      const free = (from: number) => !used.some((each) => overlaps(each, { first: from, last: from + size - 1 }))
      const size = ipv4Size(length)
      const all = Array.from({ length: 2 ** (length - 20) }, (_, index) => base + index * size)
      const expected = all.find(free)
      if (typeof slice !== 'string') return assert.equal(expected, undefined)
      assert.equal(parseIpv4Prefix(slice)?.base, expected)
      assert.ok(isSlice({ pool: '11.1.0.0/20', length }, slice))
    }),
  )
})

test('the gateway of a slice is its last usable address', () => {
  assert.equal(lastUsable('11.1.0.0/24'), '11.1.0.254')
  assert.equal(lastUsable('11.1.0.4/30'), '11.1.0.6')
})
