import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Backoff } from './backoff.ts'

const pauses = (random: number, count: number) => {
  const backoff = new Backoff({ firstMs: 100, maxMs: 1_000, random: () => random })
  return { backoff, taken: Array.from({ length: count }, () => backoff.next()) }
}

test('pauses double up to the longest', () => {
  assert.deepEqual(pauses(1, 6).taken, [100, 200, 400, 800, 1_000, 1_000])
})

test('half of a pause is chance, so that many clients do not come at once', () => {
  assert.deepEqual(pauses(0, 3).taken, [50, 100, 200])
  assert.deepEqual(pauses(0.5, 3).taken, [75, 150, 300])
})

test('after success it begins anew', () => {
  const { backoff } = pauses(1, 5)
  backoff.reset()
  assert.equal(backoff.next(), 100)
})
