// Intents through REST: what documents make, keep, change and refuse.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { EndpointState, IntentAnswer, NetworkState } from '../model/intent-answer.ts'
import { startTestNetmaster, type TestNetmaster } from './testing.ts'

interface Steps {
  readonly netmaster: TestNetmaster
  /** Loads a document; answers `action key` of each change. */
  load(path: string, document: unknown): Promise<string[]>
  answer(path: string, document: unknown): Promise<IntentAnswer>
  /** The code of a refusal, which must have changed nothing. */
  refused(path: string, document: unknown): Promise<string>
  /** `id address host` of every endpoint. */
  endpoints(): Promise<string[]>
  /** `id kind tag subnet gateway` of every network. */
  networks(): Promise<string[]>
}

function story(title: string, body: (steps: Steps) => Promise<void>): void {
  test(title, async () => {
    const netmaster = await startTestNetmaster()
    // The types are those of the routes; their content is what the stories check.
    const answer = async (path: string, document: unknown) =>
      (await netmaster.ok('POST', path, document)) as IntentAnswer
    const endpoints = async () => {
      const states = (await netmaster.ok('GET', '/endpoints')) as EndpointState[]
      return states.map(({ endpointID, ipAddress, homingHost }) => `${endpointID} ${ipAddress} ${homingHost}`.trimEnd())
    }
    const networks = async () => {
      const states = (await netmaster.ok('GET', '/networks')) as NetworkState[]
      return states.map(({ id, pktTagType, pktTag, subnetIP, subnetLen, gateway }) =>
        `${id} ${pktTagType} ${pktTag} ${subnetIP}/${subnetLen} ${gateway}`.trimEnd(),
      )
    }
    try {
      await body({
        netmaster,
        answer,
        load: async (path, document) =>
          (await answer(path, document)).changes.map(({ action, key }) => `${action} ${key}`),
        refused: async (path, document) => {
          const before = [...(await endpoints()), ...(await networks())]
          const code = await netmaster.refused('POST', path, document)
          assert.deepEqual([...(await endpoints()), ...(await networks())], before)
          return code
        },
        endpoints,
        networks,
      })
    } finally {
      await netmaster.stop()
    }
  })
}

const on = (...containers: readonly (string | object)[]) =>
  containers.map((each) => (typeof each === 'string' ? { Container: each } : each))
const net = (Name: string, Endpoints: readonly object[] = [], more: object = {}) => ({ Name, ...more, Endpoints })
const blue = (Networks: readonly object[], more: object = {}) => ({
  Tenants: [{ Name: 'blue', DefaultNetType: 'vlan', SubnetPool: '11.1.0.0/16', Vlans: '11-28', ...more, Networks }],
})
const two = blue([net('orange', on('web', 'db')), net('purple', on('mail'))])
const none = { Tenants: [] }

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
