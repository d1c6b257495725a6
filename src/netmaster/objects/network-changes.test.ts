// What may change of a network, and what holds it back.

import assert from 'node:assert/strict'
import type { TestNetmaster } from '../testing.ts'
import { alloc, create, ranges, remove } from '../testing-nodes.ts'
import { globals, group, groupPath, network, networkPath, play, type Step, scenario, settings } from './testing.ts'

const path = networkPath('n')
const base = { subnet: '10.1.1.5-10.1.1.15/24', gateway: '10.1.1.254', cfgdTag: 'blue' }
const body = (more: object = {}) => network('n', base.subnet, { ...base, ...more })
const stored = (netmaster: TestNetmaster) => netmaster.ok('GET', path)
const tagOf = async (netmaster: TestNetmaster) => {
  const { Oper } = (await netmaster.ok('GET', '/api/v1/inspect/networks/default:n/')) as { Oper: { pktTag: number } }
  return Oper.pktTag
}
const inUse = async (netmaster: TestNetmaster) => {
  const { Oper } = (await netmaster.ok('GET', '/api/v1/inspect/globals/global/')) as { Oper: Record<string, unknown> }
  return [Oper.vlansInUse ?? '', Oper.vxlansInUse ?? '']
}

scenario('the same request again changes nothing, and no node hears of it', async (netmaster) => {
  const first = await netmaster.ok('POST', path, body({ ipv6Subnet: 'FD00:1::5/64', pktTag: 7 }))
  const { cluster } = netmaster.netmaster
  const { revision } = cluster
  await create(netmaster, 'e')
  const withEndpoint = cluster.revision
  for (const [method, again] of [
    ['POST', body({ ipv6Subnet: 'FD00:1::5/64', pktTag: 7 })],
    ['PUT', first],
  ] as const) {
    assert.deepEqual(await netmaster.ok(method, path, again), first)
  }
  assert.deepEqual([withEndpoint, cluster.revision], [revision + 1, revision + 1])
})

scenario(
  'while containers use a network its name tag and its range may change, and nothing they build on',
  async (netmaster) => {
    await netmaster.ok('POST', path, body({ pktTag: 7, ipv6Subnet: 'fd00:1::/64' }))
    await create(netmaster, 'e', { ContainerName: 'web' }, '10.1.1.9')
    const kept = { pktTag: 7, ipv6Subnet: 'fd00:1::/64' }
    const before = await stored(netmaster)
    const refused = async (more: object, ...fields: string[]) => {
      const answer = await netmaster.request('POST', path, body({ ...kept, ...more }))
      const { code, message, details } = answer.body as { code: string; message: string; details: { fields: string[] } }
      assert.deepEqual([answer.status, code, details.fields], [409, 'NETWORK_FIXED', fields], JSON.stringify(more))
      assert.match(message, /web on node1/)
    }
    await refused({ gateway: '' }, 'gateway')
    await refused({ gateway: '10.1.1.1' }, 'gateway')
    await refused({ encap: 'vlan' }, 'encap')
    await refused({ encap: 'vlan', pktTag: 8, nwType: 'infra' }, 'nwType', 'encap', 'pktTag')
    await refused({ pktTag: 8 }, 'pktTag')
    await refused({ subnet: '10.1.0.0/23' }, 'subnet')
    await refused({ subnet: '10.2.1.0/24', gateway: '' }, 'subnet', 'gateway')
    await refused({ ipv6Subnet: '' }, 'ipv6Subnet')
    await refused({ ipv6Subnet: 'fd00:2::/64' }, 'ipv6Subnet')
    await refused({ ipv6Gateway: 'fd00:1::1' }, 'ipv6Gateway')
    assert.equal(
      await netmaster.refused('POST', path, body({ ...kept, subnet: '10.1.1.5-10.1.1.8/24' })),
      'ADDRESS_LEFT_OUT',
    )
    assert.deepEqual(await stored(netmaster), before)
    const wider = { ...kept, subnet: '10.1.1.0/24', cfgdTag: 'red', encap: '', pktTag: 0 }
    const { subnet, cfgdTag } = (await netmaster.ok('POST', path, body(wider))) as Record<string, string>
    assert.deepEqual([subnet, cfgdTag, await tagOf(netmaster)], ['10.1.1.0/24', 'red', 7])
    assert.equal((await create(netmaster, 'f')).ipv4, '10.1.1.1')
    await netmaster.ok('POST', path, body({ ...wider, subnet: '10.1.1.1-10.1.1.9/24' }))
    assert.deepEqual(await ranges(netmaster), ['10.1.1.1, 10.1.1.9, 10.1.1.254', '10.1.1.2-10.1.1.8'])
  },
)

scenario('a network without endpoints may change in everything but its name', async (netmaster) => {
  await netmaster.ok('POST', path, body())
  await alloc(netmaster)
  const steps: readonly (readonly [more: object, allocated: string, available: string])[] = [
    [{ gateway: '' }, '10.1.1.5', '10.1.1.6-10.1.1.15'],
    [{ gateway: '10.1.1.1' }, '10.1.1.1, 10.1.1.5', '10.1.1.6-10.1.1.15'],
    [{ gateway: '10.1.1.5' }, '10.1.1.5', '10.1.1.6-10.1.1.15'],
    [{ subnet: '10.7.0.0/29', gateway: '10.7.0.6' }, '10.7.0.6', '10.7.0.1-10.7.0.5'],
    [{ nwType: 'infra', ipv6Subnet: 'fd00::/64', ipv6Gateway: 'fd00::1' }, '10.1.1.254', '10.1.1.5-10.1.1.15'],
  ]
  for (const [more, ...expected] of steps) {
    const answer = await netmaster.ok('POST', path, body(more))
    assert.deepEqual(answer, await stored(netmaster))
    assert.deepEqual(await ranges(netmaster), expected, JSON.stringify(more))
  }
  assert.equal((await create(netmaster, 'e')).ipv6, 'fd00::2')
})

scenario(
  'a tag that is changed is free for others, and one that is refused stays with its owner',
  async (netmaster) => {
    await netmaster.ok('POST', globals, { ...settings, vlans: '10-20', vxlans: '1-30' })
    await netmaster.ok('POST', path, body())
    await netmaster.ok('POST', networkPath('other'), network('other', '10.9.0.0/24', { pktTag: 5 }))
    assert.deepEqual(await inUse(netmaster), ['', '1, 5'])
    await play(netmaster, [
      ['POST', path, body({ pktTag: 5 }), 'TAG_IN_USE'],
      ['POST', path, body({ pktTag: 31 }), 'TAG_OUT_OF_RANGE'],
      ['POST', path, body({ encap: 'vlan', pktTag: 9 }), 'TAG_OUT_OF_RANGE'],
    ])
    assert.deepEqual(await inUse(netmaster), ['', '1, 5'])
    await netmaster.ok('POST', path, body({ pktTag: 9 }))
    assert.deepEqual(await inUse(netmaster), ['', '5, 9'])
    await netmaster.ok('POST', path, body({ encap: 'vlan' }))
    assert.deepEqual(await inUse(netmaster), ['10', '5'])
    await netmaster.ok('POST', path, body({ encap: 'vlan', pktTag: 10 }))
    assert.deepEqual([await inUse(netmaster), await tagOf(netmaster)], [['10', '5'], 10])
    await netmaster.ok('DELETE', path)
    assert.deepEqual(await inUse(netmaster), ['', '5'])
  },
)

scenario('a change must leave groups their pools, and other networks their addresses', async (netmaster) => {
  await netmaster.ok('POST', path, body())
  await netmaster.ok('POST', networkPath('other'), network('other', '10.1.2.0/24', { ipv6Subnet: 'fd00:2::/64' }))
  await netmaster.ok('POST', groupPath('g'), group('g', 'n', { ipPool: '10.1.1.10-10.1.1.12' }))
  const refusals: readonly (readonly [more: object, code: string])[] = [
    [{ subnet: '10.1.1.5-10.1.1.11/24' }, 'POOL_LEFT_OUT'],
    [{ subnet: '10.3.1.0/24', gateway: '' }, 'POOL_LEFT_OUT'],
    [{ gateway: '10.1.1.11' }, 'GATEWAY_IN_POOL'],
    [{ gateway: '10.4.1.1' }, 'GATEWAY_OUTSIDE_SUBNET'],
    [{ subnet: '10.1.0.0/22' }, 'SUBNET_OVERLAP'],
    [{ ipv6Subnet: 'fd00:2::/48' }, 'SUBNET_OVERLAP'],
    [{ ipv6Gateway: 'fd00:2::1' }, 'GATEWAY_WITHOUT_SUBNET'],
    [{ subnet: '10.1.1.0/32' }, 'INVALID_SUBNET'],
    [{ tenantName: 'blue' }, 'KEY_MISMATCH'],
  ]
  const before = await stored(netmaster)
  for (const [more, code] of refusals) assert.equal(await netmaster.refused('POST', path, body(more)), code)
  assert.deepEqual(await stored(netmaster), before)
  await netmaster.ok('POST', path, body({ subnet: '10.1.1.10-10.1.1.12/24' }))
  await netmaster.ok('DELETE', groupPath('g'))
  assert.deepEqual(await ranges(netmaster), ['10.1.1.254', '10.1.1.10-10.1.1.12'])
})

scenario('in an ACI fabric a network with groups stays a VLAN', async (netmaster) => {
  await netmaster.ok('POST', globals, { ...settings, networkInfraType: 'aci' })
  await netmaster.ok('POST', path, body({ encap: 'vlan' }))
  await netmaster.ok('POST', groupPath('g'), group('g', 'n'))
  assert.equal(await netmaster.refused('POST', path, body({ encap: 'vxlan' })), 'GROUPS_NEED_VLAN')
  await netmaster.ok('POST', path, body({ encap: 'vlan', pktTag: 9 }))
  await netmaster.ok('DELETE', groupPath('g'))
  await netmaster.ok('POST', path, body({ encap: 'vxlan' }))
})

scenario('a network goes when no group, service, endpoint or rule names it any more', async (netmaster) => {
  const service = {
    tenantName: 'default',
    serviceName: 's',
    networkName: 'n',
    selectors: ['a=b'],
    ports: ['80:80:TCP'],
  }
  const rule = {
    tenantName: 'default',
    policyName: 'p',
    ruleId: '1',
    direction: 'in',
    fromNetwork: 'n',
    protocol: 'tcp',
    action: 'allow',
  }
  await netmaster.ok('POST', path, body())
  await netmaster.ok('POST', groupPath('g'), group('g', 'n'))
  await netmaster.ok('POST', '/api/v1/serviceLBs/default:s/', service)
  await netmaster.ok('POST', '/api/v1/policys/default:p/', { tenantName: 'default', policyName: 'p' })
  await netmaster.ok('POST', '/api/v1/rules/default:p:1/', rule)
  await create(netmaster, 'e', { ContainerName: 'web' })
  const refusal = async () => {
    const { status, body: said } = await netmaster.request('DELETE', path)
    assert.equal(status, 409)
    const { code, message } = said as { code: string; message: string }
    return [code, message]
  }
  const steps: readonly (readonly [code: string, said: RegExp, undo: () => Promise<unknown>])[] = [
    ['NETWORK_HAS_GROUPS', /1 endpoint group \(default:g\)/, () => netmaster.ok('DELETE', groupPath('g'))],
    ['NETWORK_HAS_SERVICES', /1 service \(default:s\)/, () => netmaster.ok('DELETE', '/api/v1/serviceLBs/default:s/')],
    ['NETWORK_HAS_ENDPOINTS', /1 endpoint \(web on node1\)/, () => remove(netmaster, 'e')],
    ['NETWORK_IN_RULES', /1 rule \(default:p:1\)/, () => netmaster.ok('DELETE', '/api/v1/rules/default:p:1/')],
  ]
  for (const [expected, said, undo] of steps) {
    const [code = '', message = ''] = await refusal()
    assert.equal(code, expected)
    assert.match(message, said)
    await undo()
  }
  const last: Step[] = [['DELETE', path, undefined, 'default:n']]
  await play(netmaster, last)
  assert.deepEqual(await inUse(netmaster), ['', ''])
})
