import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatIpv4, parseIpv4 } from '../../lib/address.ts'
import {
  type Addressing,
  checkRequestedIpv4,
  checkRequestedIpv6,
  describeNetwork,
  describePool,
  hostIdOf,
  type Ipv4Scope,
  lowestFreeIpv4,
  lowestFreeIpv6,
  parseAddressing,
} from './address-pool.ts'
import { type Interval, NumberSet } from './number-set.ts'
import { parseIpv4Pool } from './subnet.ts'

function addressing(subnet: string, gateway = '', ipv6Subnet = '', ipv6Gateway = ''): Addressing {
  const parsed = parseAddressing({ subnet, gateway, ipv6Subnet, ipv6Gateway })
  assert.ok(!('code' in parsed), subnet)
  return parsed
}

function pool(text: string): Interval {
  const parsed = parseIpv4Pool(text)
  assert.ok(!('code' in parsed), text)
  return parsed
}

function scopeOf(subnet: string, options: { gateway?: string; pools?: string[]; pool?: string } = {}): Ipv4Scope {
  const { ipv4, gateway } = addressing(subnet, options.gateway)
  const own = options.pool === undefined ? undefined : pool(options.pool)
  return { subnet: ipv4, gateway, pools: (options.pools ?? []).map(pool), pool: own }
}

const taken = (...addresses: string[]) => {
  const set = new NumberSet(0)
  for (const address of addresses) set.add(parseIpv4(address) ?? -1)
  return set
}

const next = (scope: Ipv4Scope, set: NumberSet) => {
  const free = lowestFreeIpv4(scope, set)
  return typeof free === 'number' ? formatIpv4(free) : free.code
}

test('what is free is described by ranges', () => {
  const table: readonly (readonly [string, string])[] = [
    ['10.1.1.0/24', '10.1.1.1-10.1.1.254'],
    ['10.1.1.5-10.1.1.15/27', '10.1.1.5-10.1.1.15'],
    ['10.1.1.0/30', '10.1.1.1-10.1.1.2'],
    ['10.1.1.0/31', ''],
  ]
  for (const [subnet, available] of table) {
    assert.deepEqual(describeNetwork(scopeOf(subnet), taken()), { allocated: '', available }, subnet)
  }
})

test('addresses in use split the free ranges', () => {
  assert.deepEqual(describeNetwork(scopeOf('10.1.1.0/24'), taken('10.1.1.1', '10.1.1.5')), {
    allocated: '10.1.1.1, 10.1.1.5',
    available: '10.1.1.2-10.1.1.4, 10.1.1.6-10.1.1.254',
  })
})

test('pools of groups count as allocated in the network, and are counted by themselves in the group', () => {
  const pools = ['10.2.2.5-10.2.2.10', '10.2.2.11-10.2.2.30', '10.2.2.31-10.2.2.132', '10.2.2.133-10.2.2.180']
  const scope = scopeOf('10.2.2.0/24', { pools })
  assert.deepEqual(describeNetwork(scope, taken('10.2.2.1')), {
    allocated: '10.2.2.1, 10.2.2.5-10.2.2.180',
    available: '10.2.2.2-10.2.2.4, 10.2.2.181-10.2.2.254',
  })
  assert.deepEqual(describePool(pool('10.2.2.5-10.2.2.10'), taken('10.2.2.1', '10.2.2.5')), {
    allocated: '10.2.2.5',
    available: '10.2.2.6-10.2.2.10',
  })
})

test('endpoints outside groups get what no pool holds; those of a group get their pool', () => {
  const set = taken('10.1.1.1', '10.1.1.2')
  const pools = ['10.1.1.3-10.1.1.20', '10.1.1.22-10.1.1.30']
  assert.equal(next(scopeOf('10.1.1.0/24', { pools }), set), '10.1.1.21')
  set.add(parseIpv4('10.1.1.21') ?? 0)
  assert.equal(next(scopeOf('10.1.1.0/24', { pools }), set), '10.1.1.31')
  assert.equal(next(scopeOf('10.1.1.0/24', { pools, pool: '10.1.1.22-10.1.1.30' }), set), '10.1.1.22')
})

test('a full pool and a full subnet say so', () => {
  const full = taken('10.1.1.1', '10.1.1.2')
  assert.equal(next(scopeOf('10.1.1.0/30'), full), 'ADDRESSES_EXHAUSTED')
  assert.equal(next(scopeOf('10.1.1.0/24', { pool: '10.1.1.2' }), full), 'ADDRESSES_EXHAUSTED')
  assert.equal(next(scopeOf('10.1.1.0/31'), taken()), 'ADDRESSES_EXHAUSTED')
})

test('no address is given twice, the lowest comes first, and freed ones return', () => {
  const offset = fc.integer({ min: 1, max: 62 })
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.constant('take' as const), offset), { maxLength: 150 }), (steps) => {
      const scope = scopeOf('10.9.0.0/26', { pools: ['10.9.0.10-10.9.0.19'] })
      const set = new NumberSet(scope.subnet.hosts.first)
      const held = new Set<number>()
      const free = () => {
        for (let n = scope.subnet.hosts.first; n <= scope.subnet.hosts.last; n++) {
          if (!held.has(n) && !(n >= scope.subnet.base + 10 && n <= scope.subnet.base + 19)) return n
        }
        return undefined
      }
      for (const step of steps) {
        if (step === 'take') {
          const given = lowestFreeIpv4(scope, set)
          assert.equal(typeof given === 'number' ? given : undefined, free())
          if (typeof given !== 'number') continue
          set.add(given)
          held.add(given)
        } else {
          set.delete(scope.subnet.base + step)
          held.delete(scope.subnet.base + step)
        }
      }
    }),
  )
})

test('a requested address must be a host of the network that is not kept for others', () => {
  const scope = scopeOf('10.1.1.0/24', { gateway: '10.1.1.254', pools: ['10.1.1.10-10.1.1.20'] })
  const grouped = { ...scope, pool: pool('10.1.1.10-10.1.1.20') }
  const ask = (where: Ipv4Scope, text: string) => {
    const answer = checkRequestedIpv4(where, text)
    return typeof answer === 'number' ? formatIpv4(answer) : answer.code
  }
  assert.equal(ask(scope, '10.1.1.7'), '10.1.1.7')
  assert.equal(ask(scope, '10.1.1.254'), 'ADDRESS_IN_USE')
  assert.equal(ask(scope, '10.1.1.255'), 'ADDRESS_OUTSIDE_SUBNET')
  assert.equal(ask(scope, '10.1.2.1'), 'ADDRESS_OUTSIDE_SUBNET')
  assert.equal(ask(scope, '10.1.1.15'), 'ADDRESS_IN_POOL')
  assert.equal(ask(grouped, '10.1.1.15'), '10.1.1.15')
  assert.equal(ask(grouped, '10.1.1.21'), 'ADDRESS_OUTSIDE_POOL')
  assert.equal(ask(scopeOf('10.1.1.5-10.1.1.15/27'), '10.1.1.16'), 'ADDRESS_OUTSIDE_SUBNET')
  assert.equal(ask(scope, 'x'), 'INVALID_ADDRESS')
})

test('IPv6 addresses come from host id 1 on, and the gateway is passed over', () => {
  const { ipv6, ipv6Gateway } = addressing('10.1.1.0/24', '', 'fd00::/64', 'fd00::1')
  assert.ok(ipv6 !== undefined && ipv6Gateway !== undefined)
  const set = new NumberSet(1)
  set.add(hostIdOf(ipv6, ipv6Gateway) ?? -1)
  assert.equal(lowestFreeIpv6(ipv6, set), ipv6.base + 2n)
  assert.equal(checkRequestedIpv6(ipv6, ipv6Gateway, 'FD00::ffff:1'), ipv6.base + 0xffff0001n)
  for (const [text, code] of [
    ['fd00::1', 'ADDRESS_IN_USE'],
    ['fd00::', 'ADDRESS_OUTSIDE_SUBNET'],
    ['fd01::5', 'ADDRESS_OUTSIDE_SUBNET'],
    ['10.1.1.1', 'INVALID_ADDRESS'],
  ] as const) {
    const answer = checkRequestedIpv6(ipv6, ipv6Gateway, text)
    assert.ok(typeof answer !== 'bigint' && answer.code === code, text)
  }
})

test('a small IPv6 prefix can be used up', () => {
  const { ipv6 } = addressing('10.1.1.0/24', '', 'fd00::/126')
  assert.ok(ipv6 !== undefined)
  const set = new NumberSet(1)
  assert.equal(lowestFreeIpv6(ipv6, set), ipv6.base + 1n)
  set.add(1)
  assert.equal(lowestFreeIpv6(ipv6, set), ipv6.base + 2n)
  set.add(2)
  const none = lowestFreeIpv6(ipv6, set)
  assert.ok(typeof none !== 'bigint' && none.code === 'ADDRESSES_EXHAUSTED')
})

test('gateways must be hosts of their subnets', () => {
  const code = (...[subnet, gateway, ipv6Subnet, ipv6Gateway]: [string, string, string, string]) => {
    const parsed = parseAddressing({ subnet, gateway, ipv6Subnet, ipv6Gateway })
    return 'code' in parsed ? parsed.code : 'fine'
  }
  assert.equal(code('10.1.1.0/24', '10.1.1.254', 'fd00::/64', 'fd00::1'), 'fine')
  assert.equal(code('10.1.1.5-10.1.1.15/27', '10.1.1.1', '', ''), 'fine')
  assert.equal(code('10.1.1.0/24', '10.4.1.1', '', ''), 'GATEWAY_OUTSIDE_SUBNET')
  assert.equal(code('10.1.1.0/24', '10.1.1.0', '', ''), 'GATEWAY_OUTSIDE_SUBNET')
  assert.equal(code('10.1.1.0/24', '10.1.1.255', '', ''), 'GATEWAY_OUTSIDE_SUBNET')
  assert.equal(code('10.1.1.0/24', 'junk', '', ''), 'INVALID_GATEWAY')
  assert.equal(code('10.1.1.0/24', '', 'fd00::/64', 'fd01::1'), 'GATEWAY_OUTSIDE_SUBNET')
  assert.equal(code('10.1.1.0/24', '', '', 'fd01::1'), 'GATEWAY_WITHOUT_SUBNET')
})
