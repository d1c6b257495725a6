import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatIpv4, formatIpv6 } from '../../lib/address.ts'
import { NetpluginError } from '../../lib/errors.ts'
import { igmpBytes, type MembershipMessage, mldBody, mldTypes, readIgmp, readMld } from './membership.ts'

const bytes = (hex: string) => Buffer.from(hex.replaceAll(' ', ''), 'hex')
const details = { suppress: false, robustness: 2, intervalSeconds: 125, sources: [] }

/** The payloads of what Linux sends (kernel 6.18), captured; queries as RFC 3376 and 3810 lay them out. */
const igmp: readonly [string, string, MembershipMessage][] = [
  ['a report of version 1', '1200 fcfa ef010203', { kind: 'report', group: '239.1.2.3', first: true }],
  ['a report of version 2', '1600 f8fa ef010203', { kind: 'report', group: '239.1.2.3' }],
  ['a leave', '1700 f7fa ef010203', { kind: 'leave', group: '239.1.2.3' }],
  [
    'a join by version 3',
    '2200 e8f9 0000 0001 04 00 0000 ef010203',
    { kind: 'records', records: [{ type: 4, group: '239.1.2.3', sources: [] }] },
  ],
  [
    'a join of one source',
    '2200 d9ee 0000 0001 05 00 0001 e8010203 14010109',
    { kind: 'records', records: [{ type: 5, group: '232.1.2.3', sources: ['20.1.1.9'] }] },
  ],
  ['a query of version 1', '1100 eeff 00000000', { kind: 'query', group: '0.0.0.0', maxResponseMs: 0 }],
  ['a query of version 2', '1164 ee9b 00000000', { kind: 'query', group: '0.0.0.0', maxResponseMs: 10_000 }],
  [
    'a query of version 3',
    '1164 ec1e 00000000 02 7d 0000',
    { kind: 'query', group: '0.0.0.0', maxResponseMs: 10_000, details },
  ],
]

const group6 = 'ff15::101'
const mld: readonly [string, number, string, MembershipMessage][] = [
  ['a report', mldTypes.report, '00000000 ff150000000000000000000000000101', { kind: 'report', group: group6 }],
  ['a done', mldTypes.leave, '00000000 ff150000000000000000000000000101', { kind: 'leave', group: group6 }],
  [
    'a join by version 2',
    mldTypes.records,
    '0000 0001 04 00 0000 ff150000000000000000000000000101',
    { kind: 'records', records: [{ type: 4, group: group6, sources: [] }] },
  ],
  [
    'a query of version 2',
    mldTypes.query,
    '2710 0000 00000000000000000000000000000000 02 7d 0000',
    { kind: 'query', group: '::', maxResponseMs: 10_000, details },
  ],
]

for (const [what, hex, message] of igmp) {
  test(`IGMP: ${what}, both ways`, () => {
    assert.deepEqual(readIgmp(bytes(hex)), message)
    assert.equal(igmpBytes(message).toString('hex'), hex.replaceAll(' ', ''))
  })
}

for (const [what, type, hex, message] of mld) {
  test(`MLD: ${what}, both ways`, () => {
    assert.deepEqual(readMld(type, bytes(hex)), message)
    assert.equal(mldBody(message).toString('hex'), hex.replaceAll(' ', ''))
  })
}

test('a wrong checksum, and a type that is none of these, say nothing', () => {
  assert.equal(readIgmp(bytes('1600 f8fb ef010203')), undefined)
  assert.equal(readIgmp(bytes('4200 bdff 00000000')), undefined)
  assert.equal(readMld(128, bytes('00000000 ff150000000000000000000000000101')), undefined)
})

test('long times are rounded down to what their code can say', () => {
  const back = (maxResponseMs: number) => {
    const read = readIgmp(igmpBytes({ kind: 'query', group: '0.0.0.0', maxResponseMs, details }))
    return read?.kind === 'query' ? read.maxResponseMs : undefined
  }
  // RFC 3376 section 4.1.1: the largest is (0x1f << 10) tenths of a second.
  assert.deepEqual(
    [12_700, 12_800, 13_000, 3_174_400, 9_999_999].map(back),
    [12_700, 12_800, 12_800, 3_174_400, 3_174_400],
  )
})

const address4 = fc.nat(0xffffffff).map(formatIpv4)
const address6 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map(formatIpv6)

function message(address: fc.Arbitrary<string>, tickMs: number): fc.Arbitrary<MembershipMessage> {
  const sources = fc.array(address, { maxLength: 5 })
  const record = fc.record(
    {
      type: fc.nat(255),
      group: address,
      sources,
      auxiliary: fc.constantFrom(Buffer.from('01020304', 'hex'), Buffer.from('0102030405060708', 'hex')),
    },
    { requiredKeys: ['type', 'group', 'sources'] },
  )
  const small = fc.nat(127)
  const details = fc.record({ suppress: fc.boolean(), robustness: fc.nat(7), intervalSeconds: small, sources })
  return fc.oneof(
    fc.record({ kind: fc.constant('report' as const), group: address }),
    fc.record({ kind: fc.constant('leave' as const), group: address }),
    fc.record({ kind: fc.constant('records' as const), records: fc.array(record, { maxLength: 5 }) }),
    fc.record(
      {
        kind: fc.constant('query' as const),
        group: address,
        maxResponseMs: small.map((ticks) => ticks * tickMs),
        details,
      },
      { requiredKeys: ['kind', 'group', 'maxResponseMs'] },
    ),
  )
}

/** As the reader makes them: plain objects. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value))

test('what is written is read again', () => {
  fc.assert(
    fc.property(message(address4, 100), (said) => assert.deepEqual(plain(readIgmp(igmpBytes(said))), plain(said))),
  )
  fc.assert(
    fc.property(message(address6, 1), (said) =>
      assert.deepEqual(plain(readMld(mldTypes[said.kind], mldBody(said))), plain(said)),
    ),
  )
})

test('whatever bytes come, they are read, or refused with a protocol error', () => {
  const readsOrRefuses = (read: () => unknown) => {
    try {
      read()
    } catch (error) {
      assert.ok(error instanceof NetpluginError && error.kind === 'protocol', String(error))
    }
  }
  const noise = fc.uint8Array({ maxLength: 80 }).map((some) => Buffer.from(some))
  const damaged = fc.tuple(message(address4, 100), fc.nat(), fc.nat(255), fc.nat()).map(([said, at, value, length]) => {
    const whole = igmpBytes(said)
    whole[at % whole.length] = value
    return whole.subarray(0, length % (whole.length + 1))
  })
  fc.assert(
    fc.property(fc.oneof(noise, damaged), fc.constantFrom(...Object.values(mldTypes)), (some, type) => {
      readsOrRefuses(() => readIgmp(some))
      readsOrRefuses(() => readMld(type, some))
    }),
    { numRuns: 3_000 },
  )
})
