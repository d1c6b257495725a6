// Networks and their tags.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestNetmaster } from '../testing.ts'
import { globals, group, groupPath, network, networkPath, play, scenario, settings } from './testing.ts'

scenario('networks: subnets of a tenant must not overlap, those of others may', async (netmaster) => {
  await netmaster.ok('POST', '/api/v1/tenants/blue/', { tenantName: 'blue' })
  await netmaster.ok(
    'POST',
    networkPath('a'),
    network('a', '10.1.1.0/24', { ipv6Subnet: 'FD00:1::5/64', ipv6Gateway: 'fd00:1::1' }),
  )
  await netmaster.ok('POST', networkPath('range'), network('range', '10.1.3.5-10.1.3.15/24'))
  await netmaster.ok('POST', networkPath('a', 'blue'), network('a', '10.1.1.0/24', { tenantName: 'blue' }))
  const overlapping: readonly (readonly [subnet: string, more?: object])[] = [
    ['10.1.1.0/24'],
    ['10.1.1.77/24'],
    ['10.1.0.0/16'],
    ['10.1.1.128/25'],
    ['10.1.1.20-10.1.1.30/24'],
    ['10.1.3.15-10.1.3.20/24'],
    ['10.1.3.1-10.1.3.5/24'],
    ['10.1.3.6/31'],
    ['10.1.3.0/24'],
    ['10.2.0.0/24', { ipv6Subnet: 'fd00:1::/48' }],
    ['10.2.0.0/24', { ipv6Subnet: 'fd00:1::8000:0:0:0/65' }],
  ]
  for (const [subnet, more] of overlapping) {
    assert.equal(
      await netmaster.refused('POST', networkPath('b'), network('b', subnet, more)),
      'SUBNET_OVERLAP',
      subnet,
    )
  }
  await netmaster.ok('POST', networkPath('b'), network('b', '10.1.3.16-10.1.3.20/24'))
  const { ipv6Subnet, ipv6Gateway } = (await netmaster.ok('GET', networkPath('a'))) as Record<string, string>
  assert.deepEqual([ipv6Subnet, ipv6Gateway], ['fd00:1::/64', 'fd00:1::1'])
})

scenario('what is wrong with a network is refused, each with its code, and leaves no tag behind', async (netmaster) => {
  await netmaster.ok('POST', networkPath('old'), network('old', '10.9.0.0/24', { encap: 'vlan', pktTag: 10 }))
  await netmaster.ok('POST', groupPath('g'), group('g', 'old'))
  const inspected = () => netmaster.ok('GET', '/api/v1/inspect/globals/global/')
  const before = await inspected()
  const v6 = (ipv6Subnet: string, ipv6Gateway = '') => ({ ipv6Subnet, ipv6Gateway })
  const table: readonly (readonly [code: string, more: object])[] = [
    ['INVALID_BODY', { subnet: '' }],
    ['INVALID_BODY', { subnet: undefined }],
    ['INVALID_SUBNET', { subnet: '10.2.0.0/32' }],
    ['INVALID_SUBNET', { subnet: '10.2.0.0/0' }],
    ['INVALID_SUBNET', { subnet: '10.2.0.0' }],
    ['INVALID_SUBNET', { subnet: '10.2.0.256/24' }],
    ['INVALID_SUBNET', { subnet: '10.2.0.9-10.2.0.5/24' }],
    ['INVALID_SUBNET', { subnet: '10.2.0.9-10.2.1.5/24' }],
    ['INVALID_SUBNET', { subnet: 'fd00::/64' }],
    ['GATEWAY_OUTSIDE_SUBNET', { gateway: '10.4.1.1' }],
    ['GATEWAY_OUTSIDE_SUBNET', { gateway: '10.2.0.0' }],
    ['GATEWAY_OUTSIDE_SUBNET', { gateway: '10.2.0.255' }],
    ['INVALID_BODY', { gateway: '10.2.0' }],
    ['INVALID_IPV6_SUBNET', v6('fd00::/128')],
    ['INVALID_IPV6_SUBNET', v6('fd00::/15')],
    ['INVALID_IPV6_SUBNET', v6('10.2.0.0/24')],
    ['GATEWAY_OUTSIDE_SUBNET', v6('fd00:2::/64', 'fd00:3::1')],
    ['GATEWAY_OUTSIDE_SUBNET', v6('fd00:2::/64', 'fd00:2::')],
    ['GATEWAY_WITHOUT_SUBNET', v6('', 'fd00:2::1')],
    ['INVALID_BODY', v6('fd00:2::/64', '10.2.0.1')],
    ['INVALID_BODY', { nwType: 'other' }],
    ['INVALID_BODY', { encap: 'gre' }],
    ['INVALID_BODY', { cfgdTag: 'a_' }],
    ['INVALID_BODY', { cfgdTag: 'x'.repeat(129) }],
    ['INVALID_BODY', { pktTag: 1.5 }],
    ['INVALID_BODY', { pktTag: '7' }],
    ['INVALID_BODY', { pktTag: -1 }],
    ['INVALID_BODY', { pktTag: 16_777_217 }],
    ['TAG_OUT_OF_RANGE', { encap: 'vlan', pktTag: 4_095 }],
    ['TAG_OUT_OF_RANGE', { encap: 'vlan', pktTag: 5_000 }],
    ['TAG_OUT_OF_RANGE', { encap: 'vxlan', pktTag: 10_001 }],
    ['TAG_IN_USE', { encap: 'vlan', pktTag: 10 }],
    ['SUBNET_OVERLAP', { subnet: '10.9.0.128/25', pktTag: 20 }],
    ['GATEWAY_OUTSIDE_SUBNET', { gateway: '10.4.1.1', pktTag: 20 }],
  ]
  for (const [code, more] of table) {
    const body = network('b', '10.2.0.0/24', more)
    assert.equal(await netmaster.refused('POST', networkPath('b'), body), code, JSON.stringify(more))
  }
  for (const name of ['b:c', 'b|c', '-b', 'b-', 'b_', 'b c', 'x'.repeat(65)]) {
    const path = `/api/v1/networks/${encodeURIComponent(`default:${name}`)}/`
    assert.equal(await netmaster.refused('POST', path, network(name, '10.2.0.0/24')), 'INVALID_BODY', name)
  }
  await play(netmaster, [
    ['POST', networkPath('g'), network('g', '10.2.0.0/24'), 'NAME_IN_USE'],
    ['POST', networkPath('b', 'nope'), network('b', '10.2.0.0/24', { tenantName: 'nope' }), 'TENANT_NOT_FOUND'],
    ['POST', networkPath('b'), network('c', '10.2.0.0/24'), 'KEY_MISMATCH'],
    ['GET', networkPath('b'), undefined, 'NETWORK_NOT_FOUND'],
    ['DELETE', networkPath('b'), undefined, 'NETWORK_NOT_FOUND'],
    ['GET', '/api/v1/inspect/networks/default:b/', undefined, 'NETWORK_NOT_FOUND'],
  ])
  assert.deepEqual(await inspected(), before)
})

scenario(
  'tags: the lowest free one, or the one asked for; free again after the network has gone',
  async (netmaster) => {
    const tagOf = async (name: string) => {
      const inspected = (await netmaster.ok('GET', `/api/v1/inspect/networks/default:${name}`)) as {
        Oper: { externalPktTag: number }
      }
      return inspected.Oper.externalPktTag
    }
    await netmaster.ok('POST', networkPath('first'), network('first', '10.99.0.0/24', { encap: 'vlan' }))
    await netmaster.ok('POST', networkPath('second'), network('second', '10.99.1.0/24'))
    assert.deepEqual([await tagOf('first'), await tagOf('second')], [1, 1], 'each kind counts for itself')
    for (const name of ['first', 'second']) await netmaster.ok('DELETE', networkPath(name))
    let subnets = 0
    const create = (name: string, more: object) => network(name, `10.${subnets++}.0.0/24`, more)
    await netmaster.ok('POST', globals, { ...settings, vlans: '10-12', vxlans: '1-1005' })
    for (const name of ['v1', 'v2', 'v3'])
      await netmaster.ok('POST', networkPath(name), create(name, { encap: 'vlan' }))
    assert.deepEqual(await Promise.all(['v1', 'v2', 'v3'].map(tagOf)), [10, 11, 12])
    await play(netmaster, [
      ['POST', networkPath('v4'), create('v4', { encap: 'vlan' }), 'TAGS_EXHAUSTED'],
      ['POST', networkPath('v4'), create('v4', { encap: 'vlan', pktTag: 11 }), 'TAG_IN_USE'],
      ['POST', networkPath('v4'), create('v4', { encap: 'vlan', pktTag: 5000 }), 'TAG_OUT_OF_RANGE'],
      ['POST', networkPath('x'), create('x', { pktTag: 1006 }), 'TAG_OUT_OF_RANGE'],
      ['DELETE', networkPath('v2'), undefined, 'default:v2'],
    ])
    await netmaster.ok('POST', networkPath('v5'), create('v5', { encap: 'vlan' }))
    assert.equal(await tagOf('v5'), 11)
    await netmaster.ok('POST', networkPath('x1'), create('x1', { pktTag: 1 }))
    await netmaster.ok('POST', networkPath('x2'), create('x2', {}))
    await netmaster.ok('POST', networkPath('x3'), create('x3', { pktTag: 1001 }))
    assert.deepEqual(await Promise.all(['x1', 'x2', 'x3'].map(tagOf)), [1, 2, 1001])
  },
)
test('a network that names no encapsulation gets that of the cluster', async () => {
  const netmaster = await startTestNetmaster({ netMode: 'vlan', fwdMode: 'bridge' })
  const { encap, ...body } = network('n', '10.0.0.0/24')
  const made = (await netmaster.ok('POST', networkPath('n'), body)) as { encap: string }
  assert.equal(made.encap, 'vlan')
  assert.equal(((await netmaster.ok('GET', globals)) as { fwdMode: string }).fwdMode, 'bridge')
  await netmaster.stop()
})
