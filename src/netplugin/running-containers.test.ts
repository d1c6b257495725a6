import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { RuntimeContainer } from '../drivers/runtime/runtime.ts'
import { RunningContainers } from './running-containers.ts'

const container = (id: string, more: Partial<RuntimeContainer> = {}): RuntimeContainer => ({
  id,
  name: id,
  labels: {},
  running: true,
  namespace: `/proc/${id}/ns/net`,
  attachments: [],
  ...more,
})

function setup() {
  const told = { count: 0 }
  const running = new RunningContainers({ changed: () => void told.count++ })
  const names = () => [...(running.known?.values() ?? [])].map(({ name }) => name)
  return { running, names, told }
}

test('nothing is known until all containers were listed', () => {
  const { running, names } = setup()
  const list = running.ask()
  running.take(container('a'), running.ask())
  assert.equal(running.known, undefined)
  running.takeAll([container('b')], list)
  assert.deepEqual(names().sort(), ['a', 'b'], 'what was asked after the list began is kept')
})

test('containers that do not run are not among them', () => {
  const { running, names } = setup()
  running.takeAll([container('a', { running: false }), container('b')], running.ask())
  assert.deepEqual(names(), ['b'])
  running.take(container('b', { running: false }), running.ask())
  assert.deepEqual(names(), [])
})

test('an end counts at once, whatever an answer says that was asked for before it', () => {
  const { running, names } = setup()
  const [before, list] = [running.ask(), running.ask()]
  running.takeAll([], running.ask())
  running.ended('a')
  running.take(container('a'), before)
  running.takeAll([container('a')], list)
  assert.deepEqual(names(), [])
  running.takeAll([], running.ask())
  running.take(container('a'), before)
  assert.deepEqual(names(), [], 'also after a list without it')
  running.take(container('a'), running.ask())
  assert.deepEqual(names(), ['a'])
})

test('of two answers the one that was asked for later counts, whichever comes first', () => {
  for (const order of [
    [0, 1],
    [1, 0],
  ]) {
    const { running, names } = setup()
    running.takeAll([], running.ask())
    const answers = [
      { asked: running.ask(), name: 'old' },
      { asked: running.ask(), name: 'new' },
    ]
    for (const at of order) running.take(container('a', { name: answers[at]!.name }), answers[at]!.asked)
    assert.deepEqual(names(), ['new'])
  }
})

test('a container that a later list does not have is gone, and a silent runtime leaves nothing known', () => {
  const { running, names, told } = setup()
  running.takeAll([container('a'), container('b')], running.ask())
  running.takeAll([container('b')], running.ask())
  assert.deepEqual(names(), ['b'])
  const before = told.count
  running.forget()
  assert.equal(running.known, undefined)
  assert.equal(told.count, before + 1)
})
