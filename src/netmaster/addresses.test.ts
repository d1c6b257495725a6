// Addresses, as nodes ask for them.

import assert from 'node:assert/strict'
import { alloc, create, createBody, makeGroup, ranges, release, remove, scenario } from './testing-nodes.ts'

scenario('a second use of an address is refused, and the message names who has it', async (netmaster) => {
  await create(netmaster, 'a', { ContainerName: 'web' }, '10.1.1.9')
  const { status, body } = await netmaster.request('POST', '/plugin/createEndpoint', createBody('b', {}, '10.1.1.9'))
  assert.equal(status, 409)
  const { code, message } = body as { code: string; message: string }
  assert.equal(code, 'ADDRESS_IN_USE')
  assert.match(message, /10\.1\.1\.9 .* web on node1/)
  assert.equal(
    await netmaster.refused('POST', '/plugin/allocAddress', {
      NetworkID: 'n.default',
      PreferredIPv4Address: '10.1.1.9',
    }),
    'ADDRESS_IN_USE',
  )
})

scenario('an address is reserved, taken by an endpoint, reserved again, and released', async (netmaster) => {
  assert.equal(await alloc(netmaster), '10.1.1.1/24')
  assert.equal(await alloc(netmaster), '10.1.1.2/24')
  assert.equal(
    await netmaster.refused('POST', '/plugin/createEndpoint', createBody('x', { Node: 'node2' }, '10.1.1.1')),
    'ADDRESS_IN_USE',
  )
  await create(netmaster, 'a', {}, '10.1.1.1')
  assert.equal(await release(netmaster, '10.1.1.1'), false, 'an endpoint has it')
  assert.equal(await alloc(netmaster), '10.1.1.3/24')
  await remove(netmaster, 'a')
  assert.equal(await alloc(netmaster), '10.1.1.4/24', 'still held for the node')
  assert.equal(await release(netmaster, '10.1.1.1', { Node: 'node2' }), false, 'held for another node')
  assert.equal(await release(netmaster, '10.1.1.1/24'), true)
  assert.equal(await release(netmaster, '10.1.1.1'), false)
  assert.equal(await release(netmaster, '10.9.9.9'), false)
  assert.equal(await release(netmaster, '10.1.1.1', { NetworkID: 'gone.default' }), false)
  assert.equal(await alloc(netmaster), '10.1.1.1/24')
})

scenario('reservations that nobody uses are freed after a minute, addresses of endpoints never', async (netmaster) => {
  await create(netmaster, 'a')
  await alloc(netmaster)
  await netmaster.netmaster.start({ host: '127.0.0.1', port: 0 })
  netmaster.clock.advance(55_000)
  await alloc(netmaster)
  const { revision } = await netmaster.store.snapshot()
  netmaster.clock.advance(10_000)
  for await (const _ of netmaster.store.watch(revision, AbortSignal.timeout(5_000))) break
  // The commit is in the store; the answer to the sweep, and so the view, follows in the same turn.
  await new Promise((resolve) => setImmediate(resolve))
  assert.deepEqual(await ranges(netmaster), ['10.1.1.1, 10.1.1.3', '10.1.1.2, 10.1.1.4-10.1.1.254'])
})

scenario('of two that ask for one address at the same time one gets it', async (netmaster) => {
  const asks = ['a', 'b'].map((id) =>
    netmaster.request('POST', '/plugin/createEndpoint', createBody(id, {}, '10.1.1.7')),
  )
  assert.deepEqual((await Promise.all(asks)).map(({ status }) => status).sort(), [200, 409])
})

scenario(
  'a pool of one address serves one endpoint',
  async (netmaster) => {
    await makeGroup(netmaster, 'one', '10.1.1.30')
    assert.equal((await create(netmaster, 'a', { ServiceName: 'one' })).ipv4, '10.1.1.30')
    assert.equal(
      await netmaster.refused('POST', '/plugin/createEndpoint', createBody('b', { ServiceName: 'one' })),
      'ADDRESSES_EXHAUSTED',
    )
    assert.equal(
      await netmaster.refused('POST', '/plugin/createEndpoint', createBody('b', { ServiceName: 'one' }, '10.1.1.31')),
      'ADDRESS_OUTSIDE_POOL',
    )
    assert.equal(
      await netmaster.refused('POST', '/plugin/createEndpoint', createBody('b', {}, '10.1.1.30')),
      'ADDRESS_IN_POOL',
    )
  },
  '10.1.1.0/24',
)

scenario(
  'a failed create leaves nothing behind',
  async (netmaster) => {
    assert.equal(
      await netmaster.refused(
        'POST',
        '/plugin/createEndpoint',
        createBody('a', { ConfigEP: { IPv6Address: 'fd00::5' } }),
      ),
      'NO_IPV6',
    )
    assert.deepEqual(await ranges(netmaster), ['', '10.1.1.1-10.1.1.2'])
    for (const id of ['b', 'c']) await create(netmaster, id)
    assert.equal(await netmaster.refused('POST', '/plugin/createEndpoint', createBody('d')), 'ADDRESSES_EXHAUSTED')
    assert.equal(
      await netmaster.refused('POST', '/plugin/allocAddress', { NetworkID: 'n.default' }),
      'ADDRESSES_EXHAUSTED',
    )
  },
  '10.1.1.0/30',
)

scenario(
  'a network with IPv6 gives both addresses; each family can be reserved by itself',
  async (netmaster) => {
    assert.deepEqual(
      [(await create(netmaster, 'a')).ipv6, (await create(netmaster, 'b')).ipv6],
      ['fd00:20::2', 'fd00:20::3'],
    )
    assert.equal(await alloc(netmaster, { IPv6: true }), 'fd00:20::4/64')
    assert.equal(await alloc(netmaster, { PreferredIPv6Address: 'FD00:20::99' }), 'fd00:20::99/64')
    const record = await create(netmaster, 'c', { ConfigEP: { IPAddress: '10.1.1.200', IPv6Address: 'fd00:20::99' } })
    assert.deepEqual([record.ipv4, record.ipv6], ['10.1.1.200', 'fd00:20::99'])
    assert.equal(
      await netmaster.refused('POST', '/plugin/allocAddress', {
        NetworkID: 'n.default',
        PreferredIPv6Address: 'fd00:20::1',
      }),
      'ADDRESS_IN_USE',
    )
    assert.equal(await release(netmaster, '', { IPv6Address: 'fd00:20:0::4/64' }), true)
    assert.equal(await alloc(netmaster, { IPv6: true }), 'fd00:20::4/64')
  },
  '10.1.1.0/24',
  { gateway: '10.1.1.254', ipv6Subnet: 'fd00:20::/64', ipv6Gateway: 'fd00:20::1' },
)

scenario('a network is found by id, by names, by its group, and by its pool when that is clear', async (netmaster) => {
  await netmaster.ok('POST', '/api/v1/tenants/blue.org/', { tenantName: 'blue.org' })
  await netmaster.ok('POST', '/api/v1/networks/blue.org:a.b/', {
    networkName: 'a.b',
    tenantName: 'blue.org',
    subnet: '10.1.1.0/24',
  })
  await makeGroup(netmaster, 'web', '10.1.1.50-10.1.1.60')
  assert.equal(await alloc(netmaster, { NetworkID: 'a.b.blue.org' }), '10.1.1.1/24')
  assert.equal(await alloc(netmaster, { NetworkID: '', ServiceName: 'web' }), '10.1.1.50/24')
  assert.equal(await alloc(netmaster, { NetworkID: '', NetworkName: 'n' }), '10.1.1.1/24')
  const refusal = (body: object) => netmaster.refused('POST', '/plugin/allocAddress', body)
  assert.equal(await refusal({ AddressPool: '10.1.1.0/24' }), 'NETWORK_AMBIGUOUS')
  assert.equal(await refusal({ AddressPool: '10.7.1.0/24' }), 'NETWORK_NOT_FOUND')
  assert.equal(await refusal({ NetworkID: 'n' }), 'NETWORK_NOT_FOUND')
  assert.equal(await refusal({}), 'NETWORK_MISSING')
  assert.equal(await refusal({ NetworkID: 'n:nope.default' }), 'NETWORK_NOT_FOUND')
  await netmaster.ok('DELETE', '/api/v1/networks/blue.org:a.b/')
  assert.equal(await alloc(netmaster, { NetworkID: '', AddressPool: '10.1.1.0/24' }), '10.1.1.2/24')
})
