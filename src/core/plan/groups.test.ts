import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Group } from '../../protocols/openflow/index.ts'
import { firstGroup } from '../pipeline/features/service-groups.ts'
import { planGroups } from './groups.ts'

const group = (number: number, ...ports: readonly number[]): Group => ({
  id: firstGroup + number,
  type: 'select',
  buckets: ports.map((port) => ({ actions: [{ type: 'output', port }] })),
})
const byId = (...groups: readonly Group[]) => new Map(groups.map((one) => [one.id, one]))

test('groups come before flows and go after them; those that are right stay', () => {
  const actual = [group(1, 1), group(2, 1, 2), group(3, 1)]
  assert.deepEqual(planGroups(byId(group(1, 1), group(2, 2), group(4, 1)), actual, { remove: true }), {
    before: [
      { op: 'put-group', group: group(2, 2) },
      { op: 'put-group', group: group(4, 1) },
    ],
    after: [{ op: 'delete-group', id: group(3).id }],
  })
})

test('a group of somebody else is left alone', () => {
  const theirs: Group = { ...group(0, 1), id: 7 }
  assert.deepEqual(planGroups(byId(), [theirs], { remove: true }), { before: [], after: [] })
})

test('before everything is known, what is there stays as it is', () => {
  assert.deepEqual(planGroups(byId(group(1, 2), group(2, 1)), [group(1, 1), group(3, 1)], { remove: false }), {
    before: [{ op: 'put-group', group: group(2, 1) }],
    after: [],
  })
})
