import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Reader, Writer } from './bytes.ts'

const hex = (w: Writer) => w.take().toString('hex')

test('numbers are written in network order, or in the order of the host when asked', () => {
  const w = new Writer()
  w.u8(1).u16(0x0203).u32(0x04050607).u64(0x08090a0b0c0d0e0fn).u16le(0x1011).u32le(0x12131415)
  assert.equal(hex(w), '010203040506070809 0a0b0c0d0e0f 1110 15141312'.replaceAll(' ', ''))
  assert.equal(w.length, 21)
})

test('the largest numbers fit, and negative ones keep their bits', () => {
  assert.equal(hex(new Writer().u32(0xffffffff).u32le(0xfffffffe)), 'fffffffffeffffff')
  assert.equal(hex(new Writer().u64(-1n)), 'ffffffffffffffff')
  assert.equal(hex(new Writer().u32(-2)), 'fffffffe')
})

test('what was written can be patched, and padded', () => {
  const w = new Writer().u16(0).u16le(0).u32le(0).u8(9)
  w.patchU16(0, 0x0102).patchU16le(2, 0x0304).patchU32le(4, 0x05060708)
  assert.equal(hex(w.align(4)), '0102040308070605' + '09000000')
  assert.equal(w.align(4).length, 12)
  assert.equal(new Writer().u8(1).u8(1).align(4, 1).length, 5)
})

test('text, bytes and zeros', () => {
  assert.equal(
    hex(
      new Writer(1)
        .ascii('ab')
        .bytes(Buffer.from([255]))
        .zeros(2),
    ),
    '6162ff0000',
  )
})

test('a writer grows and keeps what it has; a copy is not changed by what follows', () => {
  const w = new Writer(1)
  for (let value = 0; value < 1_000; value++) w.u16(value)
  const copy = w.take()
  w.reset().u16(0xffff)
  assert.equal(copy.readUInt16BE(1_998), 999)
  assert.equal(hex(w), 'ffff')
})

test('zeros are zeros also where something was before', () => {
  const w = new Writer(8).u64(-1n).reset()
  assert.equal(hex(w.zeros(8)), '0000000000000000')
})

type Step = readonly ['u8' | 'u16' | 'u32' | 'u16le' | 'u32le', number] | readonly ['u64', bigint]

test('a reader reads what a writer wrote', () => {
  const number = (name: 'u8' | 'u16' | 'u32' | 'u16le' | 'u32le', max: number) =>
    fc.tuple(fc.constant(name), fc.nat({ max }))
  const step: fc.Arbitrary<Step> = fc.oneof(
    number('u8', 0xff),
    number('u16', 0xffff),
    number('u32', 0xffffffff),
    number('u16le', 0xffff),
    number('u32le', 0xffffffff),
    fc.tuple(fc.constant('u64' as const), fc.bigInt({ min: 0n, max: (1n << 64n) - 1n })),
  )
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const w = new Writer(1)
      for (const one of steps) one[0] === 'u64' ? w.u64(one[1]) : w[one[0]](one[1])
      const r = new Reader(w.take())
      assert.deepEqual(
        steps.map(([name]) => r[name]()),
        steps.map(([, value]) => value),
      )
      assert.equal(r.remaining, 0)
    }),
  )
})

test('a read beyond the end is an error that says where, and does not move', () => {
  const r = new Reader(Buffer.from([1, 2, 3]))
  assert.equal(r.u16(), 0x0102)
  assert.throws(() => r.u16(), {
    kind: 'protocol',
    code: 'TRUNCATED',
    message: 'message ends 1 bytes early',
    details: { offset: 2, wanted: 2, remaining: 1 },
  })
  assert.equal(r.u8(), 3)
  assert.throws(() => r.u8(), { code: 'TRUNCATED' })
  assert.throws(() => r.bytes(-1), { code: 'TRUNCATED' })
})

test('a part is read as a message of its own, and nothing behind it', () => {
  const r = new Reader(Buffer.from([1, 2, 3, 4, 5]), 1)
  const part = r.sub(2)
  assert.equal(part.u8(), 2)
  assert.equal(part.remaining, 1)
  assert.throws(() => part.u16(), { code: 'TRUNCATED' })
  assert.equal(r.u8(), 4)
  assert.equal(r.offset, 4)
  assert.throws(() => r.sub(2), { code: 'TRUNCATED' })
})

test('bytes are skipped up to a boundary, and no further than the end', () => {
  const r = new Reader(Buffer.alloc(6)).skip(1).align(4)
  assert.equal(r.offset, 4)
  assert.equal(r.align(4).offset, 4)
  assert.equal(r.skip(1).align(4).offset, 6)
  assert.equal(new Reader(Buffer.from([255, 255, 255, 255])).i32le(), -1)
  assert.equal(new Reader(Buffer.alloc(4), 0, 99).remaining, 4)
})
