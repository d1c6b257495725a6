import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { networkRecord } from '../../../test/support/cluster.ts'
import { formatIpv4, ipv4Size } from '../../lib/address.ts'
import { blockMatch, networkAddresses, parseRuleAddress, rangeToBlocks } from './address-set.ts'

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
})
