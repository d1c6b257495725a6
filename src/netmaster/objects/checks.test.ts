// Checks of settings, tenants and groups: each refusal by status, code, and an unchanged store. Those of other objects are
// beside them.

import assert from 'node:assert/strict'
import type { TestNetmaster } from '../testing.ts'
import { create, remove } from '../testing-nodes.ts'
import {
  assertRefused,
  globals,
  group,
  groupPath,
  inDefault,
  network,
  networkPath,
  objectPath,
  play,
  type Refusal,
  scenario,
  settings,
  tenantPath,
} from './testing.ts'

const set = (more: object, status: number, code: string): Refusal => [
  'POST',
  globals,
  { ...settings, ...more },
  status,
  code,
]

scenario('settings: what a range may be', async (netmaster) => {
  await assertRefused(netmaster, [
    set({ vlans: '0-10' }, 400, 'INVALID_TAG_RANGE'),
    set({ vlans: '10-5' }, 400, 'INVALID_TAG_RANGE'),
    set({ vlans: '1-4096' }, 400, 'INVALID_TAG_RANGE'),
    set({ vlans: '-5-10' }, 400, 'INVALID_TAG_RANGE'),
    set({ vlans: '1-10,20-30' }, 400, 'TOO_MANY_TAG_RANGES'),
    set({ vxlans: '1-65536' }, 400, 'INVALID_TAG_RANGE'),
    set({ vxlans: '1-10,20-30' }, 400, 'TOO_MANY_TAG_RANGES'),
    set({ vxlans: '1-16001' }, 400, 'TAG_RANGE_TOO_WIDE'),
    set({ fwdMode: 'proxy' }, 400, 'INVALID_BODY'),
    set({ arpMode: 'none' }, 400, 'INVALID_BODY'),
    set({ networkInfraType: 'other' }, 400, 'INVALID_BODY'),
    set({ pvtSubnet: '172.19.0.0/24' }, 400, 'INVALID_BODY'),
  ])
  await netmaster.ok('POST', globals, { ...settings, vxlans: '1-16000', vlans: '4000-4095' })
})

scenario('settings: what networks and BGP speakers rest on stays', async (netmaster) => {
  await netmaster.ok('POST', '/api/v1/Bgps/host1/', {
    hostname: 'host1',
    routerip: '50.1.1.1/24',
    as: '65002',
    'neighbor-as': '500',
    neighbor: '50.1.1.2',
  })
  await assertRefused(netmaster, [
    set({ fwdMode: 'bridge' }, 409, 'BGP_IN_USE'),
    set({ networkInfraType: 'aci' }, 409, 'BGP_IN_USE'),
  ])
  await netmaster.ok('DELETE', '/api/v1/Bgps/host1/')
  await netmaster.ok('POST', networkPath('n'), network('n', '10.1.1.0/24', { pktTag: 500 }))
  await netmaster.ok('POST', networkPath('v'), network('v', '10.1.2.0/24', { encap: 'vlan', pktTag: 50 }))
  await assertRefused(netmaster, [
    set({ fwdMode: 'bridge' }, 409, 'FWD_MODE_IN_USE'),
    set({ networkInfraType: 'aci' }, 409, 'INFRA_TYPE_IN_USE'),
    set({ pvtSubnet: '172.20.0.0/16' }, 409, 'PVT_SUBNET_IN_USE'),
    set({ vlans: '51-60' }, 409, 'VLANS_IN_USE'),
    set({ vlans: '1-49' }, 409, 'VLANS_IN_USE'),
    set({ vxlans: '501-600' }, 409, 'VXLANS_IN_USE'),
    ['DELETE', '/api/v1/globals/nope/', undefined, 404, 'GLOBAL_NOT_FOUND'],
  ])
  const { revision } = await netmaster.store.snapshot()
  await netmaster.ok('POST', globals, settings)
  assert.equal((await netmaster.store.snapshot()).revision, revision, 'the same settings again change nothing')
  await netmaster.ok('POST', globals, { ...settings, vlans: '50-50', vxlans: '500-500', arpMode: 'flood' })
})

/** One of each that lies in a tenant, in the order in which they can be made. */
const content = (tenantName: string): readonly (readonly [plural: string, name: string, body: object])[] => [
  ['volumeProfiles', 'vp', { tenantName, volumeProfileName: 'vp' }],
  ['volumes', 'vol', { tenantName, volumeName: 'vol' }],
  ['extContractsGroups', 'c', { tenantName, contractsGroupName: 'c', contractsType: 'provided' }],
  ['networks', 'n', network('n', '10.1.1.0/24', { tenantName })],
  ['serviceLBs', 's', { tenantName, serviceName: 's', networkName: 'n', selectors: ['a=b'], ports: ['80:8080:TCP'] }],
  ['netprofiles', 'np', { tenantName, profileName: 'np' }],
  ['policys', 'p', { tenantName, policyName: 'p' }],
  ['endpointGroups', 'g', group('g', 'n', { tenantName, policies: ['p'], netProfile: 'np', extContractsGrps: ['c'] })],
  ['appProfiles', 'a', { tenantName, appProfileName: 'a', endpointGroups: ['g'] }],
]

scenario(
  'a tenant goes when nothing is in it, and says what is, in the order in which that can go',
  async (netmaster) => {
    await netmaster.ok('POST', tenantPath('blue'), { tenantName: 'blue' })
    const made = content('blue')
    for (const [plural, name, body] of made) await netmaster.ok('POST', objectPath(plural, name, 'blue'), body)
    const tenant: { 'link-sets': object } = Object(await netmaster.ok('GET', tenantPath('blue')))
    assert.deepEqual(
      Object.entries(tenant['link-sets']).map(([name, links]) => [name, ...Object.keys(links)]),
      [
        ['AppProfiles', 'blue:a'],
        ['EndpointGroups', 'blue:g'],
        ['NetProfiles', 'blue:np'],
        ['Networks', 'blue:n'],
        ['Policies', 'blue:p'],
        ['Servicelbs', 'blue:s'],
        ['VolumeProfiles', 'blue:vp'],
        ['Volumes', 'blue:vol'],
      ],
    )
    const codes = [
      'APP_PROFILES',
      'GROUPS',
      'POLICIES',
      'NETPROFILES',
      'SERVICES',
      'NETWORKS',
      'CONTRACTS',
      'VOLUMES',
      'VOLUME_PROFILES',
    ]
    for (const [index, [plural, name]] of made.toReversed().entries()) {
      await assertRefused(netmaster, [['DELETE', tenantPath('blue'), undefined, 409, `TENANT_HAS_${codes[index]}`]])
      await netmaster.ok('DELETE', objectPath(plural, name, 'blue'))
    }
    await play(netmaster, [
      ['GET', tenantPath('blue'), undefined, { key: 'blue', tenantName: 'blue', 'link-sets': {} }],
      ['DELETE', tenantPath('blue'), undefined, 'blue'],
    ])
  },
)

scenario('a tenant counts what is in it', async (netmaster) => {
  for (const [plural, name, body] of content('default')) await netmaster.ok('POST', objectPath(plural, name), body)
  await netmaster.ok('POST', groupPath('h'), group('h', 'n'))
  const inspect = async (): Promise<Readonly<Record<string, unknown>>> =>
    Object(Object(await netmaster.ok('GET', '/api/v1/inspect/tenants/default/')).Oper)
  const totals = async () => {
    const counted = Object.entries(await inspect()).filter(([name]) => name.startsWith('total'))
    return Object.fromEntries(counted)
  }
  const without = {
    totalAppProfiles: 1,
    totalEPGs: 2,
    totalNetprofiles: 1,
    totalNetworks: 1,
    totalPolicies: 1,
    totalServicelbs: 1,
  }
  assert.deepEqual(await totals(), without)
  for (const id of ['e1', 'e2', 'e3']) await create(netmaster, id, { NetworkName: 'n', ServiceName: 'g' })
  assert.deepEqual(await totals(), { ...without, totalEndpoints: 3 })
  const { endpoints, endpointGroups, networks, policies, servicelbs } = await inspect()
  const lengths = [endpoints, endpointGroups, networks, policies, servicelbs].map((list) => Object(list).length)
  assert.deepEqual(lengths, [3, 2, 1, 1, 1])
  for (const id of ['e1', 'e2', 'e3']) await remove(netmaster, id, { ReleaseAddresses: true })
  assert.deepEqual(await totals(), without)
})

async function furnish(netmaster: TestNetmaster): Promise<void> {
  await netmaster.ok('POST', networkPath('n'), network('n', '10.1.1.0/24', { gateway: '10.1.1.254' }))
  await netmaster.ok('POST', networkPath('m'), network('m', '10.1.2.0/24'))
  await netmaster.ok('POST', groupPath('g'), group('g', 'n', { ipPool: '10.1.1.10-10.1.1.20' }))
}

scenario('groups: what they may be made of, what stays, and what keeps them', async (netmaster) => {
  await furnish(netmaster)
  const make = (more: object, status: number, code: string): Refusal => [
    'POST',
    groupPath('x'),
    group('x', 'n', more),
    status,
    code,
  ]
  const change = (more: object, status: number, code: string): Refusal => [
    'POST',
    groupPath('g'),
    group('g', 'n', { ipPool: '10.1.1.10-10.1.1.20', ...more }),
    status,
    code,
  ]
  await assertRefused(netmaster, [
    ['POST', groupPath('x', 'nope'), group('x', 'n', { tenantName: 'nope' }), 404, 'TENANT_NOT_FOUND'],
    make({ networkName: 'nope' }, 404, 'NETWORK_NOT_FOUND'),
    ['POST', groupPath('m'), group('m', 'n'), 409, 'NAME_IN_USE'],
    ['POST', networkPath('g'), network('g', '10.9.0.0/24'), 409, 'NAME_IN_USE'],
    make({ policies: ['nope'] }, 404, 'POLICY_NOT_FOUND'),
    make({ netProfile: 'nope' }, 404, 'NETPROFILE_NOT_FOUND'),
    make({ extContractsGrps: ['nope'] }, 404, 'EXTERNAL_CONTRACTS_GROUP_NOT_FOUND'),
    make({ ipPool: 'fd00::1-fd00::9' }, 400, 'INVALID_IP_POOL'),
    make({ ipPool: '10.1.1.9-10.1.1.3' }, 400, 'INVALID_IP_POOL'),
    make({ ipPool: '10.1.2.3-10.1.2.9' }, 400, 'POOL_OUTSIDE_SUBNET'),
    make({ ipPool: '10.1.1.0-10.1.1.9' }, 400, 'POOL_OUTSIDE_SUBNET'),
    make({ ipPool: '10.1.1.250-10.1.1.254' }, 409, 'POOL_IN_USE'),
    make({ ipPool: '10.1.1.20-10.1.1.30' }, 409, 'POOL_IN_USE'),
    change({ networkName: 'm' }, 409, 'GROUP_NETWORK_FIXED'),
    change({ ipPool: '10.1.1.10-10.1.1.21' }, 409, 'GROUP_POOL_FIXED'),
    change({ ipPool: '' }, 409, 'GROUP_POOL_FIXED'),
    change({ policies: ['nope'] }, 404, 'POLICY_NOT_FOUND'),
    change({ netProfile: 'nope' }, 404, 'NETPROFILE_NOT_FOUND'),
    change({ extContractsGrps: ['nope'] }, 404, 'EXTERNAL_CONTRACTS_GROUP_NOT_FOUND'),
    ['DELETE', groupPath('nope'), undefined, 404, 'ENDPOINT_GROUP_NOT_FOUND'],
  ])
  await create(netmaster, 'e1', { NetworkName: 'n', ServiceName: 'g' })
  await assertRefused(netmaster, [['DELETE', groupPath('g'), undefined, 409, 'GROUP_HAS_ENDPOINTS']])
  await remove(netmaster, 'e1', { ReleaseAddresses: true })
  await netmaster.ok('DELETE', groupPath('g'))
})

scenario('groups: policies, profile and contracts may change while endpoints run', async (netmaster) => {
  await furnish(netmaster)
  for (const name of ['p', 'q'])
    await netmaster.ok('POST', objectPath('policys', name), inDefault({ policyName: name }))
  await create(netmaster, 'e1', { NetworkName: 'n', ServiceName: 'g' })
  const ipPool = '10.1.1.10-10.1.1.20'
  for (const policies of [['p'], ['p', 'q'], ['q'], []]) {
    const shown = Object(await netmaster.ok('POST', groupPath('g'), group('g', 'n', { ipPool, policies })))
    assert.deepEqual(
      Object.keys(shown['link-sets'].Policies ?? {}),
      policies.map((name) => `default:${name}`),
    )
    for (const name of ['p', 'q']) {
      const policy = Object(await netmaster.ok('GET', objectPath('policys', name)))
      assert.equal('EndpointGroups' in policy['link-sets'], policies.includes(name), `${name} of ${policies}`)
    }
  }
  const { revision } = await netmaster.store.snapshot()
  await netmaster.ok('POST', groupPath('g'), group('g', 'n', { ipPool }))
  assert.equal((await netmaster.store.snapshot()).revision, revision, 'the same group again changes nothing')
})

scenario('groups of an ACI fabric are in VLAN networks', async (netmaster) => {
  await netmaster.ok('POST', globals, { ...settings, networkInfraType: 'aci' })
  await netmaster.ok('POST', networkPath('n'), network('n', '10.1.1.0/24'))
  await netmaster.ok('POST', networkPath('v'), network('v', '10.1.2.0/24', { encap: 'vlan' }))
  await assertRefused(netmaster, [['POST', groupPath('g'), group('g', 'n'), 400, 'GROUP_NEEDS_VLAN']])
  await netmaster.ok('POST', groupPath('g'), group('g', 'v'))
})
