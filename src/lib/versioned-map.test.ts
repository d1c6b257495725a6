import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import { VersionedMap } from './versioned-map.ts'

const key = fc.integer({ min: 0, max: 9 })
/** Makes a version of one that is there and edits it (undefined deletes), or lists one, which gives it a table of its own. */
const step = fc.record({
  of: fc.nat(),
  edits: fc.array(fc.tuple(key, fc.option(fc.integer({ min: 1, max: 3 }), { nil: undefined })), { maxLength: 4 }),
  listed: fc.option(fc.nat(), { nil: undefined }),
})

const contents = (map: ReadonlyMap<number, number>) => [...map].sort(([a], [b]) => a - b)

test('each version holds what it held, whatever is made of it and of others afterwards', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(key, key)), fc.array(step, { maxLength: 12 }), (first, steps) => {
      const plain = new Map(first)
      const lives = [{ version: VersionedMap.of(plain), expected: new Map(plain) }]
      for (const { of, edits, listed } of steps) {
        const { version, expected } = lives[of % lives.length]!
        const next = { version: VersionedMap.of(version), expected: new Map(expected) }
        for (const [each, value] of edits) {
          next.version.put(each, value)
          if (value === undefined) next.expected.delete(each)
          else next.expected.set(each, value)
        }
        lives.push(next)
        if (listed !== undefined) contents(lives[listed % lives.length]!.version)
        for (const { version, expected } of lives) {
          assert.equal(version.size, expected.size)
          for (let each = 0; each < 10; each++) {
            assert.equal(version.get(each), expected.get(each))
            assert.equal(version.has(each), expected.has(each))
          }
        }
      }
      for (const { version, expected } of lives) {
        assert.deepEqual(contents(version), contents(expected))
        const heard = new Map<number, number>()
        version.forEach((value, each) => void heard.set(each, value))
        assert.deepEqual(contents(heard), contents(expected))
        assert.deepEqual([...version.keys()].sort(), [...expected.keys()].sort())
        assert.deepEqual([...version.values()].sort(), [...expected.values()].sort())
      }
    }),
  )
})

test('the newest keeps the order of a map', () => {
  const version = VersionedMap.of(
    VersionedMap.of(
      new Map([
        ['b', 1],
        ['a', 2],
      ]),
    ),
  )
  version.put('b', 3)
  version.put('c', 4)
  assert.deepEqual(
    [...version],
    [
      ['b', 3],
      ['a', 2],
      ['c', 4],
    ],
  )
})

test('a version that was copied is not edited any more', () => {
  const version = VersionedMap.of(new Map([[1, 1]]))
  VersionedMap.of(version)
  assert.throws(() => version.put(1, 2), /newer version/)
})

test('what looks at fields takes no two for equal', () => {
  assert.ok(!isDeepStrictEqual(VersionedMap.of(new Map([[1, 1]])), VersionedMap.of(new Map([[1, 1]]))))
})
