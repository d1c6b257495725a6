// Infra networks at netmaster: what they must keep to, and the endpoints of hosts in them.

import assert from 'node:assert/strict'
import type { EndpointAnswer } from '../../model/plugin.ts'
import type { TestNetmaster } from '../testing.ts'
import { assertRefused, group, groupPath, network, networkPath, play, scenario } from './testing.ts'

const infra = (name: string, subnet: string, more: object = {}) => network(name, subnet, { nwType: 'infra', ...more })

async function claim(netmaster: TestNetmaster, name: string, node: string) {
  const body = {
    TenantName: 'default',
    NetworkName: name,
    EndpointID: `${name}.default@${node}`,
    Node: node,
    ConfigEP: { Container: node, Host: node },
  }
  const { endpoint } = (await netmaster.ok('POST', '/plugin/createEndpoint', body)) as EndpointAnswer
  assert.ok(endpoint)
  return endpoint
}

scenario('a name that no interface can have, or has already, is refused', async (netmaster) => {
  await netmaster.ok('POST', '/api/v1/tenants/blue/', { tenantName: 'blue' })
  await netmaster.ok('POST', networkPath('fifteen-letters'), infra('fifteen-letters', '10.1.1.0/24'))
  const refusals = ['sixteen-letters-', 'np-int', 'np-x', 'lo', 'all', 'default', 'uplinkPort', 'ovs-system']
    .map((name) => (name.endsWith('-') ? `${name}x` : name))
    .map((name) => ['POST', networkPath(name), infra(name, '10.1.2.0/24'), 400, 'INTERFACE_NAME'] as const)
  await assertRefused(netmaster, refusals)
  const twice = infra('fifteen-letters', '10.1.2.0/24', { tenantName: 'blue' })
  await play(netmaster, [['POST', networkPath('fifteen-letters', 'blue'), twice, 'INTERFACE_NAME_IN_USE']])
  await netmaster.ok('POST', networkPath('sixteen-letters-x'), network('sixteen-letters-x', '10.1.2.0/24'))
})

scenario('hosts cannot have two interfaces in one subnet, whoever owns the networks', async (netmaster) => {
  await netmaster.ok('POST', '/api/v1/tenants/blue/', { tenantName: 'blue' })
  const v6 = { ipv6Subnet: 'fd00:1::/64' }
  await netmaster.ok('POST', networkPath('a'), infra('a', '10.1.1.5-10.1.1.9/24', v6))
  for (const [subnet, more] of [
    ['10.1.0.0/16', {}],
    ['10.1.1.128/25', {}],
    ['10.2.0.0/24', { ipv6Subnet: 'fd00::/16' }],
    ['172.19.7.0/24', {}],
    ['172.16.0.0/12', {}],
  ] as const) {
    const other = infra('b', subnet, { tenantName: 'blue', ...more })
    assert.equal(await netmaster.refused('POST', networkPath('b', 'blue'), other), 'SUBNET_OVERLAP', subnet)
  }
  const data = network('b', '10.1.1.0/24', { tenantName: 'blue' })
  await netmaster.ok('POST', networkPath('b', 'blue'), data)
  assert.equal(
    await netmaster.refused('POST', networkPath('b', 'blue'), { ...data, nwType: 'infra' }),
    'SUBNET_OVERLAP',
  )
})

scenario('each host has one endpoint, the same when it asks again, found by its name', async (netmaster) => {
  await netmaster.ok('POST', networkPath('a'), infra('a', '10.1.1.0/24'))
  const first = await claim(netmaster, 'a', 'node1')
  assert.equal(first.origin, 'host')
  assert.deepEqual([first.ipv4, first.mac, first.containerName], ['10.1.1.1', '02:02:0a:01:01:01', 'node1'])
  assert.equal((await claim(netmaster, 'a', 'node2')).ipv4, '10.1.1.2')
  assert.deepEqual(await claim(netmaster, 'a', 'node1'), first)
  const found = (await netmaster.ok('GET', '/api/v1/inspect/endpoints/node2/')) as { Oper: { endpointID: string } }
  assert.equal(found.Oper.endpointID, 'a.default@node2')
})

scenario('an infra network goes with its hosts, but not with a container or a group', async (netmaster) => {
  await netmaster.ok('POST', networkPath('a'), infra('a', '10.1.1.0/24'))
  await claim(netmaster, 'a', 'node1')
  const container = { NetworkName: 'a', EndpointID: 'c1', Node: 'node1' }
  await netmaster.ok('POST', '/plugin/createEndpoint', container)
  assert.equal(await netmaster.refused('DELETE', networkPath('a')), 'NETWORK_HAS_ENDPOINTS')
  await netmaster.ok('POST', '/plugin/deleteEndpoint', { ...container, ReleaseAddresses: true })
  await netmaster.ok('POST', groupPath('g'), group('g', 'a'))
  assert.equal(await netmaster.refused('DELETE', networkPath('a')), 'NETWORK_HAS_GROUPS')
  await netmaster.ok('DELETE', groupPath('g'))
  await netmaster.ok('DELETE', networkPath('a'))
  assert.deepEqual(await netmaster.ok('GET', '/api/v1/endpoints/'), [])
  // Made again it gives out the same addresses: none was kept.
  await netmaster.ok('POST', networkPath('a'), infra('a', '10.1.1.0/24'))
  assert.equal((await claim(netmaster, 'a', 'node2')).ipv4, '10.1.1.1')
})

scenario(
  'what hosts have of a network cannot change under them; it says that it must be made anew',
  async (netmaster) => {
    await netmaster.ok('POST', networkPath('a'), infra('a', '10.1.1.0/24'))
    await claim(netmaster, 'a', 'node1')
    for (const more of [{ subnet: '10.2.0.0/24' }, { nwType: 'data' }, { gateway: '10.1.1.254' }]) {
      const { status, body } = await netmaster.request('POST', networkPath('a'), {
        ...infra('a', '10.1.1.0/24'),
        ...more,
      })
      assert.equal(status, 409)
      assert.match(JSON.stringify(body), /NETWORK_FIXED.*make it anew|make it anew.*NETWORK_FIXED/)
    }
  },
)

scenario('a network of another type, or a full one, has no place for a host', async (netmaster) => {
  await netmaster.ok('POST', networkPath('a'), network('a', '10.1.1.0/24'))
  const body = { NetworkName: 'a', EndpointID: 'a.default@node1', Node: 'node1' }
  assert.equal(await netmaster.refused('POST', '/plugin/createEndpoint', body), 'NOT_INFRA')
  await netmaster.ok('POST', networkPath('b'), infra('b', '10.1.2.0/30'))
  await claim(netmaster, 'b', 'node1')
  await claim(netmaster, 'b', 'node2')
  const third = { NetworkName: 'b', EndpointID: 'b.default@node3', Node: 'node3' }
  assert.match(await netmaster.refused('POST', '/plugin/createEndpoint', third), /EXHAUSTED/)
})
