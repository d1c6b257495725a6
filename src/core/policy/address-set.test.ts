import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { networkRecord } from '../../../test/support/cluster.ts'
import { formatIpv4, ipv4Size } from '../../lib/address.ts'
import { blockMatch, ipv6BlockMatch, networkAddresses, parseRuleAddress, rangeToBlocks } from './address-set.ts'

function ranges(text: string): string[] | undefined {
  return parseRuleAddress(text)?.ipv4.map(({ first, last }) => `${formatIpv4(first)} to ${formatIpv4(last)}`)
}

test('an address, a prefix and a range of last octets mean just those', () => {
  assert.deepEqual(ranges('10.1.1.5'), ['10.1.1.5 to 10.1.1.5'])
  assert.deepEqual(ranges('10.1.1.5/24'), ['10.1.1.0 to 10.1.1.255'])
  assert.deepEqual(ranges('200.1.1.5-9'), ['200.1.1.5 to 200.1.1.9'])
  assert.deepEqual(ranges('10.1.1.5-9/24'), ['10.1.1.5 to 10.1.1.9'])
  assert.deepEqual(ranges('128.0.0.1/1'), ['128.0.0.0 to 255.255.255.255'])
  assert.equal(parseRuleAddress('web'), undefined)
})

test('a range may go from any address to any other, and a list has what its items have', () => {
  assert.deepEqual(ranges('10.1.1.200-10.1.2.5'), ['10.1.1.200 to 10.1.2.5'])
  assert.deepEqual(ranges('10.2.0.0/24,10.1.1.5,10.1.1.6-9,10.1.1.7'), [
    '10.1.1.5 to 10.1.1.9',
    '10.2.0.0 to 10.2.0.255',
  ])
  assert.deepEqual(parseRuleAddress('10.1.1.5,2001:db8::5')?.ipv6, ['2001:db8::5/128'])
})

test('IPv6 addresses, prefixes and ranges become the fewest prefixes', () => {
  const prefixes = (text: string) => parseRuleAddress(text)?.ipv6
  assert.deepEqual(prefixes('2001:DB8:0::5'), ['2001:db8::5/128'])
  assert.deepEqual(prefixes('2001:db8::5/64'), ['2001:db8::/64'])
  assert.deepEqual(prefixes('::/0'), ['::/0'])
  assert.deepEqual(prefixes('2001:db8::1-2001:db8::4'), ['2001:db8::1/128', '2001:db8::2/127', '2001:db8::4/128'])
  assert.deepEqual(prefixes('2001:db8::/65,2001:db8:0:0:8000::/65'), ['2001:db8::/64'])
  assert.deepEqual(prefixes('::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'), ['::/0'])
})

test('a network means the range it was given, and its IPv6 prefix', () => {
  const network = (subnet: string, ipv6Subnet = '') =>
    networkAddresses(networkRecord({ key: 'red:a', encap: { kind: 'vlan', vlan: 1 }, subnet, ipv6Subnet }, 1))
  const at = (last: number) => 0x0a010100 + last
  assert.deepEqual(network('10.1.1.5-10.1.1.15/24'), { ipv4: [{ first: at(5), last: at(15) }], ipv6: [] })
  assert.deepEqual(network('10.1.1.0/24', '2001:db8::/64'), {
    ipv4: [{ first: at(0), last: at(255) }],
    ipv6: ['2001:db8::/64'],
  })
})

test('blocks cover a range exactly, and neighbours could not be one', () => {
  const address = fc.integer({ min: 0, max: 0xffffffff })
  fc.assert(
    fc.property(address, address, (a, b) => {
      const [first, last] = [Math.min(a, b), Math.max(a, b)]
      const blocks = rangeToBlocks({ first, last })
      assert.ok(blocks.length <= 62, `${blocks.length} blocks`)
      let next = first
      for (const { base, length } of blocks) {
        assert.equal(base, next)
        assert.equal(base % ipv4Size(length), 0)
        next = base + ipv4Size(length)
      }
      assert.equal(next, last + 1)
      for (const [index, { base, length }] of blocks.entries()) {
        const joins = blocks[index + 1]?.length === length && base % ipv4Size(length - 1) === 0
        assert.ok(!joins, `two blocks of /${length} at ${formatIpv4(base)}`)
      }
    }),
  )
})

test('a block of one address is matched without mask', () => {
  assert.equal(blockMatch({ base: 0x0a010105, length: 32 }), '10.1.1.5')
  assert.deepEqual(blockMatch({ base: 0x0a010104, length: 30 }), { value: '10.1.1.4', mask: '255.255.255.252' })
  assert.equal(ipv6BlockMatch({ base: 5n, length: 128 }), '::5')
  assert.deepEqual(ipv6BlockMatch({ base: 4n, length: 126 }), {
    value: '::4',
    mask: 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffc',
  })
})
