// A level whose rules change has the flows of one that was made anew.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { flowIdentity } from '../../../protocols/openflow/index.ts'
import type { PlacedRule, PolicyGroup } from '../../compile/node-policy.ts'
import { parseRuleAddress } from '../../policy/address-set.ts'
import { portsOf } from '../../policy/port-set.ts'
import { LevelFlows } from './rules.ts'

const group = [1, 2, 3, 4].map((groupId): PolicyGroup => ({ groupId, defaultAction: 'allow', ipv6: false }))

/** Few addresses, ports and groups: rules share matches, whole and in part. */
const placed = fc
  .record({
    id: fc.integer({ min: 0, max: 9 }),
    from: fc.constantFrom('', '10.0.0.1', '10.0.0.1-6', '10.0.0.5-9'),
    ports: fc.constantFrom('', '80', '443', '80,443-447'),
    groups: fc.subarray(group, { minLength: 1 }),
  })
  .map(({ id, from, ports: text, groups }): PlacedRule => {
    const remote = { groupId: undefined, addresses: from === '' ? undefined : parseRuleAddress(from) }
    const ports = portsOf(0, text) ?? []
    const decides = { direction: 'in', priority: 1, action: 'allow', cuts: false, logs: false } as const
    const rest = { key: `red:p:${id}`, tenantName: 'red', target: undefined, protocol: 'any' as const, ports, remote }
    return { rule: { ...decides, ...rest }, groups }
  })

const rules = fc
  .uniqueArray(placed, { selector: ({ rule }) => rule.key, maxLength: 10 })
  .map((list) => [...list].sort((a, b) => (a.rule.key < b.rule.key ? -1 : 1)))

function levelOf(list: readonly PlacedRule[]) {
  return {
    name: 'in 1 allow',
    direction: 'in',
    priority: 1,
    action: 'allow',
    cuts: false,
    logs: false,
    rules: list,
  } as const
}

/** Half of what a state has stays in the next. */
const life = fc.array(fc.tuple(rules, fc.integer({ min: 0, max: 9 })), { minLength: 1, maxLength: 5 }).map((states) => {
  let kept: readonly PlacedRule[] = []
  return states.map(([list, below]) => {
    const stays = kept.filter(({ rule }) => rule.key < `red:p:${below}`)
    const keys = new Set(stays.map(({ rule }) => rule.key))
    const next = [...stays, ...list.filter(({ rule }) => !keys.has(rule.key))]
    kept = next.sort((a, b) => (a.rule.key < b.rule.key ? -1 : 1))
    return kept
  })
})

test('the flows of a level depend on its rules alone, also where conjunctions find no room', () => {
  fc.assert(
    fc.property(life, fc.constantFrom(1, 2, 1_000), (states, room) => {
      const warm = new LevelFlows({ room })
      for (const list of states) {
        const flows = warm.update(levelOf(list))
        assert.deepEqual(flows, new LevelFlows({ room }).update(levelOf(list)))
        const all = [...flows.values()].flat()
        assert.equal(new Set(all.map(flowIdentity)).size, all.length)
        for (const { actions } of all) {
          assert.ok(actions.filter(({ type }) => type === 'conjunction').length <= room)
        }
      }
    }),
    { numRuns: 100 },
  )
})

test('what did not change is the same array', () => {
  const one = (id: number, port: number): PlacedRule => {
    const remote = { groupId: undefined, addresses: undefined }
    const ports = portsOf(port) ?? []
    const rest = { key: `red:p:${id}`, tenantName: 'red', target: undefined, protocol: 6, ports, remote }
    return {
      rule: { direction: 'in', priority: 1, action: 'allow', cuts: false, logs: false, ...rest },
      groups: group.slice(0, 1),
    }
  }
  const list = Array.from({ length: 500 }, (_, index) => one(index + 1_000, index + 1))
  const flows = new LevelFlows()
  const before = flows.update(levelOf(list))
  const after = flows.update(levelOf(list.with(17, one(1_017, 9_999))))
  const changed = [...after].filter(([owner, each]) => before.get(owner) !== each)
  assert.ok(changed.length <= 2, `${changed.length} of ${after.size} arrays changed`)
  assert.equal([...after.values()].flat().length, 500)
})
