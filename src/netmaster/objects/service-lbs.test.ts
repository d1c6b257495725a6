// Load balanced services: what is refused, where their addresses come from, and who names them.

import assert from 'node:assert/strict'
import type { TestNetmaster } from '../testing.ts'
import { alloc, create, createBody, ranges, remove } from '../testing-nodes.ts'
import { group, groupPath, network, networkPath, play, scenario } from './testing.ts'

const path = '/api/v1/serviceLBs/default:web/'
const service = (more: object = {}) => ({
  tenantName: 'default',
  serviceName: 'web',
  networkName: 'n',
  selectors: ['tier=front'],
  ports: ['80:8080:TCP'],
  ...more,
})
const stored = (more: object = {}, networkName = 'n') => ({
  key: 'default:web',
  ...service({ networkName, ...more }),
  links: { Network: { type: 'network', key: `default:${networkName}` }, Tenant: { type: 'tenant', key: 'default' } },
})
const vipOf = async (netmaster: TestNetmaster, key = 'default:web') => {
  const { Oper } = (await netmaster.ok('GET', `/api/v1/inspect/serviceLBs/${key}/`)) as { Oper: { serviceVip: string } }
  return Oper.serviceVip
}
const makeNetwork = (netmaster: TestNetmaster, name: string, subnet: string, more: object = {}) =>
  netmaster.ok('POST', networkPath(name), network(name, subnet, more))

scenario('a service is checked, made, linked from both sides, inspected and deleted', async (netmaster) => {
  await makeNetwork(netmaster, 'n', '60.1.1.0/24', { gateway: '60.1.1.254' })
  const refusals: readonly (readonly [more: object, code: string])[] = [
    [{ tenantName: 'nope' }, 'KEY_MISMATCH'],
    [{ key: 'default:other' }, 'KEY_MISMATCH'],
    [{ networkName: 'nope' }, 'NETWORK_NOT_FOUND'],
    [{ networkName: '' }, 'INVALID_BODY'],
    [{ serviceName: 'bad!name' }, 'INVALID_BODY'],
    [{ serviceName: 'x'.repeat(257) }, 'INVALID_BODY'],
    [{ ipAddress: '60.1.1' }, 'INVALID_BODY'],
    [{ ipAddress: '60.1.2.1' }, 'ADDRESS_OUTSIDE_SUBNET'],
    [{ ipAddress: '60.1.1.0' }, 'ADDRESS_OUTSIDE_SUBNET'],
    [{ ipAddress: '60.1.1.254' }, 'ADDRESS_IN_USE'],
    [{ selectors: [] }, 'SELECTORS_MISSING'],
    [{ selectors: 'tier=front' }, 'INVALID_BODY'],
    [{ selectors: ['tier'] }, 'INVALID_SELECTOR'],
    [{ selectors: ['=front'] }, 'INVALID_SELECTOR'],
    [{ selectors: ['tier=front=1'] }, 'INVALID_SELECTOR'],
    [{ selectors: ['a=b', ' c=d'] }, 'INVALID_SELECTOR'],
    [{ selectors: ['a=b', 'a=c'] }, 'SELECTORS_CONTRADICT'],
    [{ ports: [] }, 'PORTS_MISSING'],
    [{ ports: undefined }, 'PORTS_MISSING'],
    [{ ports: [80] }, 'INVALID_BODY'],
    [{ ports: ['80'] }, 'INVALID_SERVICE_PORT'],
    [{ ports: ['80:8080'] }, 'INVALID_SERVICE_PORT'],
    [{ ports: ['80:8080:'] }, 'INVALID_SERVICE_PORT'],
    [{ ports: ['::TCP'] }, 'INVALID_SERVICE_PORT'],
    [{ ports: ['80:8080:TCP:1'] }, 'INVALID_SERVICE_PORT'],
    [{ ports: ['80:8080:SCTP'] }, 'NO_SCTP_SERVICES'],
    [{ ipAddress: '2001:db8::1' }, 'INVALID_BODY'],
    [{ ports: ['0:8080:TCP'] }, 'INVALID_SERVICE_PORT'],
    [{ ports: ['80:65536:TCP'] }, 'INVALID_SERVICE_PORT'],
    [{ ports: ['-80:8080:TCP'] }, 'INVALID_SERVICE_PORT'],
    [{ ports: ['80:8080:TCP', '80:9090:tcp'] }, 'SERVICE_PORT_TWICE'],
    [{ affinity: 'cookie' }, 'INVALID_BODY'],
    [{ probe: 'tcp:1ms' }, 'INVALID_BODY'],
    [{ probe: 'tcp', ports: ['53:53:UDP'] }, 'PROBE_WITHOUT_TCP'],
  ]
  for (const [more, code] of refusals) {
    assert.equal(await netmaster.refused('POST', path, service(more)), code, JSON.stringify(more))
  }
  assert.deepEqual(await ranges(netmaster), ['60.1.1.254', '60.1.1.1-60.1.1.253'])
  const linked = async () => {
    const { 'link-sets': sets } = (await netmaster.ok('GET', networkPath('n'))) as { 'link-sets': object }
    return sets
  }
  const ports = ['80:8080:TCP', '80:8080:udp', '65535:1:Tcp']
  const other = '/api/v1/serviceLBs/nope:web/'
  await play(netmaster, [
    ['GET', '/api/v1/serviceLBs/', undefined, []],
    ['POST', other, service({ tenantName: 'nope' }), 'TENANT_NOT_FOUND'],
    ['POST', path, service({ ports }), stored({ ports })],
    ['GET', '/api/v1/serviceLBs/', undefined, [stored({ ports })]],
    ['GET', path, undefined, stored({ ports })],
    [
      'GET',
      `/api/v1/inspect/serviceLBs/default:web/`,
      undefined,
      { Config: stored({ ports }), Oper: { numProviders: 0, serviceVip: '60.1.1.1' } },
    ],
  ])
  assert.deepEqual(await linked(), { Servicelbs: { 'default:web': { type: 'serviceLB', key: 'default:web' } } })
  await play(netmaster, [
    ['DELETE', path, undefined, 'default:web'],
    ['DELETE', path, undefined, 'SERVICE_NOT_FOUND'],
    ['GET', path, undefined, 'SERVICE_NOT_FOUND'],
    ['GET', '/api/v1/inspect/serviceLBs/default:web/', undefined, 'SERVICE_NOT_FOUND'],
  ])
  assert.deepEqual(await linked(), {})
  assert.deepEqual(await ranges(netmaster), ['60.1.1.254', '60.1.1.1-60.1.1.253'])
})

scenario('its address is one of the network, which nobody else gets and which comes back', async (netmaster) => {
  await makeNetwork(netmaster, 'n', '60.1.1.0/24', { gateway: '60.1.1.254' })
  await netmaster.ok('POST', groupPath('g'), group('g', 'n', { ipPool: '60.1.1.2-60.1.1.5' }))
  await create(netmaster, 'a')
  await netmaster.ok('POST', path, service())
  assert.equal(await vipOf(netmaster), '60.1.1.6', 'the pool of a group is not for services')
  assert.equal((await create(netmaster, 'b')).ipv4, '60.1.1.7')
  await alloc(netmaster, { PreferredIPv4Address: '60.1.1.9' })
  const second = (more: object) =>
    netmaster.refused('POST', '/api/v1/serviceLBs/default:second/', service({ serviceName: 'second', ...more }))
  assert.equal(await second({ ipAddress: '60.1.1.6' }), 'ADDRESS_IN_USE')
  assert.equal(await second({ ipAddress: '60.1.1.7' }), 'ADDRESS_IN_USE')
  assert.equal(await second({ ipAddress: '60.1.1.9' }), 'ADDRESS_IN_USE')
  assert.equal(await second({ ipAddress: '60.1.1.4' }), 'ADDRESS_IN_POOL')
  const { status, body } = await netmaster.request('POST', '/plugin/createEndpoint', createBody('c', {}, '60.1.1.6'))
  assert.deepEqual([status, (body as { code: string }).code], [409, 'ADDRESS_IN_USE'])
  assert.match((body as { message: string }).message, /service default:web/)
  await netmaster.ok('POST', '/plugin/releaseAddress', { NetworkID: 'n.default', IPv4Address: '60.1.1.6' })
  assert.equal(await vipOf(netmaster), '60.1.1.6', 'only the service gives its address back')
  assert.deepEqual(await ranges(netmaster), [
    '60.1.1.1-60.1.1.7, 60.1.1.9, 60.1.1.254',
    '60.1.1.8, 60.1.1.10-60.1.1.253',
  ])
  await netmaster.ok('DELETE', path)
  assert.equal((await create(netmaster, 'c', {}, '60.1.1.6')).ipv4, '60.1.1.6')
})

scenario('an update keeps the address, unless another one or another network is asked for', async (netmaster) => {
  await makeNetwork(netmaster, 'n', '60.1.1.0/24')
  await makeNetwork(netmaster, 'm', '60.2.1.0/24')
  await netmaster.ok('POST', path, service({ ipAddress: '60.1.1.9' }))
  await create(netmaster, 'e')
  const rangesOf = (name: string) => ranges(netmaster, `networks/default:${name}`)
  const steps: readonly (readonly [more: object, vip: string])[] = [
    [{ ipAddress: '60.1.1.9' }, '60.1.1.9'],
    [{ selectors: ['tier=back', 'zone=1'], ports: ['81:8080:TCP'] }, '60.1.1.9'],
    [{ ipAddress: '60.1.1.20' }, '60.1.1.20'],
    [{}, '60.1.1.20'],
    [{ networkName: 'm' }, '60.2.1.1'],
    [{ networkName: 'm', ipAddress: '60.2.1.5' }, '60.2.1.5'],
    [{ networkName: 'n' }, '60.1.1.2'],
  ]
  for (const [more, vip] of steps) {
    const { networkName } = { networkName: 'n', ...more }
    assert.deepEqual(await netmaster.ok('POST', path, service(more)), stored(more, networkName))
    assert.equal(await vipOf(netmaster), vip, JSON.stringify(more))
    const [taken] = await rangesOf(networkName)
    assert.ok(taken.endsWith(vip) || taken.includes('-'), taken)
  }
  assert.deepEqual(
    [await rangesOf('m'), await rangesOf('n')],
    [
      ['', '60.2.1.1-60.2.1.254'],
      ['60.1.1.1-60.1.1.2', '60.1.1.3-60.1.1.254'],
    ],
  )
  await play(netmaster, [
    ['POST', path, service({ ipAddress: '60.1.1.1' }), 'ADDRESS_IN_USE'],
    ['POST', path, service({ networkName: 'm', ipAddress: '60.1.1.2' }), 'ADDRESS_OUTSIDE_SUBNET'],
    ['POST', path, service({ ports: [] }), 'PORTS_MISSING'],
    ['GET', path, undefined, stored()],
  ])
  assert.equal(await vipOf(netmaster), '60.1.1.2')
})

scenario('a service that finds no address is not made', async (netmaster) => {
  await makeNetwork(netmaster, 'n', '60.1.1.0/30')
  for (const id of ['a', 'b']) await create(netmaster, id)
  assert.equal(await netmaster.refused('POST', path, service()), 'ADDRESSES_EXHAUSTED')
  assert.equal(await netmaster.refused('GET', path), 'SERVICE_NOT_FOUND')
  await remove(netmaster, 'b', { ReleaseAddresses: true })
  await netmaster.ok('POST', path, service())
  assert.equal(await vipOf(netmaster), '60.1.1.2')
})

scenario('a network keeps the addresses of its services when it changes', async (netmaster) => {
  await makeNetwork(netmaster, 'n', '60.1.1.0/24')
  await netmaster.ok('POST', path, service({ ipAddress: '60.1.1.9' }))
  await play(netmaster, [
    ['POST', networkPath('n'), network('n', '60.1.1.1-60.1.1.8/24'), 'ADDRESS_LEFT_OUT'],
    ['POST', networkPath('n'), network('n', '60.1.2.0/24'), 'ADDRESS_LEFT_OUT'],
    ['POST', networkPath('n'), network('n', '60.1.1.0/24', { gateway: '60.1.1.9' }), 'ADDRESS_LEFT_OUT'],
  ])
  await netmaster.ok('POST', networkPath('n'), network('n', '60.1.0.0/22', { gateway: '60.1.0.1' }))
  assert.deepEqual(await ranges(netmaster), ['60.1.0.1, 60.1.1.9', '60.1.0.2-60.1.1.8, 60.1.1.10-60.1.3.254'])
})

scenario('twenty services at the same time have twenty addresses', async (netmaster) => {
  await makeNetwork(netmaster, 'n', '60.1.1.0/24')
  const names = Array.from({ length: 20 }, (_, n) => `s${n}`)
  await Promise.all(
    names.map((serviceName) =>
      netmaster.ok('POST', `/api/v1/serviceLBs/default:${serviceName}/`, service({ serviceName })),
    ),
  )
  const vips = await Promise.all(names.map((name) => vipOf(netmaster, `default:${name}`)))
  assert.equal(new Set(vips).size, 20)
  assert.deepEqual(await ranges(netmaster), ['60.1.1.1-60.1.1.20', '60.1.1.21-60.1.1.254'])
})

scenario('its providers are containers with its labels, whichever was there first', async (netmaster) => {
  await makeNetwork(netmaster, 'n', '60.1.1.0/24')
  const label = (EndpointID: string, Labels: Readonly<Record<string, string>>) =>
    netmaster.ok('POST', '/plugin/updateEndpoint', {
      EndpointID,
      Event: 'start',
      ContainerID: `c-${EndpointID}`,
      Labels,
    })
  const providers = async () => {
    const inspected = await netmaster.ok('GET', '/api/v1/inspect/serviceLBs/default:web/')
    const { Oper } = inspected as { Oper: { numProviders: number; providers?: { endpointID: string }[] } }
    return [Oper.numProviders, ...(Oper.providers ?? []).map(({ endpointID }) => endpointID)]
  }
  await create(netmaster, 'before')
  await label('before', { tier: 'front', zone: '1' })
  await netmaster.ok('POST', path, service())
  assert.deepEqual(await providers(), [1, 'before'])
  for (const id of ['other', 'after']) await create(netmaster, id)
  assert.deepEqual(await providers(), [1, 'before'])
  await label('other', { tier: 'back' })
  await label('after', { tier: 'front' })
  assert.deepEqual(await providers(), [2, 'before', 'after'])
  await netmaster.ok('POST', path, service({ selectors: ['tier=front', 'zone=1'], affinity: 'client' }))
  assert.deepEqual(await providers(), [1, 'before'])
  await remove(netmaster, 'before', {})
  assert.deepEqual(await providers(), [0])
})

scenario('who is on a lost host is no provider until it is heard again', async (netmaster) => {
  await makeNetwork(netmaster, 'n', '60.1.1.0/24')
  await create(netmaster, 'a', { ContainerID: 'c', Labels: { tier: 'front' } })
  await netmaster.ok('POST', path, service())
  const providers = async (more: object) => {
    const value = { node: 'node1', controlAddress: '', vtep: '192.0.2.1', bootId: '', version: '', ...more }
    const records = [{ kind: 'node' as const, key: 'node1', value }]
    await netmaster.netmaster.cluster.transact(() => ({ records, grants: [], result: undefined }))
    const { Oper } = (await netmaster.ok('GET', '/api/v1/inspect/serviceLBs/default:web/')) as {
      Oper: { numProviders: number; failing?: readonly { endpointID: string }[] }
    }
    return [Oper.numProviders, Oper.failing?.map(({ endpointID }) => endpointID)]
  }
  assert.deepEqual(await providers({}), [1, undefined])
  assert.deepEqual(await providers({ lost: 1 }), [0, ['a']])
  assert.deepEqual(await providers({}), [1, undefined])
})

scenario('a probe is kept in full, and who does not answer is no provider', async (netmaster) => {
  await makeNetwork(netmaster, 'n', '60.1.1.0/24')
  const silent = async (ports: readonly number[]) => {
    await netmaster.ok('POST', '/plugin/updateEndpoint', { EndpointID: 'a', SilentPorts: ports })
    const { Config, Oper } = (await netmaster.ok('GET', '/api/v1/inspect/serviceLBs/default:web/')) as {
      Config: { probe?: string }
      Oper: { numProviders: number; failing?: readonly { endpointID: string }[] }
    }
    return [Config.probe, Oper.numProviders, Oper.failing?.map(({ endpointID }) => endpointID)]
  }
  await create(netmaster, 'a', { ContainerID: 'c', Labels: { tier: 'front' } })
  await netmaster.ok('POST', path, service({ probe: 'tcp:5s' }))
  assert.deepEqual(await silent([]), ['tcp:5s:1s:3', 1, undefined])
  assert.deepEqual(await silent([9090, 8080]), ['tcp:5s:1s:3', 0, ['a']])
  await netmaster.ok('POST', path, service())
  assert.deepEqual(await silent([8080]), [undefined, 1, undefined])
  assert.equal(
    await netmaster.refused('POST', '/plugin/updateEndpoint', { EndpointID: 'a', SilentPorts: [0] }),
    'INVALID_BODY',
  )
})
