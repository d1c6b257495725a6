import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NodeCompiler } from '../core/compile/compile-node.ts'
import type { FeedMessage } from '../core/names/feed.ts'
import { NamesFeed, type NamesView } from './names-feed.ts'
import { small, withEndpoints } from './testing.ts'

const web = { id: 'web', network: 'default:net', node: 'node1', ipv4: '10.1.0.1' }
const db = { id: 'db', network: 'default:net', node: 'node2', ipv4: '10.1.0.2' }

/** The names of a host as they are with these endpoints; ports count from 1. */
function view(endpoints: Parameters<typeof withEndpoints>[1][]): NamesView {
  const state = withEndpoints(small(), ...endpoints)
  const network = new NodeCompiler('node1').compile(state)
  const ofPorts = new Map([...network.local.values()].map(({ portName }, at) => [portName, at + 1]))
  return { state, network, ofPorts, others: [] }
}

const types = (messages: readonly FeedMessage[]) => messages.map(({ type }) => type)
const setKeys = (messages: readonly FeedMessage[]) =>
  messages.flatMap((message) => (message.type === 'members' ? message.set.map(({ key }) => key) : []))
const goneKeys = (messages: readonly FeedMessage[]) =>
  messages.flatMap((message) => (message.type === 'members' ? message.gone : []))

test('everything is told first, then what is new, then nothing', () => {
  const feed = new NamesFeed()
  const first = feed.next(view([web, db]))
  assert.deepEqual(types(first), ['begin', 'members', 'host', 'end'])
  assert.deepEqual(setKeys(first), ['web', 'db'])
  assert.deepEqual(first[2], {
    type: 'host',
    pvtSubnet: '172.19.0.0/16',
    askers: [{ port: 1, tenant: 'default', network: 'net' }],
  })
  assert.deepEqual(feed.next(view([web, db])), [])
  const second = feed.next(view([web]))
  assert.deepEqual([types(second), goneKeys(second)], [['members'], ['db']])
})

test('a host knows no names of tenants whose containers it does not have', () => {
  const foreign = { id: 'b', network: 'blue:net', node: 'node2', ipv4: '10.3.0.5' }
  assert.deepEqual(setKeys(new NamesFeed().next(view([web, foreign]))), ['web'])
  const feed = new NamesFeed()
  assert.deepEqual(setKeys(feed.next(view([db, foreign]))), [])
  assert.deepEqual(setKeys(feed.next(view([web, db, foreign]))).sort(), ['db', 'web'])
})

test('an endpoint without a port asks nothing yet', () => {
  const { state, network } = view([web, db])
  const [host] = new NamesFeed()
    .next({ state, network, ofPorts: new Map(), others: [] })
    .filter(({ type }) => type === 'host')
  assert.deepEqual(host, { type: 'host', pvtSubnet: '172.19.0.0/16', askers: [] })
})

test('many members are told in parts', () => {
  const many = Array.from({ length: 1_100 }, (_, index) => ({
    ...db,
    id: `e${index}`,
    ipv4: `10.1.${1 + (index >> 8)}.${index & 255}`,
  }))
  const feed = new NamesFeed()
  const messages = feed.next(view([web, ...many]))
  assert.deepEqual(types(messages), ['begin', 'members', 'members', 'members', 'host', 'end'])
  assert.equal(setKeys(messages).length, 1_101)
  assert.equal(goneKeys(feed.next(view([web]))).length, 1_100)
})
