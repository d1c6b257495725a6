// Networks and their tags.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startTestNetmaster } from '../testing.ts'
import { globals, network, networkPath, play, scenario, settings } from './testing.ts'

scenario('networks: subnets of a tenant must not overlap, those of others may', async (netmaster) => {
  await netmaster.ok('POST', '/api/v1/tenants/blue/', { tenantName: 'blue' })
  await netmaster.ok(
    'POST',
    networkPath('a'),
    network('a', '10.1.1.0/24', { ipv6Subnet: 'FD00:1::5/64', ipv6Gateway: 'fd00:1::1' }),
  )
  await netmaster.ok('POST', networkPath('range'), network('range', '10.1.3.5-10.1.3.15/24'))
  await netmaster.ok('POST', networkPath('a', 'blue'), network('a', '10.1.1.0/24', { tenantName: 'blue' }))
  await play(netmaster, [
    ['POST', networkPath('b'), network('b', '10.1.1.0/24'), 'SUBNET_OVERLAP'],
    ['POST', networkPath('b'), network('b', '10.1.0.0/16'), 'SUBNET_OVERLAP'],
    ['POST', networkPath('b'), network('b', '10.1.1.128/25'), 'SUBNET_OVERLAP'],
    ['POST', networkPath('b'), network('b', '10.1.3.15-10.1.3.20/24'), 'SUBNET_OVERLAP'],
    ['POST', networkPath('b'), network('b', '10.2.0.0/24', { ipv6Subnet: 'fd00:1::/48' }), 'SUBNET_OVERLAP'],
    ['POST', networkPath('b', 'nope'), network('b', '10.2.0.0/24', { tenantName: 'nope' }), 'TENANT_NOT_FOUND'],
    ['POST', networkPath('b'), network('b', '10.2.0.0/24', { gateway: '10.4.1.1' }), 'GATEWAY_OUTSIDE_SUBNET'],
    ['POST', networkPath('b'), network('b', '10.2.0.0/32'), 'INVALID_SUBNET'],
    ['POST', networkPath('b'), network('b', '10.2.0.0/24', { ipv6Subnet: 'fd00::/128' }), 'INVALID_IPV6_SUBNET'],
    ['POST', networkPath('b'), network('b', '10.2.0.0/24', { nwType: 'other' }), 'INVALID_BODY'],
    ['POST', networkPath('b'), network('b', '10.2.0.0/24', { encap: 'gre' }), 'INVALID_BODY'],
    ['POST', networkPath('b:c'), network('b:c', '10.2.0.0/24'), 'INVALID_BODY'],
    ['POST', networkPath('b|c'), network('b|c', '10.2.0.0/24'), 'INVALID_BODY'],
    ['POST', networkPath('b'), network('b', '10.2.0.0/24', { pktTag: 1.5 }), 'INVALID_BODY'],
    ['POST', networkPath('b'), network('b', '10.2.0.0/24', { pktTag: '7' }), 'INVALID_BODY'],
  ])
  await netmaster.ok('POST', networkPath('b'), network('b', '10.1.3.16-10.1.3.20/24'))
  const { ipv6Subnet, ipv6Gateway } = (await netmaster.ok('GET', networkPath('a'))) as Record<string, string>
  assert.deepEqual([ipv6Subnet, ipv6Gateway], ['fd00:1::/64', 'fd00:1::1'])
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
