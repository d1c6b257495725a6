import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { copyOfMap, mapChanges, putInto } from './map-changes.ts'

const key = fc.integer({ min: 0, max: 12 })
const entries = fc.array(fc.tuple(key, fc.integer({ min: 1, max: 3 })))
/** `undefined` deletes. */
const edits = fc.array(fc.tuple(key, fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined })))

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

/** Enough that copies share a table; keys that no edit means. */
const large = Array.from({ length: 600 }, (_, index): [number, number] => [1_000 + index, 1])

test('finds each change once, of a map and copies of copies of it, in either direction', () => {
  fc.assert(
    fc.property(entries, fc.array(edits, { minLength: 1, maxLength: 4 }), fc.boolean(), (first, steps, isLarge) => {
      const lives: ReadonlyMap<number, number>[] = [new Map([...first, ...(isLarge ? large : [])])]
      for (const step of steps) {
        const copy = copyOfMap(lives.at(-1) ?? new Map())
        for (const [each, value] of step) putInto(copy, each, value)
        lives.push(copy)
      }
      for (const before of lives) {
        for (const after of lives) assert.deepEqual(found(before, after), expected(before, after))
      }
    }),
  )
})

test('finds each change once, of maps that know nothing of each other', () => {
  fc.assert(
    fc.property(entries, entries, (first, second) => {
      const [before, after] = [new Map(first), new Map(second)]
      assert.deepEqual(found(before, after), expected(before, after))
    }),
  )
})

test('of a copy only what was edited is looked at', () => {
  const before = new Map(Array.from({ length: 1_000 }, (_, index) => [index, index]))
  const after = copyOfMap(before)
  putInto(after, 7, 8)
  let lookups = 0
  const get = before.get.bind(before)
  before.get = (each) => {
    lookups++
    return get(each)
  }
  assert.deepEqual(mapChanges(before, after), [{ key: 7, before: 7, after: 8 }])
  assert.equal(lookups, 1)
})
