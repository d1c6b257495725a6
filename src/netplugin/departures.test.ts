import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NodeCompiler } from '../core/compile/compile-node.ts'
import type { NodeNetwork } from '../core/compile/node-network.ts'
import { Departures } from './departures.ts'
import { small, withEndpoints } from './testing.ts'

function network(...ids: readonly string[]): NodeNetwork {
  const endpoints = ids.map((id, index) => ({
    id,
    network: 'default:net',
    node: 'node1',
    ipv4: `10.1.0.${index + 1}`,
  }))
  return new NodeCompiler('node1').compile(withEndpoints(small(), ...endpoints))
}

const many = Array.from({ length: 100 }, (_, index) => `many${index}`)
const linksOf = (all: NodeNetwork) => new Map([...all.local.values()].map(({ portName }) => [portName, {}]))
const carried = (departures: Departures, now: NodeNetwork, links: ReadonlyMap<string, unknown>) =>
  [...departures.stayingIn(now, links).local.keys()].sort()

test('who went stays until released', () => {
  const departures = new Departures()
  const [both, one] = [network('web', 'mail'), network('web')]
  departures.note(both.local)
  departures.note(one.local)
  assert.deepEqual(carried(departures, one, linksOf(both)), ['mail', 'web'])
  departures.release()
  assert.deepEqual(carried(departures, one, linksOf(both)), ['web'])
  assert.equal(departures.size, 0)
})

test('while nobody went the network is handed through', () => {
  const departures = new Departures()
  const one = network('web')
  departures.note(one.local)
  assert.equal(departures.stayingIn(one, linksOf(one)), one)
})

test('who came back does not wait, and has its new address', () => {
  const departures = new Departures()
  departures.note(network('mail', 'web').local)
  departures.note(network().local)
  const again = network('web')
  departures.note(again.local)
  assert.equal(departures.size, 1)
  assert.equal(departures.stayingIn(again, linksOf(network('mail', 'web'))).local.get('web')?.ipv4, '10.1.0.1')
})

test('one whose link went with its container does not wait', () => {
  const departures = new Departures()
  departures.note(network('web').local)
  departures.note(network().local)
  assert.deepEqual(carried(departures, network(), new Map()), [])
  assert.equal(departures.size, 0)
})

test('a hundred go a few at a time, and all of them in the end', () => {
  const departures = new Departures()
  departures.note(network(...many).local)
  departures.note(network().local)
  let most = 0
  let turns = 0
  while (departures.size > 0 && turns < 50) {
    const before = departures.size
    departures.release()
    most = Math.max(most, before - departures.size)
    turns++
  }
  assert.equal(departures.size, 0)
  assert.ok(most <= 10, `${most} went at once`)
  assert.ok(turns <= 35, `took ${turns} turns`)
})
