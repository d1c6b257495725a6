import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NetpluginError } from '../../lib/errors.ts'
import { JsonSplitter } from './json-splitter.ts'

const bytes = (text: string) => Buffer.from(text, 'utf8')
const splitter = (maxMessageBytes = 1000) => new JsonSplitter({ maxMessageBytes })

test('messages that touch each other come out one by one', () => {
  const texts = splitter().push(bytes('{"a":1}{"b":[2,{"c":3}]}[4]'))
  assert.deepEqual(texts, ['{"a":1}', '{"b":[2,{"c":3}]}', '[4]'])
})

test('white space between messages is skipped', () => {
  assert.deepEqual(splitter().push(bytes(' \r\n{"a":1}\t\n {}')), ['{"a":1}', '{}'])
})

test('braces, quotes and backslashes inside strings do not count', () => {
  const message = { text: 'a } ] { [ " \\', more: '\\"' }
  assert.deepEqual(splitter().push(bytes(`${JSON.stringify(message)}{}`)), [JSON.stringify(message), '{}'])
})

test('a stream cut anywhere, even within a character, gives the same messages', () => {
  const value = fc.jsonValue({ maxDepth: 4 }).map((inner) => ({ inner }))
  fc.assert(
    fc.property(fc.array(value, { maxLength: 5 }), fc.array(fc.nat(200), { maxLength: 20 }), (values, cuts) => {
      const stream = bytes(values.map((one) => JSON.stringify(one)).join(''))
      const target = splitter(1_000_000)
      const texts: string[] = []
      let at = 0
      for (const cut of [...cuts, stream.length]) {
        texts.push(...target.push(stream.subarray(at, at + cut)))
        at = Math.min(stream.length, at + cut)
      }
      assert.deepEqual(
        texts,
        values.map((one) => JSON.stringify(one)),
      )
      assert.equal(target.held, 0)
    }),
  )
})

test('a message may be as long as the limit and no longer', () => {
  assert.deepEqual(splitter(7).push(bytes('{"a":1}')), ['{"a":1}'])
  assert.throws(() => splitter(6).push(bytes('{"a":1}')), { code: 'OVSDB_FRAMING', kind: 'protocol' })
})

test('an endless message is given up before it fills the memory', () => {
  const target = splitter(100)
  target.push(bytes(`{"a":"${'x'.repeat(80)}`))
  assert.throws(() => target.push(bytes('x'.repeat(80))), { code: 'OVSDB_FRAMING' })
})

test('anything but an object or an array between messages is an error', () => {
  for (const text of ['x', '}', '"text"', '1', '{}]', '\u0000']) {
    assert.throws(() => splitter().push(bytes(text)), { code: 'OVSDB_FRAMING' }, text)
  }
})

test('random bytes give texts or a framing error, nothing else', () => {
  const noise = fc.oneof(
    fc.uint8Array({ maxLength: 300 }),
    fc.string({ unit: fc.constantFrom(...'{}[]"\\ ,:1a') }).map(bytes),
  )
  fc.assert(
    fc.property(fc.array(noise, { maxLength: 5 }), (chunks) => {
      const target = splitter()
      try {
        for (const chunk of chunks) {
          for (const text of target.push(chunk)) assert.match(text, /^[{[].*[}\]]$/s)
        }
      } catch (error) {
        assert.ok(error instanceof NetpluginError && error.code === 'OVSDB_FRAMING', String(error))
      }
      assert.ok(target.held <= 1300)
    }),
    { numRuns: 500 },
  )
})
