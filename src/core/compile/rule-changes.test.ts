import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { PlacedRule } from './node-policy.ts'
import { editedRules, ruleChanges } from './rule-changes.ts'

/** Only its key and which one it is count here. */
const placed = (key: string) => ({ rule: { key }, groups: [] }) as unknown as PlacedRule
const keys = fc.uniqueArray(fc.integer({ min: 0, max: 99 }), { maxLength: 60 })
const keyOf = ({ rule }: PlacedRule) => rule.key
const sorted = (rules: readonly PlacedRule[]) => rules.toSorted((a, b) => (a.rule.key < b.rule.key ? -1 : 1))

test('a list that was edited holds what it must, in order, and tells what changed, by few edits and by many', () => {
  fc.assert(
    fc.property(keys, keys, keys, (there, gone, come) => {
      const before = sorted(there.map((number) => placed(`${number}`)))
      const removed = new Set(
        before.map(keyOf).filter((key) => gone.includes(Number(key)) || come.includes(Number(key))),
      )
      const added = come.map((number) => placed(`${number}`))
      const after = editedRules(before, { removed, added })
      assert.deepEqual(after, sorted([...before.filter((each) => !removed.has(keyOf(each))), ...added]))
      const expected = { removed: before.filter((each) => removed.has(keyOf(each))), added: sorted(added) }
      assert.deepEqual(ruleChanges(before, after), expected)
      assert.deepEqual(ruleChanges(after, before), { removed: expected.added, added: expected.removed })
      assert.deepEqual(ruleChanges(before, [...after]), expected)
      assert.deepEqual(ruleChanges(after, after), { removed: [], added: [] })
    }),
  )
})

test('over two edits the changes are those of both', () => {
  const [a, b, c, other] = ['a', 'b', 'c', 'b'].map(placed)
  assert.ok(a && b && c && other)
  const first = [a, b]
  const second = editedRules(first, { removed: new Set(['b']), added: [other] })
  const third = editedRules(second, { removed: new Set(['a']), added: [c] })
  assert.deepEqual(ruleChanges(first, third), { removed: [a, b], added: [other, c] })
})
