import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isLinearizable, type Operation, type Value } from './linearizable.ts'

const never = Number.POSITIVE_INFINITY
const write = (value: Value, asked: number, answered: number): Operation => ({ kind: 'write', value, asked, answered })
const read = (value: Value, asked: number, answered: number): Operation => ({ kind: 'read', value, asked, answered })

test('a read after an answered write sees it', () => {
  assert.equal(isLinearizable([write('a', 0, 1), read('a', 2, 3)]), true)
  assert.equal(isLinearizable([write('a', 0, 1), read(null, 2, 3)]), false)
  assert.equal(isLinearizable([write('a', 0, 1), write(null, 2, 3), read('a', 4, 5)]), false)
})

test('of what happens at the same time either may be first, but for everybody', () => {
  const both = [write('a', 0, 4), write('b', 1, 5)]
  assert.equal(isLinearizable([...both, read('a', 6, 7)]), true)
  assert.equal(isLinearizable([...both, read('b', 6, 7)]), true)
  assert.equal(isLinearizable([...both, read('a', 6, 7), read('b', 8, 9)]), false)
})

test('what got no answer may have happened, later, or never; but not before it was asked for, nor twice', () => {
  const lost = write('b', 2, never)
  assert.equal(isLinearizable([write('a', 0, 1), lost, read('a', 3, 4), read('b', 5, 6)]), true)
  assert.equal(isLinearizable([write('a', 0, 1), lost, read('a', 3, 4)]), true)
  assert.equal(isLinearizable([write('a', 0, 1), read('b', 1.2, 1.5), lost]), false)
  assert.equal(isLinearizable([lost, read('b', 3, 4), write('a', 5, 6), read('b', 7, 8)]), false)
})
