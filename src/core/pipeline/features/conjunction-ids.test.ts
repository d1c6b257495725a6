import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { ConjunctionIds, idBits } from './conjunction-ids.ts'

/** Few homes, some at the very end: keys meet. */
const home = (key: string) => (2 ** idBits - 3 + 2 * (Number(key) % 5)) % 2 ** idBits
const keys = Array.from({ length: 16 }, (_, index) => String(index))

function idsOf(ids: ConjunctionIds): ReadonlyMap<string, number | undefined> {
  return new Map(keys.map((key) => [key, ids.of(key)]))
}

test('who is there decides the ids, not how it came to be; all changes are told', () => {
  const steps = fc.array(fc.uniqueArray(fc.constantFrom(...keys)), { maxLength: 8 })
  fc.assert(
    fc.property(steps, (wantedSets) => {
      const ids = new ConjunctionIds(home)
      for (const wanted of wantedSets) {
        const owners = new Map(keys.flatMap((key) => [[ids.of(key), key] as const]))
        const gone = keys.filter((key) => ids.of(key) !== undefined && !wanted.includes(key))
        const come = wanted.filter((key) => ids.of(key) === undefined)
        const changed = ids.change(gone, come)
        const cold = new ConjunctionIds(home)
        cold.change([], wanted)
        assert.deepEqual(idsOf(ids), idsOf(cold))
        for (const key of wanted) assert.equal(ids.ownerOf(ids.of(key) ?? -1), key)
        const now = new Map(wanted.map((key) => [ids.of(key), key]))
        for (const id of [...owners.keys(), ...now.keys()]) {
          if (id !== undefined) assert.equal(changed.has(id), owners.get(id) !== now.get(id))
        }
      }
    }),
  )
})

test('a key that nobody is in the way of keeps its id', () => {
  const ids = new ConjunctionIds()
  ids.change([], ['a', 'b', 'c'])
  const before = ids.of('b')
  assert.equal(ids.change(['a'], ['d', 'e']).size, 3)
  assert.equal(ids.of('b'), before)
})
