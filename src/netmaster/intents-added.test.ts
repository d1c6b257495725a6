// Documents that add, delete and bind, and what is kept beside networks and endpoints.

import assert from 'node:assert/strict'
import type { IntentAnswer } from '../model/intent-answer.ts'
import { startTestNetmaster } from './testing.ts'
import { blue, net, none, on, story, two } from './testing-intents.ts'

story('endpoints may be added to a network that a user made, and only they go again', async (steps) => {
  const { netmaster, load, refused, endpoints, networks } = steps
  const own = { tenantName: 'default', networkName: 'own', subnet: '10.9.0.0/24', encap: 'vxlan' }
  await netmaster.ok('POST', '/api/v1/networks/default:own/', own)
  const document = (more: object) => ({ Tenants: [{ Name: 'default', Networks: [net('own', on('web'), more)] }] })
  assert.equal(await refused('/add-config', document({ SubnetCIDR: '10.8.0.0/24' })), 'INTENT_DIFFERS')
  assert.deepEqual(await load('/add-config', document({})), ['added own.default-web'])
  assert.deepEqual(await endpoints(), ['own.default-web 10.9.0.1'])
  const answer = await steps.answer('/del-config', document({}))
  assert.deepEqual(
    answer.kept.map(({ key }) => key),
    ['default:own'],
  )
  assert.deepEqual([await endpoints(), (await networks()).length], [[], 1])
})

story('adding adds, and refuses what is there and differs', async ({ load, refused }) => {
  await load('/desired-config', two)
  assert.deepEqual(await load('/add-config', blue([net('orange', on('cache'))])), ['added orange.blue-cache'])
  assert.equal(await refused('/add-config', blue([net('orange', [], { PktTag: 20 })])), 'INTENT_DIFFERS')
  assert.equal(await refused('/add-config', blue([net('orange')], { SubnetPool: '12.0.0.0/16' })), 'INTENT_DIFFERS')
  assert.equal(await refused('/add-config', blue([net('orange', [{ Container: 'web', Host: 'h' }])])), 'INTENT_DIFFERS')
  assert.deepEqual(await load('/add-config', blue([net('red', on('new'))], { Vlans: undefined })), [
    'added blue:red',
    'added red.blue-new',
  ])
})

story('deleting takes endpoints, then networks left empty, then tenants listed without networks', async (steps) => {
  const { load, answer, refused, endpoints, networks } = steps
  await load('/desired-config', two)
  const part = await answer('/del-config', blue([net('orange', on('web', 'unknown'))]))
  assert.deepEqual(
    part.changes.map(({ key }) => key),
    ['orange.blue-web'],
  )
  assert.deepEqual(part.kept, [{ kind: 'network', key: 'blue:orange', why: 'an endpoint is left on it' }])
  assert.equal(await refused('/del-config', { Tenants: [{ Name: 'blue' }] }), 'TENANT_HAS_NETWORKS')
  assert.deepEqual(await load('/del-config', blue([net('orange', on('db')), net('purple', on('mail'))])), [
    'removed orange.blue-db',
    'removed purple.blue-mail',
    'removed blue:orange',
    'removed blue:purple',
  ])
  assert.deepEqual(await load('/del-config', { Tenants: [{ Name: 'blue' }] }), ['removed blue'])
  assert.deepEqual([await endpoints(), await networks()], [[], []])
  assert.deepEqual(await load('/del-config', two), [], 'what is not there is no error')
})

story('hosts are bound later, and stay bound when the document is loaded again', async (steps) => {
  const { load, refused, endpoints } = steps
  await load('/desired-config', two)
  assert.equal(
    await refused('/host-bindings-config', [{ Container: 'nobody', Host: 'host1' }]),
    'CONTAINER_NOT_IN_INTENT',
  )
  assert.deepEqual(await load('/host-bindings-config', [{ Container: 'db', Host: 'host1' }]), [
    'changed orange.blue-db',
  ])
  assert.deepEqual(await load('/host-bindings-config', { HostBindings: [{ Container: 'db', Host: 'host1' }] }), [])
  assert.deepEqual(await load('/desired-config', two), [])
  assert.equal((await endpoints())[0], 'orange.blue-db 11.1.0.2 host1')
  const bound = { ...two, HostBindings: [{ Container: 'web', Host: 'host2' }] }
  assert.deepEqual(await load('/desired-config', bound), ['changed orange.blue-web'])
  const stranger = { ...two, HostBindings: [{ Container: 'nobody', Host: 'host2' }] }
  assert.equal(await refused('/desired-config', stranger), 'CONTAINER_NOT_IN_INTENT')
})

story('a service name puts an endpoint into the group of that name', async ({ netmaster, load, answer, endpoints }) => {
  const document = blue([net('orange', [{ Container: 'web', ServiceName: 'front' }])])
  assert.match((await answer('/desired-config', document)).notes.join(), /ServiceName front .* names no endpoint group/)
  const group = { tenantName: 'blue', groupName: 'front', networkName: 'orange', ipPool: '11.1.0.50-11.1.0.60' }
  await netmaster.ok('POST', '/api/v1/endpointGroups/blue:front/', group)
  assert.deepEqual(await load('/desired-config', document), ['changed orange.blue-web'])
  assert.deepEqual(await endpoints(), ['orange.blue-web 11.1.0.50'])
})

story('hosts and infra networks are kept, and the tags in them given to nobody', async (steps) => {
  const { load, answer, refused, networks } = steps
  const document = {
    ...blue([net('orange')]),
    Hosts: [{ Name: 'host1', Intf: 'eth2' }],
    InfraNetworks: [{ Name: 'carrier', PktTagType: 'vlan', PktTag: '11' }],
  }
  const first = await answer('/desired-config', document)
  assert.match(first.notes.join('\n'), /Hosts is kept for information.*\nInfraNetworks is kept for information/)
  assert.deepEqual(await networks(), ['orange.blue vlan 12 11.1.0.0/24 11.1.0.254'])
  assert.deepEqual(await load('/desired-config', document), [])
  assert.equal(await refused('/add-config', blue([net('red', [], { PktTag: 11 })])), 'TAG_IN_USE')
  const other = { Tenants: [], InfraNetworks: [{ Name: 'carrier', PktTagType: 'vlan', PktTag: 13 }] }
  assert.equal(await refused('/add-config', other), 'INTENT_DIFFERS')
  assert.deepEqual(await load('/desired-config', blue([net('orange')])), ['removed host1', 'removed carrier'])
  await load('/add-config', blue([net('red', [], { PktTag: 11 })]))
})

story('a restart knows which objects are those of intents', async ({ netmaster, load }) => {
  await load('/desired-config', two)
  const again = await startTestNetmaster({ store: netmaster.store })
  assert.deepEqual(((await again.ok('POST', '/desired-config', two)) as IntentAnswer).changes, [])
  await again.ok('POST', '/desired-config', none)
  assert.deepEqual(await again.ok('GET', '/networks'), [])
})

story('tags of a tenant need not be in the range of the cluster, whose settings stay free to change', async (steps) => {
  const { netmaster, load, networks } = steps
  await load('/desired-config', blue([net('orange')], { DefaultNetType: 'vxlan', Vxlans: '10001-14000' }))
  assert.deepEqual(await networks(), ['orange.blue vxlan 10001 11.1.0.0/24 11.1.0.254'])
  const settings = {
    name: 'global',
    arpMode: 'flood',
    fwdMode: 'routing',
    pvtSubnet: '172.19.0.0/16',
    vxlans: '5-9000',
  }
  await netmaster.ok('POST', '/api/v1/globals/global/', settings)
})

story('pools of a tenant are shown with what is in use of them', async ({ netmaster, load }) => {
  await load('/desired-config', two)
  const values = async (kind: string) =>
    Reflect.get(Object(await netmaster.ok('GET', `/resource/${kind}/blue`)), 'values')
  assert.deepEqual(await values('vlan-rsrc'), { VLANs: '11-28', freeVLANs: '13-28' })
  assert.deepEqual(await values('vxlan-rsrc'), { VXLANs: '1-10000', freeVXLANs: '1-10000' })
  assert.deepEqual(await values('subnet-rsrc'), {
    SubnetPool: '11.1.0.0/16',
    AllocSubnetLen: 24,
    usedSubnets: '11.1.0.0/24, 11.1.1.0/24',
  })
  assert.equal(await netmaster.refused('GET', '/resource/nothing/blue'), 'UNKNOWN_RESOURCE')
  assert.equal(await netmaster.refused('GET', '/resource/global/nobody'), 'TENANT_NOT_FOUND')
})
