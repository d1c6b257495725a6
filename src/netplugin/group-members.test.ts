import assert from 'node:assert/strict'
import { test } from 'node:test'
import { membershipMs } from '../core/multicast/queries.ts'
import { maxGroups } from '../model/multicast.ts'
import { GroupMembers } from './group-members.ts'

const net = 'red:net'
const group = '239.1.1.1'
const join = { group, what: 'member' } as const
const leave = { group, what: 'leaving' } as const

function opened(): GroupMembers {
  const members = new GroupMembers()
  members.open(net)
  return members
}

const listeners = (members: GroupMembers) => [...(members.view().get(net)?.groups.get(group) ?? [])].sort()

test('a member is one until it has said nothing for two rounds of questions', () => {
  const members = opened()
  members.heard(net, 'a', [join], 0)
  assert.equal(members.next(), membershipMs)
  members.heard(net, 'a', [join], 100_000)
  members.pass(membershipMs)
  assert.deepEqual(listeners(members), ['a'])
  members.pass(100_000 + membershipMs)
  assert.deepEqual(listeners(members), [])
})

test('who leaves is asked twice, and is a member until two seconds have passed without an answer', () => {
  const members = opened()
  members.heard(net, 'a', [join], 0)
  members.heard(net, 'b', [join], 0)
  assert.deepEqual(members.heard(net, 'a', [leave], 1_000), [{ endpointId: 'a', group }])
  // It says so several times.
  assert.deepEqual(members.heard(net, 'a', [leave], 1_500), [])
  assert.deepEqual(members.pass(1_999), [])
  assert.deepEqual(members.pass(2_000), [{ endpointId: 'a', group }])
  assert.deepEqual(members.pass(2_500), [])
  assert.deepEqual(listeners(members), ['a', 'b'])
  assert.equal(members.next(), 3_000)
  members.pass(3_000)
  assert.deepEqual(listeners(members), ['b'])
})

test('who answers stays', () => {
  const members = opened()
  members.heard(net, 'a', [join], 0)
  members.heard(net, 'a', [leave], 1_000)
  members.heard(net, 'a', [join], 1_100)
  assert.deepEqual(members.pass(10_000), [])
  assert.deepEqual(listeners(members), ['a'])
})

test('what says nothing new leaves the same objects', () => {
  const members = opened()
  members.heard(net, 'a', [join], 0)
  const before = members.view()
  members.heard(net, 'a', [join], 1_000)
  members.heard(net, 'b', [leave], 1_000)
  members.open(net)
  members.pass(2_000)
  assert.equal(members.view(), before)
  members.open('red:other')
  assert.equal(members.view().get(net), before.get(net))
})

test('of a network that is not open nothing is known, and of one that was closed neither', () => {
  const members = new GroupMembers()
  members.heard(net, 'a', [join], 0)
  assert.equal(members.view().has(net), false)
  members.open(net)
  members.heard(net, 'a', [join], 0)
  members.close(net)
  members.open(net)
  assert.deepEqual(listeners(members), [])
})

test('who joins one group more than are remembered gets everything until it is asked again', () => {
  const members = opened()
  const many = Array.from({ length: maxGroups }, (_, index) => ({
    group: `239.2.${index >> 8}.${index & 255}`,
    what: 'member' as const,
  }))
  members.heard(net, 'greedy', many, 0)
  assert.deepEqual(members.view().get(net)?.everything, new Set())
  members.heard(net, 'late', [join, { group: '239.9.9.9', what: 'member' }], 1_000)
  assert.equal(members.view().get(net)?.groups.size, maxGroups)
  assert.deepEqual(members.view().get(net)?.everything, new Set(['late']))
  // There is room again, and it is heard again by then.
  members.pass(membershipMs)
  members.heard(net, 'late', [join], membershipMs)
  members.pass(1_000 + membershipMs)
  assert.deepEqual(members.view().get(net)?.everything, new Set())
  assert.deepEqual(listeners(members), ['late'])
})

test('endpoints that are gone are members of nothing', () => {
  const members = opened()
  members.heard(net, 'a', [join], 0)
  members.heard(net, 'b', [join], 0)
  members.everything(net, 'a', 5_000)
  members.keep((endpointId) => endpointId !== 'a')
  assert.deepEqual(listeners(members), ['b'])
  assert.deepEqual(members.view().get(net)?.everything, new Set())
})
