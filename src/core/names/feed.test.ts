import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type FeedMessage, formatLine, type NamesMessage, parseFeedLine, parseNamesLine } from './feed.ts'

const member = {
  key: 'e1',
  tenant: 'red',
  network: 'front',
  ipv4: '10.0.0.1',
  ipv6: '',
  service: '',
  ports: [],
  group: 'web',
  names: ['a'],
}
const feed: readonly FeedMessage[] = [
  { type: 'begin' },
  { type: 'host', pvtSubnet: '172.19.0.0/16', askers: [{ port: 7, tenant: 'red', network: 'front' }] },
  { type: 'members', set: [member], gone: ['e2'] },
  { type: 'end' },
  { type: 'ping' },
  { type: 'status' },
  { type: 'yield' },
  { type: 'stop' },
]
const names: readonly NamesMessage[] = [
  { type: 'hello', pid: 7, program: 'abc' },
  { type: 'serving', address: '172.19.255.254' },
  { type: 'yielded' },
  { type: 'pong' },
  {
    type: 'status',
    status: {
      pid: 7,
      fed: true,
      address: '',
      members: 1,
      askers: 2,
      asked: 3,
      answeredHere: 4,
      forwarded: 5,
      limited: 6,
    },
  },
]

test('what is said is understood, each in one line', () => {
  for (const message of feed) {
    assert.match(formatLine(message), /^[^\n]+\n$/)
    assert.deepEqual(parseFeedLine(formatLine(message).trimEnd()), message)
  }
  for (const message of names) assert.deepEqual(parseNamesLine(formatLine(message).trimEnd()), message)
})

test('a yield, a stop and a hello are written as older programs know them', () => {
  assert.equal(formatLine({ type: 'yield' }), '{"type":"yield"}\n')
  assert.equal(formatLine({ type: 'stop' }), '{"type":"stop"}\n')
  assert.equal(formatLine({ type: 'hello', pid: 7, program: 'abc' }), '{"type":"hello","pid":7,"program":"abc"}\n')
})

test('what lacks a part is no message', () => {
  for (const line of [
    '',
    '{',
    'null',
    '[]',
    '{"type":"greet"}',
    '{"type":"members","set":[{"key":"e"}],"gone":[]}',
    '{"type":"members","set":[]}',
    '{"type":"host","pvtSubnet":"172.19.0.0/16","askers":[{"port":"7"}]}',
  ]) {
    assert.equal(parseFeedLine(line), undefined, line)
  }
  for (const line of ['{"type":"hello"}', '{"type":"serving"}', '{"type":"status"}', '{"type":"ping"}', 'x'])
    assert.equal(parseNamesLine(line), undefined, line)
})

test('no line makes the readers throw', () => {
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.json()), (line) => {
      parseFeedLine(line)
      parseNamesLine(line)
    }),
  )
})
