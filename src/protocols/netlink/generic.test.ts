import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as captured from './captured.ts'
import { decodeFamily, encodeFamilyQuery } from './generic.ts'
import { readMessages } from './message.ts'

test('a family is asked for by name', () => {
  assert.deepEqual(encodeFamilyQuery('nlctrl'), readMessages(captured.familyQuery)[0]!.body)
})

test('the answer names the family and its number', () => {
  assert.deepEqual(decodeFamily(readMessages(captured.familyAnswer)[0]!.body), { id: 16, name: 'nlctrl' })
})

test('an answer that ends early is a protocol error', () => {
  assert.throws(() => decodeFamily(Buffer.from('0102', 'hex')), { kind: 'protocol' })
})
