// Vectors of allocation (specification 6.4, 8.1, 8.3) through the API: which address comes next, and the texts that
// inspection shows of what is allocated and what is available.

import assert from 'node:assert/strict'
import { group, groupPath, network, networkPath, play, scenario } from './objects/testing.ts'
import type { TestNetmaster } from './testing.ts'
import { alloc, create, createBody, ranges, release, remove } from './testing-nodes.ts'

const inNetwork = (NetworkName: string, more: object = {}) => ({ NetworkName, ...more })
const inGroup = (NetworkName: string, ServiceName: string) => ({ NetworkName, ServiceName })
const networkRanges = (netmaster: TestNetmaster, name: string) => ranges(netmaster, `networks/default:${name}`)
const groupRanges = (netmaster: TestNetmaster, name: string) => ranges(netmaster, `endpointGroups/default:${name}`)
const makeNetwork = (netmaster: TestNetmaster, name: string, subnet: string, more: object = {}) =>
  netmaster.ok('POST', networkPath(name), network(name, subnet, more))
const makeGroup = (netmaster: TestNetmaster, name: string, networkName: string, ipPool = '') =>
  netmaster.ok('POST', groupPath(name), group(name, networkName, { ipPool }))
const gone = (netmaster: TestNetmaster, id: string) => remove(netmaster, id, { ReleaseAddresses: true })

scenario('each shape of subnet has its available addresses, and its group may have all of them', async (netmaster) => {
  const table: readonly (readonly [subnet: string, available: string])[] = [
    ['10.1.1.0/24', '10.1.1.1-10.1.1.254'],
    ['10.100.100.194-10.100.100.222/27', '10.100.100.194-10.100.100.222'],
    ['10.100.100.194-222/27', '10.100.100.194-10.100.100.222'],
    ['10.1.1.5-10.1.1.15/27', '10.1.1.5-10.1.1.15'],
    ['10.1.1.0/27', '10.1.1.1-10.1.1.30'],
    ['10.1.1.32/28', '10.1.1.33-10.1.1.46'],
    ['10.1.1.64/29', '10.1.1.65-10.1.1.70'],
    ['10.1.1.0/30', '10.1.1.1-10.1.1.2'],
    ['10.1.1.0/31', ''],
    ['10.1.1.0-10.1.1.31/27', '10.1.1.1-10.1.1.30'],
    ['10.0.0.0/8', '10.0.0.1-10.255.255.254'],
  ]
  for (const [subnet, available] of table) {
    await makeNetwork(netmaster, 'n', subnet)
    assert.deepEqual(await networkRanges(netmaster, 'n'), ['', available], subnet)
    if (available !== '') {
      await makeGroup(netmaster, 'whole', 'n', available)
      assert.deepEqual(await groupRanges(netmaster, 'whole'), ['', available], subnet)
      assert.deepEqual(await networkRanges(netmaster, 'n'), [available, ''], subnet)
      const [first = ''] = available.split('-')
      assert.equal((await create(netmaster, 'e', inGroup('n', 'whole'))).ipv4, first)
      assert.equal(await netmaster.refused('POST', '/plugin/createEndpoint', createBody('x')), 'ADDRESSES_EXHAUSTED')
      await gone(netmaster, 'e')
      await netmaster.ok('DELETE', groupPath('whole'))
    }
    assert.deepEqual(await networkRanges(netmaster, 'n'), ['', available], subnet)
    await netmaster.ok('DELETE', networkPath('n'))
  }
})

scenario('small subnets can be used up, and serve again what was given back', async (netmaster) => {
  for (const [subnet, size] of [
    ['10.1.1.0/27', 30],
    ['10.1.1.0/28', 14],
    ['10.1.1.0/29', 6],
    ['10.1.1.0/30', 2],
    ['10.1.1.0/31', 0],
    ['10.1.1.5-10.1.1.15/27', 11],
  ] as const) {
    await makeNetwork(netmaster, 'n', subnet)
    const [, available] = await networkRanges(netmaster, 'n')
    for (let n = 0; n < size; n++) await create(netmaster, `e${n}`)
    assert.deepEqual(await networkRanges(netmaster, 'n'), [available, ''], subnet)
    assert.equal(await netmaster.refused('POST', '/plugin/createEndpoint', createBody('more')), 'ADDRESSES_EXHAUSTED')
    for (let n = 0; n < size; n++) await gone(netmaster, `e${n}`)
    assert.deepEqual(await networkRanges(netmaster, 'n'), ['', available], subnet)
    await netmaster.ok('DELETE', networkPath('n'))
  }
})

scenario('gateways are never given, and count as allocated', async (netmaster) => {
  await makeNetwork(netmaster, 'n', '60.1.1.0/24', { gateway: '60.1.1.254' })
  assert.deepEqual(await networkRanges(netmaster, 'n'), ['60.1.1.254', '60.1.1.1-60.1.1.253'])
  for (const id of ['a', 'b']) await create(netmaster, id)
  assert.deepEqual(await networkRanges(netmaster, 'n'), ['60.1.1.1-60.1.1.2, 60.1.1.254', '60.1.1.3-60.1.1.253'])
  for (const id of ['a', 'b']) await gone(netmaster, id)
  await makeNetwork(netmaster, 'first', '60.2.1.0/30', { gateway: '60.2.1.1' })
  assert.equal((await create(netmaster, 'c', inNetwork('first'))).ipv4, '60.2.1.2')
  assert.equal(
    await netmaster.refused('POST', '/plugin/createEndpoint', createBody('d', inNetwork('first'), '60.2.1.1')),
    'ADDRESS_IN_USE',
  )
  assert.equal(await release(netmaster, '60.2.1.1', { NetworkID: 'first.default' }), false)
  assert.deepEqual(await networkRanges(netmaster, 'first'), ['60.2.1.1-60.2.1.2', ''])
})

scenario('endpoints come and go again and again with the same addresses', async (netmaster) => {
  await makeNetwork(netmaster, 'n', '10.1.1.0/24')
  for (let round = 0; round < 3; round++) {
    assert.equal((await create(netmaster, 'a')).ipv4, '10.1.1.1')
    assert.equal((await create(netmaster, 'b', {}, '10.1.1.5')).ipv4, '10.1.1.5')
    assert.deepEqual(await networkRanges(netmaster, 'n'), [
      '10.1.1.1, 10.1.1.5',
      '10.1.1.2-10.1.1.4, 10.1.1.6-10.1.1.254',
    ])
    for (const id of ['a', 'b']) await gone(netmaster, id)
    assert.deepEqual(await networkRanges(netmaster, 'n'), ['', '10.1.1.1-10.1.1.254'])
  }
})

scenario('requested addresses are checked, and a refused one changes nothing', async (netmaster) => {
  await makeNetwork(netmaster, 'n', '10.1.1.0/24', { gateway: '10.1.1.254' })
  await makeNetwork(netmaster, 'part', '10.1.2.5-10.1.2.15/24', { gateway: '10.1.2.254' })
  await makeGroup(netmaster, 'g', 'n', '10.1.1.10-10.1.1.20')
  await create(netmaster, 'a', {}, '10.1.1.7')
  await alloc(netmaster, { PreferredIPv4Address: '10.1.1.8', Node: 'node2' })
  const refusals: readonly (readonly [ip: string, more: object, code: string])[] = [
    ['10.1.1.7', {}, 'ADDRESS_IN_USE'],
    ['10.1.1.8', {}, 'ADDRESS_IN_USE'],
    ['10.1.1.254', {}, 'ADDRESS_IN_USE'],
    ['10.1.1.0', {}, 'ADDRESS_OUTSIDE_SUBNET'],
    ['10.1.1.255', {}, 'ADDRESS_OUTSIDE_SUBNET'],
    ['10.9.1.1', {}, 'ADDRESS_OUTSIDE_SUBNET'],
    ['10.1.1.15', {}, 'ADDRESS_IN_POOL'],
    ['10.1.1.21', { ServiceName: 'g' }, 'ADDRESS_OUTSIDE_POOL'],
    ['10.1.2.4', inNetwork('part'), 'ADDRESS_OUTSIDE_SUBNET'],
    ['10.1.2.16', inNetwork('part'), 'ADDRESS_OUTSIDE_SUBNET'],
    ['10.1.1.300', {}, 'INVALID_BODY'],
  ]
  const before = await Promise.all(['n', 'part'].map((name) => networkRanges(netmaster, name)))
  for (const [ip, more, code] of refusals) {
    assert.equal(await netmaster.refused('POST', '/plugin/createEndpoint', createBody('x', more, ip)), code, ip)
  }
  assert.deepEqual(await Promise.all(['n', 'part'].map((name) => networkRanges(netmaster, name))), before)
})

scenario('many at the same time get the lowest addresses, each one of them once, and all return', async (netmaster) => {
  await makeNetwork(netmaster, 'n', '10.1.1.0/24')
  const ids = Array.from({ length: 100 }, (_, n) => `e${n}`)
  for (let round = 0; round < 2; round++) {
    const made = await Promise.all(ids.map((id, n) => create(netmaster, id, { Node: `node${n % 3}` })))
    assert.equal(new Set(made.map(({ ipv4 }) => ipv4)).size, ids.length)
    assert.deepEqual(await networkRanges(netmaster, 'n'), ['10.1.1.1-10.1.1.100', '10.1.1.101-10.1.1.254'])
    await Promise.all(
      made.map(({ endpointId, node }) =>
        netmaster.ok('POST', '/plugin/deleteEndpoint', { EndpointID: endpointId, Node: node, ReleaseAddresses: true }),
      ),
    )
    assert.deepEqual(await networkRanges(netmaster, 'n'), ['', '10.1.1.1-10.1.1.254'])
  }
})

scenario('pools of groups begin at their start; wrong pools and changes of pools are refused', async (netmaster) => {
  await makeNetwork(netmaster, 'n', '10.3.1.0/24')
  const pools = { a: '10.3.1.10-10.3.1.20', b: '10.3.1.40-10.3.1.42', c: '10.3.1.110-10.3.1.120' }
  for (const [name, pool] of Object.entries(pools)) {
    await makeGroup(netmaster, name, 'n', pool)
    assert.equal((await create(netmaster, name, inGroup('n', name))).ipv4, pool.split('-')[0])
  }
  const pooled = (ipPool: string) => group('wrong', 'n', { ipPool })
  await play(netmaster, [
    ['POST', groupPath('wrong'), pooled('10.3.1.0-10.3.1.20'), 'POOL_OUTSIDE_SUBNET'],
    ['POST', groupPath('wrong'), pooled('10.3.1.254-10.3.1.255'), 'POOL_OUTSIDE_SUBNET'],
    ['POST', groupPath('wrong'), pooled('10.3.1.110-10.3.1.320'), 'INVALID_IP_POOL'],
    ['POST', groupPath('wrong'), pooled('10.3.2.0-10.3.2.20'), 'POOL_OUTSIDE_SUBNET'],
    ['POST', groupPath('wrong'), pooled('10.3.2.0/24'), 'INVALID_IP_POOL'],
    ['POST', groupPath('wrong'), pooled('10.3.1.20-10.3.1.10'), 'INVALID_IP_POOL'],
    ['POST', groupPath('wrong'), pooled('2001:db8::1-2001:db8::9'), 'INVALID_IP_POOL'],
    ['POST', groupPath('wrong'), pooled('10.3.1.42-10.3.1.50'), 'POOL_IN_USE'],
    ['POST', groupPath('a'), group('a', 'n', { ipPool: '10.3.1.10-10.3.1.21' }), 'GROUP_POOL_FIXED'],
    ['POST', groupPath('a'), group('a', 'n'), 'GROUP_POOL_FIXED'],
    ['POST', groupPath('a'), group('a', 'n', { ipPool: 'nonsense' }), 'GROUP_POOL_FIXED'],
    ['GET', groupPath('wrong'), undefined, 'ENDPOINT_GROUP_NOT_FOUND'],
  ])
  assert.deepEqual(await networkRanges(netmaster, 'n'), [
    '10.3.1.10-10.3.1.20, 10.3.1.40-10.3.1.42, 10.3.1.110-10.3.1.120',
    '10.3.1.1-10.3.1.9, 10.3.1.21-10.3.1.39, 10.3.1.43-10.3.1.109, 10.3.1.121-10.3.1.254',
  ])
  await makeGroup(netmaster, 'one', 'n', '10.3.1.200')
  assert.equal((await create(netmaster, 'only', inGroup('n', 'one'))).ipv4, '10.3.1.200')
  assert.equal(
    await netmaster.refused('POST', '/plugin/createEndpoint', createBody('second', inGroup('n', 'one'))),
    'ADDRESSES_EXHAUSTED',
  )
})

scenario(
  'groups with and without pools share a network; each that goes gives its addresses back',
  async (netmaster) => {
    await makeNetwork(netmaster, 'n', '10.2.2.0/24')
    const pools = ['10.2.2.5-10.2.2.10', '10.2.2.11-10.2.2.30', '10.2.2.31-10.2.2.132', '10.2.2.133-10.2.2.180']
    for (const [index, pool] of pools.entries()) await makeGroup(netmaster, `p${index}`, 'n', pool)
    for (const name of ['plain1', 'plain2']) await makeGroup(netmaster, name, 'n')
    assert.equal((await create(netmaster, 'a', inGroup('n', 'plain1'))).ipv4, '10.2.2.1')
    const afterOne = ['10.2.2.1, 10.2.2.5-10.2.2.180', '10.2.2.2-10.2.2.4, 10.2.2.181-10.2.2.254']
    assert.deepEqual(await networkRanges(netmaster, 'n'), afterOne)
    assert.equal((await create(netmaster, 'b', inGroup('n', 'p0'))).ipv4, '10.2.2.5')
    assert.deepEqual(await groupRanges(netmaster, 'p0'), ['10.2.2.5', '10.2.2.6-10.2.2.10'])
    assert.deepEqual(await networkRanges(netmaster, 'n'), afterOne)
    assert.equal((await create(netmaster, 'c', inGroup('n', 'plain2'))).ipv4, '10.2.2.2')
    assert.equal(await alloc(netmaster, { NetworkID: 'n:p1.default' }), '10.2.2.11/24')
    assert.equal(await netmaster.refused('DELETE', groupPath('p0')), 'GROUP_HAS_ENDPOINTS')
    for (const id of ['a', 'b', 'c']) await gone(netmaster, id)
    assert.equal(await release(netmaster, '10.2.2.11'), true)
    const steps: readonly (readonly [name: string, allocated: string, available: string])[] = [
      ['p0', '10.2.2.11-10.2.2.180', '10.2.2.1-10.2.2.10, 10.2.2.181-10.2.2.254'],
      ['p1', '10.2.2.31-10.2.2.180', '10.2.2.1-10.2.2.30, 10.2.2.181-10.2.2.254'],
      ['p2', '10.2.2.133-10.2.2.180', '10.2.2.1-10.2.2.132, 10.2.2.181-10.2.2.254'],
      ['plain1', '10.2.2.133-10.2.2.180', '10.2.2.1-10.2.2.132, 10.2.2.181-10.2.2.254'],
      ['p3', '', '10.2.2.1-10.2.2.254'],
      ['plain2', '', '10.2.2.1-10.2.2.254'],
    ]
    for (const [name, ...expected] of steps) {
      await netmaster.ok('DELETE', groupPath(name))
      assert.deepEqual(await networkRanges(netmaster, 'n'), expected, name)
    }
  },
)

scenario('inspection counts endpoints by network, group and tenant', async (netmaster) => {
  await makeNetwork(netmaster, 'n', '10.1.1.0/24', { encap: 'vlan' })
  for (const name of ['g1', 'g2']) await makeGroup(netmaster, name, 'n')
  const oper = async (path: string) => {
    const { Oper } = (await netmaster.ok('GET', `/api/v1/inspect/${path}/`)) as { Oper: Record<string, unknown> }
    return Oper
  }
  const totals = async () => {
    const { totalNetworks, totalEPGs, totalEndpoints = 0 } = await oper('tenants/default')
    return [totalNetworks, totalEPGs, totalEndpoints]
  }
  assert.deepEqual(await totals(), [1, 2, 0])
  await create(netmaster, 'a', inGroup('n', 'g1'))
  await create(netmaster, 'b', inGroup('n', 'g1'))
  await create(netmaster, 'c', inGroup('n', 'g2'))
  assert.deepEqual(await totals(), [1, 2, 3])
  const g1 = await oper('endpointGroups/default:g1')
  assert.deepEqual([g1.pktTag, g1.externalPktTag, g1.numEndpoints], [1, 1, 2])
  const n = await oper('networks/default:n')
  assert.deepEqual([n.pktTag, n.numEndpoints, n.allocatedAddressesCount, n.networkTag], [1, 3, 3, 'n.default'])
  for (const id of ['a', 'b', 'c']) await gone(netmaster, id)
  assert.deepEqual(await totals(), [1, 2, 0])
})

scenario('IPv6 addresses count up from the start of their subnet, beside IPv4', async (netmaster) => {
  await makeNetwork(netmaster, 'n', '10.1.1.0/24', { ipv6Subnet: '2001:db8::/126', ipv6Gateway: '2001:db8::1' })
  const made = await create(netmaster, 'a')
  assert.deepEqual([made.ipv4, made.ipv6], ['10.1.1.1', '2001:db8::2'])
  const refused = (body: object) => netmaster.refused('POST', '/plugin/createEndpoint', body)
  assert.equal(await refused(createBody('b')), 'ADDRESSES_EXHAUSTED')
  assert.equal(await refused(createBody('b', { ConfigEP: { IPv6Address: '2001:db8::2' } })), 'ADDRESS_IN_USE')
  assert.deepEqual(await networkRanges(netmaster, 'n'), ['10.1.1.1', '10.1.1.2-10.1.1.254'], 'nothing is left behind')
  await gone(netmaster, 'a')
  assert.equal((await create(netmaster, 'b')).ipv6, '2001:db8::2')
})
