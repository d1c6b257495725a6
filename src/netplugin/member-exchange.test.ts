import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { MembersHere } from '../core/compile/node-multicast.ts'
import { FakeClock } from '../lib/fake-clock.ts'
import { maxReports } from '../model/multicast.ts'
import { FakeNodeClient } from './fake-node-client.ts'
import { MemberExchange } from './member-exchange.ts'
import { background, random, recordingLog, settle, untilTime } from './testing.ts'

const here = (...members: string[]): MembersHere => ({
  everything: new Set(),
  groups: new Map([['239.1.1.1', new Set(members)]]),
})
const reported = (members: number) => ({ everything: false, groups: [{ group: '239.1.1.1', members }] })

function setup(t: TestContext) {
  const client = new FakeNodeClient()
  const clock = new FakeClock()
  const view = new Map<string, MembersHere>()
  let changes = 0
  const exchange = new MemberExchange({
    client,
    clock,
    log: recordingLog().log,
    random,
    here: () => view,
    changed: () => void changes++,
  })
  background(t, (signal) => exchange.run(signal))
  const told = async () => {
    exchange.lookAgain()
    await settle()
    return client.calls.splice(0).map(({ body }) => body)
  }
  return { client, clock, view, exchange, told, changes: () => changes }
}

test('nothing is told before the stream begins; then everything, and later what changed', async (t) => {
  const { view, exchange, told } = setup(t)
  view.set('red:a', here('x')).set('red:b', here('y', 'z'))
  assert.deepEqual(await told(), [])
  exchange.hear({ type: 'members-begin' })
  const all = [
    { network: 'red:a', report: reported(1) },
    { network: 'red:b', report: reported(2) },
  ]
  assert.deepEqual(await told(), [{ first: true, networks: all }])
  view.set('red:a', here('x', 'x2'))
  assert.deepEqual(await told(), [{ first: false, networks: [{ network: 'red:a', report: reported(2) }] }])
  view.delete('red:b')
  assert.deepEqual(await told(), [{ first: false, networks: [{ network: 'red:b', report: null }] }])
  assert.deepEqual(await told(), [])
})

test('when the stream begins anew everything is told again, also when that is nothing', async (t) => {
  const { exchange, told } = setup(t)
  exchange.hear({ type: 'members-begin' })
  assert.deepEqual(await told(), [{ first: true, networks: [] }])
  exchange.hear({ type: 'members-begin' })
  assert.deepEqual(await told(), [{ first: true, networks: [] }])
})

test('what may not have been taken is told again from the beginning', async (t) => {
  const { client, clock, view, exchange, told } = setup(t)
  view.set('red:a', here('x'))
  exchange.hear({ type: 'members-begin' })
  await told()
  client.setAway(true)
  view.set('red:a', here('x', 'y'))
  await told()
  client.setAway(false)
  await untilTime('it to be told again', clock, 100, () => client.calls.length > 0)
  assert.deepEqual(await told(), [{ first: true, networks: [{ network: 'red:a', report: reported(2) }] }])
})

test('many networks are told in several parts', async (t) => {
  const { view, exchange, told } = setup(t)
  for (let count = 0; count < 2 * maxReports + 1; count++) view.set(`red:${count}`, here('x'))
  exchange.hear({ type: 'members-begin' })
  const bodies = (await told()) as { first: boolean; networks: { network: string }[] }[]
  assert.deepEqual(
    bodies.map(({ first, networks }) => [first, networks.length]),
    [
      [true, maxReports],
      [false, maxReports],
      [false, 1],
    ],
  )
  assert.equal(new Set(bodies.flatMap(({ networks }) => networks.map(({ network }) => network))).size, view.size)
})

test('what others say is kept until they say otherwise, or the stream begins anew', async (t) => {
  const { exchange, changes } = setup(t)
  const members = { everything: false, groups: ['239.1.1.1'] }
  exchange.hear({ type: 'members-begin' })
  exchange.hear({ type: 'members', network: 'red:a', host: 'n2', members })
  exchange.hear({ type: 'members', network: 'red:a', host: 'n3', members })
  const before = exchange.elsewhere.get('red:a')
  assert.deepEqual(
    [...(before ?? [])],
    [
      ['n2', members],
      ['n3', members],
    ],
  )
  exchange.hear({ type: 'members', network: 'red:a', host: 'n2', members: null })
  assert.deepEqual([...(exchange.elsewhere.get('red:a')?.keys() ?? [])], ['n3'])
  assert.equal(before?.size, 2, 'what was given out does not change')
  exchange.hear({ type: 'members-begin' })
  assert.equal(exchange.elsewhere.size, 0)
  assert.equal(changes(), 5)
})
