// Endpoints, as nodes make, change and remove them.

import assert from 'node:assert/strict'
import type { EndpointAnswer } from '../model/plugin.ts'
import { alloc, create, createBody, makeGroup, ranges, remove, scenario } from './testing-nodes.ts'

scenario('the first endpoint gets the lowest address, one asked for gets that, and all return', async (netmaster) => {
  assert.equal((await create(netmaster, 'a')).ipv4, '10.1.1.1')
  assert.equal((await create(netmaster, 'b', {}, '10.1.1.5')).ipv4, '10.1.1.5')
  assert.deepEqual(await ranges(netmaster), ['10.1.1.1, 10.1.1.5', '10.1.1.2-10.1.1.4, 10.1.1.6-10.1.1.254'])
  const { Oper } = (await netmaster.ok('GET', '/api/v1/inspect/networks/default:n/')) as {
    Oper: Record<string, unknown>
  }
  assert.deepEqual([Oper.numEndpoints, Oper.allocatedAddressesCount], [2, 2])
  for (const id of ['a', 'b']) await remove(netmaster, id, { ReleaseAddresses: true })
  assert.deepEqual(await ranges(netmaster), ['', '10.1.1.1-10.1.1.254'])
})

scenario('an endpoint has a MAC of its address, its group, its container and its node', async (netmaster) => {
  await makeGroup(netmaster, 'web')
  const more = {
    ServiceName: 'web',
    ContainerID: 'c0ffee',
    EPCommonName: '/web-1',
    Aliases: ['www'],
    Labels: { tier: 'front' },
  }
  assert.deepEqual(await create(netmaster, 'a', more), {
    endpointId: 'a',
    tenantName: 'default',
    networkName: 'n',
    groupName: 'web',
    groupId: 1,
    node: 'node1',
    ipv4: '10.1.1.1',
    ipv6: '',
    mac: '02:02:0a:01:01:01',
    containerId: 'c0ffee',
    containerName: 'web-1',
    aliases: ['www'],
    labels: { tier: 'front' },
  })
  assert.equal((await create(netmaster, 'b', { MacAddress: '02:AA:00:00:00:01' })).mac, '02:aa:00:00:00:01')
})

scenario('the same endpoint again changes nothing; on another node it is refused', async (netmaster) => {
  const first = await create(netmaster, 'a')
  assert.deepEqual(await create(netmaster, 'a', { ContainerName: 'other' }, '10.1.1.77'), first)
  assert.equal(
    await netmaster.refused('POST', '/plugin/createEndpoint', createBody('a', { Node: 'node2' })),
    'ENDPOINT_ELSEWHERE',
  )
  assert.equal(
    await netmaster.refused('POST', '/plugin/deleteEndpoint', { EndpointID: 'a', Node: 'node2' }),
    'ENDPOINT_ELSEWHERE',
  )
  assert.deepEqual(await ranges(netmaster), ['10.1.1.1', '10.1.1.2-10.1.1.254'])
})

scenario('names and labels of a container can be told later, by id or by address', async (netmaster) => {
  await create(netmaster, 'a', { ContainerName: 'old' })
  const update = async (body: object) =>
    ((await netmaster.ok('POST', '/plugin/updateEndpoint', body)) as EndpointAnswer).endpoint
  const named = await update({
    EndpointID: 'a',
    Event: 'start',
    ContainerID: 'c1',
    EPCommonName: '/web',
    Labels: { a: 'b' },
  })
  assert.deepEqual([named?.containerId, named?.containerName, named?.labels], ['c1', 'web', { a: 'b' }])
  const byAddress = await update({ Tenant: 'default', Network: 'n', IPAddress: '10.1.1.1', Aliases: ['www'] })
  assert.deepEqual([byAddress?.containerName, byAddress?.aliases], ['web', ['www']])
  assert.equal(await netmaster.refused('POST', '/plugin/updateEndpoint', { EndpointID: 'nope' }), 'ENDPOINT_NOT_FOUND')
})

scenario('endpoints are inspected by id, container, or a clear part of one', async (netmaster) => {
  await create(netmaster, 'ep-aaaa', { ContainerName: 'web', ContainerID: 'c1c1c1', Labels: { b: '2', a: '1' } })
  await create(netmaster, 'ep-bbbb', { ContainerName: 'web-2', ContainerID: 'd2d2d2' })
  const found = async (key: string) => {
    const { Oper } = (await netmaster.ok('GET', `/api/v1/inspect/endpoints/${key}/`)) as {
      Oper: Record<string, unknown>
    }
    return Oper.endpointID
  }
  assert.deepEqual(await Promise.all(['ep-bbbb', 'web', 'c1c1', 'web-', 'bbb'].map(found)), [
    'ep-bbbb',
    'ep-aaaa',
    'ep-aaaa',
    'ep-bbbb',
    'ep-bbbb',
  ])
  assert.equal(await netmaster.refused('GET', '/api/v1/inspect/endpoints/ep-/'), 'ENDPOINT_AMBIGUOUS')
  assert.equal(await netmaster.refused('GET', '/api/v1/inspect/endpoints/nope/'), 'ENDPOINT_NOT_FOUND')
  assert.deepEqual(await netmaster.ok('GET', '/api/v1/inspect/endpoints/web/'), {
    Config: {},
    Oper: {
      containerID: 'c1c1c1',
      containerName: 'web',
      endpointID: 'ep-aaaa',
      homingHost: 'node1',
      ipAddress: ['10.1.1.1'],
      labels: 'map[a:1 b:2]',
      macAddress: '02:02:0a:01:01:01',
      network: 'n.default',
    },
  })
})

scenario(
  'stale endpoints can be forgotten by network, group or id; reservations do not hold a network back',
  async (netmaster) => {
    await makeGroup(netmaster, 'web')
    for (const id of ['a', 'b']) await create(netmaster, id, { ServiceName: 'web' })
    await create(netmaster, 'c', { ContainerName: 'lonely' })
    const clean = (what: string) => netmaster.ok('DELETE', `/debug/epcleanup/tenant/default/${what}`)
    assert.deepEqual(await clean('ep/lonely'), { removed: ['c'] })
    assert.deepEqual(await clean('group/web'), { removed: ['a', 'b'] })
    assert.deepEqual(await clean('net/n'), { removed: [] })
    assert.equal(await netmaster.refused('DELETE', '/debug/epcleanup/tenant/default/pod/x'), 'CLEAN_KIND')
    await netmaster.ok('DELETE', '/api/v1/endpointGroups/default:web/')
    await alloc(netmaster)
    await netmaster.ok('DELETE', '/api/v1/networks/default:n/')
    await netmaster.ok('POST', '/api/v1/networks/default:n/', {
      networkName: 'n',
      tenantName: 'default',
      subnet: '10.1.1.0/24',
    })
    assert.deepEqual(await ranges(netmaster), ['', '10.1.1.1-10.1.1.254'])
  },
)

scenario('deleting an endpoint that is not there is no error, and says so', async (netmaster) => {
  const answer = (await remove(netmaster, 'nope')) as EndpointAnswer
  assert.deepEqual([answer.EndpointConfig, answer.endpoint], [null, null])
  const made = (await netmaster.ok('POST', '/plugin/createEndpoint', createBody('a'))) as EndpointAnswer
  assert.equal(made.EndpointConfig?.id, 'n.default-a')
  const gone = (await remove(netmaster, 'a')) as EndpointAnswer
  assert.deepEqual([gone.EndpointConfig?.endpointID, gone.endpoint], ['a', null])
  assert.ok(gone.revision > made.revision)
})
