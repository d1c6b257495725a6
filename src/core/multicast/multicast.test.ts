import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isKept, macOfGroup } from './groups.ts'
import { generalQueries, groupQuery } from './queries.ts'
import { heardIn } from './reports.ts'

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')

/** Frames of Linux (kernel 6.18), captured. */
const frames = {
  join: '01005e000016020214010101 0800 46c00028000040000102eef714010101e000001694040000 2200e8f90000000104000000ef010203',
  leave:
    '01005e000016020214010101 0800 46c00028000040000102eef714010101e000001694040000 2200e9f90000000103000000ef010203',
  source:
    '01005e000016020214010101 0800 46c0002c000040000102eef314010101e000001694040000 2200d9ee0000000105000001e801020314010109',
  sourceLeft:
    '01005e000016020214010101 0800 46c0002c000040000102eef314010101e000001694040000 2200d8ee0000000106000001e801020314010109',
  report2: '01005e010203020214010101 0800 46c00020000040000102de1114010101ef01020394040000 1600f8faef010203',
  leave2: '01005e000002020214010101 0800 46c00020000040000102ef1314010101e000000294040000 1700f7faef010203',
  join6:
    '333300000016020214010101 86dd 6000000000240001fe80000000000000000214fffe010101ff020000000000000000000000000016' +
    '3a00050200000100 8f005af30000000104000000ff150000000000000000000000000101',
  leave6:
    '333300000016020214010101 86dd 6000000000240001fe80000000000000000214fffe010101ff020000000000000000000000000016' +
    '3a00050200000100 8f005bf30000000103000000ff150000000000000000000000000101',
  done6:
    '333300000002020214010101 86dd 6000000000200001fe80000000000000000214fffe010101ff020000000000000000000000000002' +
    '3a00050200000100 84006a0c00000000ff150000000000000000000000000101',
  solicitedNode:
    '333300000016020214010101 86dd 6000000000240001fe80000000000000000214fffe010101ff020000000000000000000000000016' +
    '3a00050200000100 8f005c030000000104000000ff0200000000000000000001ff010101',
} as const

test('joins and leaves are heard, of every version', () => {
  const heard = (name: keyof typeof frames) => heardIn(bytes(frames[name]))
  const group4 = '239.1.2.3'
  assert.deepEqual(heard('join'), [{ group: group4, what: 'member' }])
  assert.deepEqual(heard('leave'), [{ group: group4, what: 'leaving' }])
  assert.deepEqual(heard('source'), [{ group: '232.1.2.3', what: 'member' }])
  assert.deepEqual(heard('sourceLeft'), [{ group: '232.1.2.3', what: 'leaving' }])
  assert.deepEqual(heard('report2'), [{ group: group4, what: 'member' }])
  assert.deepEqual(heard('leave2'), [{ group: group4, what: 'leaving' }])
  assert.deepEqual(heard('join6'), [{ group: 'ff15::101', what: 'member' }])
  assert.deepEqual(heard('leave6'), [{ group: 'ff15::101', what: 'leaving' }])
  assert.deepEqual(heard('done6'), [{ group: 'ff15::101', what: 'leaving' }])
})

test('nothing is heard about groups of the link, nor in what was cut or damaged', () => {
  assert.deepEqual(heardIn(bytes(frames.solicitedNode)), [])
  for (const text of Object.values(frames)) {
    const frame = bytes(text)
    for (let length = 0; length < frame.length; length++) assert.deepEqual(heardIn(frame.subarray(0, length)), [])
    for (let at = frame.length - 16; at < frame.length; at++) {
      const damaged = Buffer.from(frame)
      damaged[at]! ^= 0x40
      assert.deepEqual(heardIn(damaged), [], `${text} with another byte at ${at}`)
    }
  }
})

test('whatever a container sends is heard without complaint', () => {
  const base = Object.values(frames).map(bytes)
  const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 })
  const hostile = fc.tuple(fc.constantFrom(...base), changes, fc.nat()).map(([frame, bits, length]) => {
    const changed = Buffer.from(frame)
    for (const [at, value] of bits) changed[at % changed.length] = value
    return changed.subarray(0, length % (changed.length + 1))
  })
  fc.assert(
    fc.property(
      fc.oneof(
        hostile,
        fc.uint8Array({ maxLength: 120 }).map((some) => Buffer.from(some)),
      ),
      (frame) => {
        for (const { group } of heardIn(frame)) assert.ok(isKept(group), group)
      },
    ),
    { numRuns: 3_000 },
  )
})

test('groups beyond the link are kept', () => {
  for (const group of ['224.0.1.0', '239.255.255.255', '232.1.1.1', 'ff05::2', 'ff15::101', 'ff3e::1']) {
    assert.ok(isKept(group), group)
  }
  for (const other of ['224.0.0.251', '223.1.1.1', '240.0.0.1', 'ff02::1', 'ff12::1', 'ff01::1', 'fe80::1', 'x']) {
    assert.ok(!isKept(other), other)
  }
})

test('a group has a MAC address', () => {
  assert.equal(macOfGroup('239.129.2.3'), '01:00:5e:01:02:03')
  assert.equal(macOfGroup('ff15::1:203'), '33:33:00:01:02:03')
})

test('queries are what a proxy sends', () => {
  assert.deepEqual(
    generalQueries(10_000).map((frame) => frame.toString('hex')),
    [
      '01005e000001000011111111080046c00024000000000102441300000000e00000019404000011' + '64ec1e00000000027d0000',
      '33330000000100001111111186dd6000000000240001fe80000000000000020011fffe111111ff020000000000000000000000000001' +
        '3a000502000001008200337527100000' +
        '00000000000000000000000000000000027d0000',
    ],
  )
  assert.deepEqual(heardIn(groupQuery('239.1.2.3', 1_000)), [])
  assert.equal(groupQuery('239.1.2.3', 1_000).subarray(0, 6).toString('hex'), '01005e010203')
  assert.equal(groupQuery('ff15::101', 1_000).subarray(0, 6).toString('hex'), '333300000101')
})
