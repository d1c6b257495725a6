import assert from 'node:assert/strict'
import { isIPv4, isIPv6 } from 'node:net'
import { test } from 'node:test'
import fc from 'fast-check'
import {
  canonicalIpv6,
  coveringPrefix,
  formatIpv4,
  formatIpv6,
  formatMac,
  ipv4Mask,
  ipv4Size,
  ipv6Mask,
  linkLocalOfMac,
  macBytes,
  macOfIpv4,
  overlappingPrefixes,
  parseIpv4,
  parseIpv4Prefix,
  parseIpv6,
  parseIpv6Prefix,
  parseMac,
} from './address.ts'

test('an IPv4 address is a number and back', () => {
  assert.equal(parseIpv4('10.1.2.3'), 0x0a010203)
  assert.equal(parseIpv4('255.255.255.255'), 0xffffffff)
  fc.assert(fc.property(fc.nat({ max: 0xffffffff }), (value) => parseIpv4(formatIpv4(value)) === value))
})

test('what is no dotted quad is no IPv4 address', () => {
  for (const text of [
    '',
    '1.2.3',
    '1.2.3.4.5',
    '1.2.3.256',
    '01.2.3.4',
    '1.2.3.',
    ' 1.2.3.4',
    '1.2.3.4 ',
    '1.2.3.-1',
    '1e1.2.3.4',
    '1.2.3.4/8',
  ])
    assert.equal(parseIpv4(text), undefined, text)
})

test('an IPv6 address is written as RFC 5952 says', () => {
  for (const [text, canonical] of [
    ['2001:DB8::1', '2001:db8::1'],
    ['2001:0db8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['::ffff:192.0.2.1', '::ffff:c000:201'],
    ['1::', '1::'],
  ] as const)
    assert.equal(canonicalIpv6(text), canonical, text)
})

test('what is no IPv6 address is none', () => {
  for (const text of [
    '',
    ':',
    ':::',
    '1::2::3',
    '1:2:3:4:5:6:7',
    '1:2:3:4:5:6:7:8:9',
    '12345::',
    'g::',
    '::1.2.3',
    '1.2.3.4::',
    'fe80::1%eth0',
    '::1/64',
    '1:2:3:4:5:6:7::8',
  ])
    assert.equal(parseIpv6(text), undefined, text)
})

test('every IPv6 address is a number and back, and Node agrees about any text', () => {
  const value = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n })
  fc.assert(fc.property(value, (number) => parseIpv6(formatIpv6(number)) === number && isIPv6(formatIpv6(number))))
  const near = fc.array(fc.constantFrom('0', '1', 'f', 'F', '00ff', ':', '::', '.', '127.0.0.1', '%', 'g'), {
    maxLength: 16,
  })
  fc.assert(
    fc.property(near, (parts) => {
      const text = parts.join('')
      // A zone says which link is meant: that is no part of an address.
      if (!text.includes('%')) assert.equal(parseIpv6(text) !== undefined, isIPv6(text), text)
      assert.equal(parseIpv4(text) !== undefined, isIPv4(text), text)
    }),
    { numRuns: 2_000 },
  )
})

test('a MAC address is a number and back, and bytes', () => {
  assert.equal(parseMac('02:Aa:00:00:00:01'), 0x02aa00000001)
  assert.equal(formatMac(0x02aa00000001), '02:aa:00:00:00:01')
  assert.deepEqual([...macBytes('02:aa:00:00:00:01')], [2, 0xaa, 0, 0, 0, 1])
  for (const text of [
    '',
    '02:aa:00:00:00',
    '02:aa:00:00:00:01:02',
    '2:aa:0:0:0:1',
    '02-aa-00-00-00-01',
    '02:aa:00:00:00:0g',
  ])
    assert.equal(parseMac(text), undefined, text)
  fc.assert(fc.property(fc.nat({ max: 2 ** 48 - 1 }), (value) => parseMac(formatMac(value)) === value))
})

test('a prefix has its host bits cleared', () => {
  assert.deepEqual(parseIpv4Prefix('10.1.2.3/8'), { base: 0x0a000000, length: 8 })
  assert.deepEqual(parseIpv4Prefix('255.255.255.255/0'), { base: 0, length: 0 })
  assert.deepEqual(parseIpv4Prefix('255.255.255.255/32'), { base: 0xffffffff, length: 32 })
  assert.deepEqual(parseIpv6Prefix('fd00::1/64'), { base: 0xfd00n << 112n, length: 64 })
  for (const text of ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/', '/8', '10.0.0.0/-1', '10.0.0.0/8/8', 'fd00::/8'])
    assert.equal(parseIpv4Prefix(text), undefined, text)
  for (const text of ['fd00::', 'fd00::/129', '10.0.0.0/8']) assert.equal(parseIpv6Prefix(text), undefined, text)
})

test('masks and sizes go with the length', () => {
  assert.deepEqual([0, 1, 31, 32].map(ipv4Mask), [0, 0x80000000, 0xfffffffe, 0xffffffff])
  assert.deepEqual([0, 24, 32].map(ipv4Size), [2 ** 32, 256, 1])
  assert.deepEqual([ipv6Mask(0), ipv6Mask(128)], [0n, (1n << 128n) - 1n])
})

test('the prefix around a range is that of its length; other text stays as it is', () => {
  assert.equal(coveringPrefix('10.1.2.3-10.1.2.9/24'), '10.1.2.0/24')
  assert.equal(coveringPrefix('10.1.2.3/24'), '10.1.2.0/24')
  assert.equal(coveringPrefix('fd00::/64'), 'fd00::/64')
  assert.equal(coveringPrefix(''), '')
})

test('MAC addresses come from IPv4 addresses, link-local addresses from MAC addresses', () => {
  assert.equal(macOfIpv4('20.1.1.2'), '02:02:14:01:01:02')
  assert.equal(macOfIpv4('255.255.255.255'), '02:02:ff:ff:ff:ff')
  assert.equal(macOfIpv4('x'), undefined)
  assert.equal(linkLocalOfMac('00:25:96:12:34:56'), 'fe80::225:96ff:fe12:3456')
  assert.equal(linkLocalOfMac('x'), undefined)
})

test('prefixes overlap when one is in the other, in both families', () => {
  for (const [a, b, expected] of [
    ['10.1.0.0/16', '10.1.7.0/24', true],
    ['10.1.7.9/32', '10.1.7.0/24', true],
    ['10.1.6.0/24', '10.1.7.0/24', false],
    ['0.0.0.0/0', '203.0.113.1/32', true],
    ['128.0.0.0/1', '127.0.0.0/8', false],
    ['fd00::/16', 'fd00:1::/64', true],
    ['fd00:1::/64', 'fd00:2::/64', false],
    ['10.1.0.0/16', 'fd00::/16', false],
    ['', '10.1.0.0/16', false],
  ] as const) {
    assert.deepEqual([overlappingPrefixes(a, b), overlappingPrefixes(b, a)], [expected, expected], `${a} ${b}`)
  }
})
