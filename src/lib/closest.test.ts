import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closest, editDistance } from './closest.ts'

test('one edit is an insertion, a deletion, a substitution or a swap', () => {
  const distances = [
    ['create', 'create', 0],
    ['crate', 'create', 1],
    ['creates', 'create', 1],
    ['crxate', 'create', 1],
    ['rceate', 'create', 1],
    ['', 'abc', 3],
    ['kitten', 'sitting', 3],
  ] as const
  for (const [from, to, expected] of distances) assert.equal(editDistance(from, to), expected, `${from} to ${to}`)
})

test('the nearest word wins and far words are not offered', () => {
  const words = ['create', 'ls', 'list', 'inspect', 'rm', 'delete']
  assert.equal(closest('crate', words), 'create')
  assert.equal(closest('lisst', words), 'list')
  assert.equal(closest('remove', words), undefined)
  assert.equal(closest('inspcet', words), 'inspect')
  assert.equal(closest('x', words), undefined)
})

test('a beginning of three letters is enough', () => {
  assert.equal(closest('netw', ['tenant', 'network']), 'network')
  assert.equal(closest('ne', ['network']), undefined)
})
