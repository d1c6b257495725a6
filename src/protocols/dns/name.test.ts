import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NetpluginError } from '../../lib/errors.ts'
import { addressOfReverseName, encodeName, isName, readPlainName, skipName } from './name.ts'

test('a name is labels with their lengths, ended by zero', () => {
  const bytes = Buffer.from('03777777076578616d706c6500', 'hex')
  assert.deepEqual(encodeName('www.example'), bytes)
  assert.deepEqual(encodeName('www.example.'), bytes)
  assert.deepEqual(readPlainName(bytes, 0), { name: 'www.example', end: bytes.length })
  assert.deepEqual(encodeName('.'), Buffer.from([0]))
  assert.deepEqual(readPlainName(Buffer.from([0]), 0), { name: '.', end: 1 })
})

test('a dot or a strange byte inside a label is escaped', () => {
  const bytes = Buffer.from([4, 0x61, 0x2e, 0x5c, 0xff, 0])
  assert.equal(readPlainName(bytes, 0).name, 'a\\.\\\\\\255')
  assert.deepEqual(encodeName('a\\.\\\\\\255'), bytes)
})

test('labels over 63 and names over 255 bytes are refused both ways', () => {
  const label = 'x'.repeat(63)
  assert.doesNotThrow(() => encodeName([label, label, label, 'x'.repeat(61)].join('.')))
  assert.throws(() => encodeName([label, label, label, 'x'.repeat(62)].join('.')), { code: 'BAD_NAME' })
  assert.throws(() => encodeName('x'.repeat(64)), { code: 'BAD_NAME' })
  assert.throws(() => encodeName('a..b'), { code: 'BAD_NAME' })
  const long = Buffer.concat([...Array.from({ length: 4 }, () => Buffer.from(`?${label}`)), Buffer.from([0])])
  for (let index = 0; index < 4; index++) long[index * 64] = 63
  assert.throws(() => readPlainName(long, 0), { kind: 'protocol', code: 'BAD_NAME' })
})

test('what cannot be encoded is no name', () => {
  for (const name of ['web', 'web.front', 'a_b', 'a\\.b']) assert.ok(isName(name), name)
  for (const name of ['', '.', 'a..b', '.a', 'x'.repeat(64)]) assert.ok(!isName(name), name)
})

test('a pointer is skipped but never followed', () => {
  assert.equal(skipName(Buffer.from([1, 0x61, 0xc0, 0x0c, 9]), 0), 4)
  assert.throws(() => readPlainName(Buffer.from([0xc0, 0]), 0), { code: 'BAD_NAME' })
  assert.throws(() => skipName(Buffer.from([0x80, 0]), 0), { code: 'BAD_NAME' })
})

test('every name on the wire survives its text', () => {
  const label = fc.uint8Array({ minLength: 1, maxLength: 63 })
  const labels = fc.array(label, { maxLength: 5 }).filter((parts) => parts.reduce((n, p) => n + p.length + 1, 1) <= 255)
  fc.assert(
    fc.property(labels, (parts) => {
      const bytes = Buffer.concat([...parts.flatMap((part) => [Buffer.from([part.length]), part]), Buffer.from([0])])
      const { name, end } = readPlainName(bytes, 0)
      assert.equal(end, bytes.length)
      assert.deepEqual(encodeName(name), bytes)
    }),
  )
})

test('any bytes are a name or a protocol error', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      for (const read of [readPlainName, skipName]) {
        try {
          read(Buffer.from(bytes), 0)
        } catch (error) {
          assert.ok(error instanceof NetpluginError && error.kind === 'protocol')
        }
      }
    }),
  )
})

test('reverse names stand for addresses', () => {
  assert.equal(addressOfReverseName('1.0.1.20.in-addr.arpa'), '20.1.0.1')
  assert.equal(addressOfReverseName('300.0.1.20.in-addr.arpa'), undefined)
  assert.equal(
    addressOfReverseName('1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.D.F.IP6.ARPA'),
    'fd00::1',
  )
  assert.equal(addressOfReverseName('web'), undefined)
})
