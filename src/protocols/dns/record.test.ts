import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer as DnsRecord, decode } from 'dns-packet'
import fc from 'fast-check'
import { formatIpv6 } from '../../lib/address.ts'
import { isName } from './name.ts'
import { addressSet, encodeRecord, type ResourceRecord } from './record.ts'

const hex = (record: ResourceRecord, asked = 'web') => encodeRecord(record, asked).toString('hex')

test('records have these bytes; one of the asked name points at the question', () => {
  const own = { name: 'web', ttl: 5 }
  assert.equal(hex({ ...own, type: 'A', data: '20.1.1.2' }), 'c00c00010001000000050004' + '14010102')
  assert.equal(
    hex({ ...own, type: 'AAAA', data: 'fd03:1::2' }),
    'c00c001c0001000000050010' + 'fd030001000000000000000000000002',
  )
  assert.equal(hex({ ...own, type: 'PTR', data: 'db.town' }), 'c00c000c0001000000050009' + '02646204746f776e00')
  assert.equal(
    hex({ ...own, type: 'SRV', data: { priority: 1, weight: 2, port: 80, target: 'db' } }),
    'c00c0021000100000005000a' + '000100020050' + '02646200',
  )
  const zone = { mname: '.', rname: '.', serial: 1, refresh: 2, retry: 3, expire: 4, minimum: 5 }
  assert.equal(
    hex({ ...own, type: 'SOA', data: zone }),
    'c00c0006000100000005' + '0016' + '0000' + '0000000100000002000000030000000400000005',
  )
  assert.equal(hex({ name: 'db', ttl: 5, type: 'A', data: '20.1.1.2' }), '0264620000010001000000050004' + '14010102')
})

test('another decoder reads the same records', () => {
  const name = fc.array(fc.stringMatching(/^[a-z0-9_-]{1,12}$/), { minLength: 1, maxLength: 4 }).map((l) => l.join('.'))
  const number16 = fc.nat(65_535)
  const data = fc.oneof(
    fc.record({ type: fc.constant('A' as const), data: fc.ipV4() }),
    fc.record({
      type: fc.constant('AAAA' as const),
      data: fc.bigInt({ min: 1n << 113n, max: (1n << 128n) - 1n }).map(formatIpv6),
    }),
    fc.record({ type: fc.constant('PTR' as const), data: name }),
    fc.record({
      type: fc.constant('SRV' as const),
      data: fc.record(
        { priority: number16, weight: number16, port: number16, target: name },
        { noNullPrototype: true },
      ),
    }),
  )
  fc.assert(
    fc.property(name.filter(isName), fc.nat(2 ** 31 - 1), data, (owner, ttl, rest) => {
      const record: ResourceRecord = { name: owner, ttl, ...rest }
      const message = Buffer.concat([Buffer.from('000084000000000100000000', 'hex'), encodeRecord(record, '')])
      const [read] = decode(message).answers ?? []
      const { name: readName, type, ttl: readTtl, data: readData } = read as DnsRecord & ResourceRecord
      const plain = type === 'AAAA' ? formatOf(readData) : readData
      assert.deepEqual({ name: readName, ttl: readTtl, type, data: plain }, { ...record, data: plainOf(record) })
    }),
  )
})

/** Addresses are compared as numbers of one spelling. */
function formatOf(data: unknown): string {
  return addressSet('AAAA', [String(data)], 0).bytes.toString('hex')
}

function plainOf(record: ResourceRecord): unknown {
  return record.type === 'AAAA' ? formatOf(record.data) : record.data
}

test('records of a set are all of the same length', () => {
  assert.deepEqual(addressSet('A', [], 5), { bytes: Buffer.alloc(0), count: 0 })
  const { bytes, count } = addressSet('AAAA', ['fd00::1', 'fd00::2'], 5)
  assert.deepEqual([bytes.length, count], [56, 2])
})
