import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { mapChanges } from './map-changes.ts'

const key = fc.integer({ min: 0, max: 12 })
const value = fc.integer({ min: 1, max: 3 })
const entries = fc.array(fc.tuple(key, value))
/** `0` deletes. */
const edits = fc.array(fc.tuple(key, fc.integer({ min: 0, max: 3 })))

function expected(before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>) {
  const keys = [...new Set([...before.keys(), ...after.keys()])].sort((a, b) => a - b)
  return keys.flatMap((each) => {
    const change = { key: each, before: before.get(each), after: after.get(each) }
    return change.before === change.after ? [] : [change]
  })
}

function found(before: ReadonlyMap<number, number>, after: ReadonlyMap<number, number>) {
  return [...mapChanges(before, after)].sort((a, b) => a.key - b.key)
}

test('finds each change once, of a map and its edited copy', () => {
  fc.assert(
    fc.property(entries, edits, (first, then) => {
      const before = new Map(first)
      const after = new Map(before)
      for (const [each, wanted] of then) {
        if (wanted === 0) after.delete(each)
        else after.set(each, wanted)
      }
      assert.deepEqual(found(before, after), expected(before, after))
    }),
  )
})

test('finds each change once, of maps in any order', () => {
  fc.assert(
    fc.property(entries, entries, (first, second) => {
      const [before, after] = [new Map(first), new Map(second)]
      assert.deepEqual(found(before, after), expected(before, after))
    }),
  )
})
