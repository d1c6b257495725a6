import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Reader, Writer } from '../../lib/bytes.ts'
import { NetpluginError } from '../../lib/errors.ts'
import { attributeBytes, readAttributes } from './attribute.ts'

const table = {
  small: { type: 1, form: 'u8' },
  middle: { type: 2, form: 'u16' },
  large: { type: 3, form: 'u32' },
  signed: { type: 4, form: 'i32' },
  text: { type: 5, form: 'text' },
  chars: { type: 6, form: 'chars' },
  mac: { type: 7, form: 'mac' },
  ip: { type: 8, form: 'ip' },
  bytes: { type: 9, form: 'bytes' },
} as const

const read = (hex: string) => readAttributes(new Reader(Buffer.from(hex, 'hex')), table)

test('each form has its own bytes, padded to four', () => {
  const one = (values: Parameters<typeof attributeBytes<typeof table>>[1]) =>
    attributeBytes(table, values).toString('hex')
  assert.equal(one({ small: 7 }), '0500010007000000')
  assert.equal(one({ middle: 0x1234 }), '0600020034120000')
  assert.equal(one({ large: 0xfffffffe }), '08000300feffffff')
  assert.equal(one({ signed: -2 }), '08000400feffffff')
  assert.equal(one({ text: 'eth0' }), '090005006574683000000000')
  assert.equal(one({ chars: 'eth0' }), '0800060065746830')
  assert.equal(one({ mac: '02:02:0a:00:00:01' }), '0a00070002020a0000010000')
  assert.equal(one({ ip: '10.0.0.1' }), '080008000a000001')
  assert.equal(one({ ip: 'fd00::1' }), '14000800fd000000000000000000000000000001')
  assert.equal(one({ bytes: Buffer.from([1, 2, 3]) }), '0700090001020300')
})

test('attributes without a value are left out, and the order is that of the values', () => {
  const bytes = attributeBytes(table, { middle: undefined, large: 1, small: 2 })
  assert.equal(bytes.toString('hex'), '0800030001000000' + '0500010002000000')
})

test('what was written is read', () => {
  const values = fc.record(
    {
      small: fc.integer({ min: 0, max: 0xff }),
      middle: fc.integer({ min: 0, max: 0xffff }),
      large: fc.integer({ min: 0, max: 0xffffffff }),
      signed: fc.integer(),
      text: fc.string({ unit: 'grapheme-ascii' }),
      chars: fc.string({ unit: 'grapheme-ascii' }),
      mac: fc.constantFrom('02:02:0a:00:00:01', 'ff:ff:ff:ff:ff:ff'),
      ip: fc.constantFrom('0.0.0.0', '255.255.255.255', '::', 'fd00::1:0:0:1'),
      bytes: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    },
    { requiredKeys: [] },
  )
  fc.assert(
    fc.property(values, (given) => {
      const bytes = attributeBytes(table, given)
      assert.equal(bytes.length % 4, 0)
      assert.deepEqual(readAttributes(new Reader(bytes), table), { ...given })
    }),
  )
})

test('unknown attributes are skipped, and the nested bit of a type is not part of it', () => {
  assert.deepEqual(read(`08006300aabbccdd${'0600028034120000'}`), { middle: 0x1234 })
})

test('text is read with and without its zero byte', () => {
  assert.deepEqual(read('0800050065746830'), { text: 'eth0' })
  assert.deepEqual(read('0900060065746830ff000000'.replace('ff', '00')), { chars: 'eth0' })
})

test('hardware addresses of other lengths than six are read', () => {
  assert.deepEqual(read('08000700c0a80001'), { mac: 'c0:a8:00:01' })
  assert.deepEqual(read('04000700'), { mac: '' })
})

test('impossible lengths are protocol errors', () => {
  for (const hex of [
    '0300010000000000',
    '0000000000000000',
    '09000100ffffffff',
    '06000300ffff0000',
    '07000800ffffff00',
  ]) {
    assert.throws(() => read(hex), { name: 'NetpluginError', kind: 'protocol' }, hex)
  }
})

test('addresses that are none are refused before anything is sent', () => {
  assert.throws(() => attributeBytes(table, { ip: '10.0.0.256' }), { code: 'BAD_ADDRESS' })
  assert.throws(() => attributeBytes(table, { mac: '02:02' }), { code: 'BAD_MAC' })
  assert.throws(() => attributeBytes(table, { bytes: Buffer.alloc(0x10000) }), { code: 'ATTRIBUTE_TOO_LONG' })
})

test('any bytes are read or refused as a protocol error', () => {
  const inputs = fc.uint8Array({ maxLength: 200 })
  fc.assert(
    fc.property(inputs, (bytes) => {
      try {
        readAttributes(new Reader(Buffer.from(bytes)), table)
      } catch (error) {
        assert.ok(error instanceof NetpluginError && error.kind === 'protocol', String(error))
      }
    }),
    { numRuns: 2_000 },
  )
})

test('a long list of attributes grows the writer', () => {
  const writer = new Writer(4)
  writer.bytes(attributeBytes(table, { bytes: Buffer.alloc(1_000, 1), text: 'x'.repeat(1_000) }))
  const values = readAttributes(new Reader(writer.take()), table)
  assert.equal(values.bytes?.length, 1_000)
  assert.equal(values.text, 'x'.repeat(1_000))
})
