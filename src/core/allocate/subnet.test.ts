import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '../../lib/address.ts'
import {
  ipv6SubnetsOverlap,
  isIpv4Host,
  isIpv6Host,
  parseIpv4Pool,
  parseIpv4Subnet,
  parseIpv6Subnet,
} from './subnet.ts'

function hosts(text: string): string {
  const subnet = parseIpv4Subnet(text)
  if ('code' in subnet) return subnet.code
  const { first, last } = subnet.hosts
  return first > last ? 'none' : `${formatIpv4(first)}-${formatIpv4(last)}`
}

test('the addresses for endpoints are those of the subnet, or of the range in it', () => {
  const table: readonly (readonly [string, string])[] = [
    ['10.1.1.0/24', '10.1.1.1-10.1.1.254'],
    ['10.1.1.77/24', '10.1.1.1-10.1.1.254'],
    ['10.1.1.5-10.1.1.15/27', '10.1.1.5-10.1.1.15'],
    ['10.1.1.5-15/27', '10.1.1.5-10.1.1.15'],
    ['10.100.100.194-222/27', '10.100.100.194-10.100.100.222'],
    ['10.1.1.0-10.1.1.255/24', '10.1.1.1-10.1.1.254'],
    ['10.1.1.4/30', '10.1.1.5-10.1.1.6'],
    ['10.1.1.4/31', 'none'],
    ['10.0.0.0/8', '10.0.0.1-10.255.255.254'],
    ['128.0.0.0/1', '128.0.0.1-255.255.255.254'],
    ['255.255.255.0/24', '255.255.255.1-255.255.255.254'],
  ]
  for (const [text, expected] of table) assert.equal(hosts(text), expected, text)
})

test('what is no subnet is refused', () => {
  const wrong = [
    '',
    'x',
    '10.1.1.0',
    '10.1.1.0/',
    '10.1.1.0/0',
    '10.1.1.0/32',
    '10.1.1/24',
    '10.1.1.256/24',
    '10.1.1.0/24/1',
  ]
  wrong.push(
    '10.1.1.9-10.1.1.5/24',
    '10.1.1.5-10.1.2.5/24',
    '10.1.1.5-300/24',
    '10.1.1.5-/24',
    '-10.1.1.5/24',
    '010.1.1.0/24',
  )
  wrong.push('fd00::/64', ' 10.1.1.0/24')
  for (const text of wrong) assert.equal(hosts(text), 'INVALID_SUBNET', JSON.stringify(text))
})

test('no text makes the parsers throw, and what they accept is consistent', () => {
  const text = fc.oneof(
    fc.string({ maxLength: 40 }),
    fc.stringMatching(/^[0-9.\-/]{0,40}$/),
    fc.stringMatching(/^[0-9a-f:./]{0,40}$/),
  )
  fc.assert(
    fc.property(text, (input) => {
      parseIpv4Pool(input)
      parseIpv6Subnet(input)
      const subnet = parseIpv4Subnet(input)
      if ('code' in subnet) return
      for (const edge of [subnet.hosts.first, subnet.hosts.last]) {
        assert.ok(subnet.hosts.first > subnet.hosts.last || isIpv4Host(subnet, edge))
      }
    }),
    { numRuns: 2_000 },
  )
})

test('network, broadcast and foreign addresses are no hosts', () => {
  const subnet = parseIpv4Subnet('10.1.1.0/24')
  assert.ok(!('code' in subnet))
  const isHost = (text: string) => isIpv4Host(subnet, parseIpv4(text) ?? -1)
  assert.deepEqual(['10.1.1.0', '10.1.1.1', '10.1.1.254', '10.1.1.255', '10.1.2.1'].map(isHost), [
    false,
    true,
    true,
    false,
    false,
  ])
})

test('pools are one address or a range', () => {
  assert.deepEqual(parseIpv4Pool('10.1.1.30'), { first: 0x0a01011e, last: 0x0a01011e })
  assert.deepEqual(parseIpv4Pool('10.1.1.10-10.1.1.20'), { first: 0x0a01010a, last: 0x0a010114 })
  for (const text of [
    '',
    'junk',
    '10.1.1.50-10.1.1.40',
    '10.1.1.1-2-3',
    '10.3.1.110-10.3.1.320',
    '10.3.2.0/24',
    'fd00::1-fd00::9',
  ]) {
    const pool = parseIpv4Pool(text)
    assert.ok('code' in pool && pool.code === 'INVALID_IP_POOL', text)
  }
})

test('IPv6 prefixes have lengths from 16 to 127, and overlap when one holds the other', () => {
  const parse = (text: string) => {
    const subnet = parseIpv6Subnet(text)
    assert.ok(!('code' in subnet), text)
    return subnet
  }
  assert.equal(formatIpv6(parse('2001:DB8::77/64').base), '2001:db8::')
  for (const text of ['fd00::/15', 'fd00::/128', 'fd00::', 'ff02::/64', '10.0.0.0/24', 'fd00::/x', 'fg::/64']) {
    const subnet = parseIpv6Subnet(text)
    assert.ok('code' in subnet && subnet.code === 'INVALID_IPV6_SUBNET', text)
  }
  assert.equal(ipv6SubnetsOverlap(parse('fd00:1::/32'), parse('fd00:1:2::/64')), true)
  assert.equal(ipv6SubnetsOverlap(parse('fd00:1::/64'), parse('fd00:1:0:1::/64')), false)
  assert.equal(isIpv6Host(parse('fd00::/64'), parseIpv6('fd00::') ?? 0n), false)
  assert.equal(isIpv6Host(parse('fd00::/64'), parseIpv6('fd00::1') ?? 0n), true)
  assert.equal(isIpv6Host(parse('fd00::/64'), parseIpv6('fd01::1') ?? 0n), false)
})
