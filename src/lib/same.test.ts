import assert from 'node:assert/strict'
import { test } from 'node:test'
import { sameEntries, sameItems } from './same.ts'

test('lists are the same with the same objects in the same places', () => {
  const [one, two] = [{}, {}]
  assert.ok(sameItems([], []))
  assert.ok(sameItems([one, two], [one, two]))
  for (const other of [[one], [two, one], [one, {}], [one, two, one]]) assert.ok(!sameItems([one, two], other))
})

test('maps are the same with the same objects at the same keys', () => {
  const [one, two] = [{}, {}]
  const map = new Map<string, unknown>([
    ['a', one],
    ['b', two],
  ])
  assert.ok(sameEntries(map, new Map([...map].reverse())))
  assert.ok(!sameEntries(map, new Map([['a', one]])))
  assert.ok(!sameEntries(map, new Map([...map, ['b', {}]])))
  assert.ok(!sameEntries(new Map([['a', undefined]]), new Map([['b', undefined]])))
})
