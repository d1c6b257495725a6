import assert from 'node:assert/strict'
import { test } from 'node:test'
import { placeOf } from './sorted.ts'

test('finds what is there, and the place of what is not', () => {
  const list = ['b', 'd', 'f']
  const places = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].map((key) => placeOf(list, key, (item) => item))
  assert.deepEqual(places, [0, 0, 1, 1, 2, 2, 3])
  assert.equal(
    placeOf([], 'a', (item) => item),
    0,
  )
})
