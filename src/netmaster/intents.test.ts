// Desired state through REST: what a document makes, moves and removes, and what it must leave alone.

import assert from 'node:assert/strict'
import type { EndpointState } from '../model/intent-answer.ts'
import { blue, net, none, on, story, two } from './testing-intents.ts'

story(
  'networks get slices and tags of their tenant, the first one a gateway',
  async ({ load, endpoints, networks }) => {
    assert.deepEqual(await load('/desired-config', two), [
      'added blue',
      'added blue:orange',
      'added blue:purple',
      'added orange.blue-web',
      'added orange.blue-db',
      'added purple.blue-mail',
    ])
    assert.deepEqual(await networks(), [
      'orange.blue vlan 11 11.1.0.0/24 11.1.0.254',
      'purple.blue vlan 12 11.1.1.0/24',
    ])
    assert.deepEqual(await endpoints(), [
      'orange.blue-db 11.1.0.2',
      'orange.blue-web 11.1.0.1',
      'purple.blue-mail 11.1.1.1',
    ])
    assert.deepEqual(await load('/desired-config', two), [], 'the same again changes nothing')
    assert.deepEqual(await load('/add-config', two), [])
  },
)

story('what a document leaves out is chosen', async ({ load, networks }) => {
  await load('/desired-config', { Tenants: [{ Name: 'blue', Networks: [{ Name: 'orange' }] }] })
  assert.deepEqual(await networks(), ['orange.blue vxlan 1 10.1.0.0/24 10.1.0.254'])
})

story('a document may say where multicast goes', async ({ load, netmaster }) => {
  const network = (more: object) => ({ Tenants: [{ Name: 'blue', Networks: [{ Name: 'orange', ...more }] }] })
  const multicast = async () =>
    ((await netmaster.ok('GET', '/api/v1/networks/blue:orange/')) as { multicast?: string }).multicast
  await load('/add-config', network({ Multicast: 'Snoop' }))
  assert.equal(await multicast(), 'snoop')
  assert.deepEqual(await load('/desired-config', network({})), [], 'who does not say leaves it')
  assert.equal(await multicast(), 'snoop')
  assert.deepEqual(await load('/desired-config', network({ Multicast: 'flood' })), ['changed blue:orange'])
  assert.equal(await multicast(), 'flood')
  await assert.rejects(load('/add-config', network({ Multicast: 'off' })), /Multicast/)
  await assert.rejects(load('/add-config', network({ Multicast: 'yes' })), /must be snoop or flood or off/)
})

story('what a document does not name goes', async ({ load, endpoints, networks, netmaster }) => {
  await load('/desired-config', two)
  assert.deepEqual(await load('/desired-config', blue([net('orange', on('web'))])), [
    'removed orange.blue-db',
    'removed purple.blue-mail',
    'removed blue:purple',
  ])
  assert.deepEqual(await endpoints(), ['orange.blue-web 11.1.0.1'])
  await load('/desired-config', none)
  assert.deepEqual([await endpoints(), await networks()], [[], []])
  assert.deepEqual(await netmaster.ok('GET', '/api/v1/tenants/'), [
    { key: 'default', tenantName: 'default', 'link-sets': {} },
  ])
})

story('what users made stays, and is in the way of a document that names it', async (steps) => {
  const { netmaster, load, refused, networks } = steps
  await netmaster.ok('POST', '/api/v1/tenants/blue/', { tenantName: 'blue' })
  await netmaster.ok('POST', '/api/v1/networks/blue:own/', {
    tenantName: 'blue',
    networkName: 'own',
    subnet: '11.1.0.0/24',
  })
  assert.equal(await refused('/desired-config', blue([net('own')])), 'NAME_NOT_OF_INTENT')
  assert.deepEqual(await load('/desired-config', two), [
    'changed blue',
    'added blue:orange',
    'added blue:purple',
    'added orange.blue-web',
    'added orange.blue-db',
    'added purple.blue-mail',
  ])
  assert.match((await networks()).join(), /orange\.blue vlan 11 11\.1\.1\.0\/24/, 'its subnet is not given again')
  await load('/desired-config', none)
  assert.deepEqual(await networks(), ['own.blue vxlan 1 11.1.0.0/24'])
  await netmaster.ok('GET', '/api/v1/tenants/blue/')
})

story('an address moves from one endpoint to another in one document', async ({ load, endpoints }) => {
  const fixed = (...pairs: readonly (readonly [string, string?])[]) =>
    blue([
      net(
        'orange',
        pairs.map(([Container, IPAddress]) => (IPAddress === undefined ? { Container } : { Container, IPAddress })),
        { SubnetCIDR: '11.9.0.0/24' },
      ),
    ])
  await load('/desired-config', fixed(['web', '11.9.0.1'], ['db', '11.9.0.2']))
  assert.deepEqual(await load('/desired-config', fixed(['web', '11.9.0.2'], ['db', '11.9.0.1'])), [
    'changed orange.blue-web',
    'changed orange.blue-db',
  ])
  assert.deepEqual(await endpoints(), ['orange.blue-db 11.9.0.1', 'orange.blue-web 11.9.0.2'])
  await load('/desired-config', fixed(['web'], ['db'], ['mail', '11.9.0.2']))
  assert.deepEqual(await endpoints(), [
    'orange.blue-db 11.9.0.1',
    'orange.blue-mail 11.9.0.2',
    'orange.blue-web 11.9.0.3',
  ])
})

story(
  'tags and subnets asked for by number are given to who asks, not to who takes any',
  async ({ load, networks }) => {
    await load('/desired-config', blue([net('orange')]))
    await load(
      '/desired-config',
      blue([net('orange'), net('purple', [], { PktTag: 11 }), net('red', [], { SubnetCIDR: '11.1.0.0/24' })]),
    )
    assert.deepEqual(await networks(), [
      'orange.blue vlan 12 11.1.1.0/24 11.1.1.254',
      'purple.blue vlan 11 11.1.2.0/24',
      'red.blue vlan 13 11.1.0.0/24',
    ])
  },
)

story('a network that is described differently is made anew, its containers stay attached', async (steps) => {
  const { netmaster, load, endpoints, networks } = steps
  await load('/desired-config', blue([net('orange', on('web'))]))
  const claim = { EndpointID: 'orange.blue-web', Node: 'host1', ContainerID: 'c'.repeat(64) }
  await netmaster.ok('POST', '/plugin/createEndpoint', claim)
  await load('/desired-config', blue([net('orange', on('web'), { PktTagType: 'vxlan', SubnetCIDR: '12.1.0.0/24' })]))
  assert.deepEqual(await networks(), ['orange.blue vxlan 1 12.1.0.0/24'])
  assert.deepEqual(await endpoints(), ['orange.blue-web 12.1.0.1 host1'])
  const { containerId } = (await netmaster.ok('GET', '/endpoint/web')) as EndpointState
  assert.equal(containerId, claim.ContainerID)
})

story('containers of a runtime keep their network, and with it the whole document, from going', async (steps) => {
  const { netmaster, load, refused } = steps
  await load('/desired-config', two)
  const body = { EndpointID: 'e1', TenantName: 'blue', NetworkName: 'purple', Node: 'host1' }
  await netmaster.ok('POST', '/plugin/createEndpoint', body)
  assert.equal(await refused('/desired-config', none), 'NETWORK_HAS_ENDPOINTS')
  await netmaster.ok('POST', '/plugin/deleteEndpoint', { EndpointID: 'e1', Node: 'host1', ReleaseAddresses: true })
  await load('/desired-config', none)
})

story('all of a document or nothing', async ({ load, refused }) => {
  await load('/desired-config', two)
  const tooMany = blue([net('a'), net('b'), net('c')], { Vlans: '11-12' })
  assert.equal(await refused('/desired-config', tooMany), 'TAGS_EXHAUSTED')
  assert.equal(
    await refused('/desired-config', blue([net('a'), net('b')], { SubnetPool: '11.2.0.0/24' })),
    'SUBNETS_EXHAUSTED',
  )
  const outside = blue([net('orange', [{ Container: 'web', IPAddress: '11.8.0.1' }], { SubnetCIDR: '11.9.0.0/24' })])
  assert.equal(await refused('/desired-config', outside), 'ADDRESS_OUTSIDE_SUBNET')
  const automatic = blue([net('orange', [{ Container: 'web', IPAddress: '11.1.0.9' }])])
  assert.equal(await refused('/desired-config', automatic), 'ADDRESS_IN_AUTOMATIC_SUBNET')
  assert.equal(await refused('/desired-config', blue([net('a', [], { PktTag: 5000 })])), 'TAG_OUT_OF_RANGE')
  assert.equal(await refused('/desired-config', blue([net('a')], { DefaultNetwork: 'b' })), 'UNKNOWN_DEFAULT_NETWORK')
  const overlap = blue([net('a', [], { SubnetCIDR: '11.9.0.0/24' }), net('b', [], { SubnetCIDR: '11.9.0.0/25' })])
  assert.equal(await refused('/desired-config', overlap), 'SUBNET_OVERLAP')
})

story('tenants may have the same addresses, never the same tags', async ({ load, networks }) => {
  const [tenant] = two.Tenants
  await load('/desired-config', { Tenants: [tenant, { ...tenant, Name: 'green' }] })
  assert.deepEqual(await networks(), [
    'orange.blue vlan 11 11.1.0.0/24 11.1.0.254',
    'purple.blue vlan 12 11.1.1.0/24',
    'orange.green vlan 13 11.1.0.0/24 11.1.0.254',
    'purple.green vlan 14 11.1.1.0/24',
  ])
})
