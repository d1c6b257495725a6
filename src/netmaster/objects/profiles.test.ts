// Network profiles, external contracts and app profiles, and the groups that use them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseBandwidth } from '../../model/netprofile.ts'
import type { TestNetmaster } from '../testing.ts'
import {
  assertRefused,
  group,
  groupPath,
  inDefault,
  network,
  networkPath,
  objectPath,
  play,
  type Refusal,
  scenario,
  tenantLink,
} from './testing.ts'

const profilePath = (name: string) => objectPath('netprofiles', name)
const profile = (profileName: string, more: object = {}) => inDefault({ profileName, ...more })
const contractsPath = (name: string) => objectPath('extContractsGroups', name)
const contracts = (contractsGroupName: string, contractsType: string, list: readonly string[] = []) =>
  inDefault({ contractsGroupName, contractsType, contracts: list })
const appPath = (name: string) => objectPath('appProfiles', name)
const app = (appProfileName: string, endpointGroups: readonly string[]) => inDefault({ appProfileName, endpointGroups })
const groupSet = (...names: string[]) => ({
  EndpointGroups: Object.fromEntries(
    names.map((name) => [`default:${name}`, { type: 'endpointGroup', key: `default:${name}` }]),
  ),
})
const shownGroup = (name: string, more: object, sets: object, links: object = {}) => ({
  ...group(name, 'n', more),
  key: `default:${name}`,
  'link-sets': sets,
  links: { AppProfile: {}, NetProfile: {}, Network: { type: 'network', key: 'default:n' }, ...tenantLink, ...links },
})

async function furnish(netmaster: TestNetmaster): Promise<void> {
  await netmaster.ok('POST', networkPath('n'), network('n', '10.1.1.0/24'))
  for (const name of ['g', 'h']) await netmaster.ok('POST', groupPath(name), group(name, 'n'))
}

scenario('a network profile is kept, linked to its groups, and may change under them', async (netmaster) => {
  await furnish(netmaster)
  const shown = (more: object, ...groups: string[]) => ({
    key: 'default:gold',
    ...profile('gold', more),
    'link-sets': groups.length === 0 ? {} : groupSet(...groups),
    links: tenantLink,
  })
  const netProfile = 'gold'
  const link = { NetProfile: { type: 'netprofile', key: 'default:gold' } }
  const more = { bandwidth: '10 Mbps', DSCP: 10, burst: 2 }
  await play(netmaster, [
    ['GET', '/api/v1/netprofiles/', undefined, []],
    ['POST', profilePath('gold'), profile('gold'), shown({})],
    ['POST', profilePath('gold'), profile('gold', more), shown(more)],
    ['POST', groupPath('g'), group('g', 'n', { netProfile }), shownGroup('g', { netProfile }, {}, link)],
    ['GET', profilePath('gold'), undefined, shown(more, 'g')],
    ['POST', profilePath('gold'), profile('gold', { DSCP: 63, burst: 10486 }), shown({ DSCP: 63, burst: 10486 }, 'g')],
    ['GET', '/api/v1/inspect/netprofiles/default:gold/', undefined, { Config: shown({ DSCP: 63, burst: 10486 }, 'g') }],
  ])
  const bad = (more: object, code = 'INVALID_BODY'): Refusal => [
    'POST',
    profilePath('x'),
    profile('x', more),
    400,
    code,
  ]
  await assertRefused(netmaster, [
    bad({ burst: 1 }, 'BURST_TOO_SMALL'),
    bad({ burst: 10_487 }),
    bad({ burst: -1 }),
    bad({ DSCP: 64 }),
    bad({ DSCP: -1 }),
    bad({ bandwidth: '0 Gbps' }),
    bad({ bandwidth: `${'1'.repeat(61)}Gbps` }),
    bad({ tenantName: 'nope' }, 'KEY_MISMATCH'),
    ['POST', '/api/v1/netprofiles/nope:x/', profile('x', { tenantName: 'nope' }), 404, 'TENANT_NOT_FOUND'],
    ['POST', profilePath('gold'), profile('gold', { burst: 1 }), 400, 'BURST_TOO_SMALL'],
    ['POST', groupPath('h'), group('h', 'n', { netProfile: 'nope' }), 404, 'NETPROFILE_NOT_FOUND'],
    ['DELETE', profilePath('gold'), undefined, 409, 'NETPROFILE_IN_USE'],
    ['DELETE', profilePath('nope'), undefined, 404, 'NETPROFILE_NOT_FOUND'],
  ])
  await play(netmaster, [
    ['POST', groupPath('g'), group('g', 'n'), shownGroup('g', {}, {})],
    ['DELETE', profilePath('gold'), undefined, 'default:gold'],
  ])
})

test('a bandwidth is a number and a unit', () => {
  const table: readonly (readonly [text: string, kbps: number | undefined])[] = [
    ['10 Mbps', 10_485],
    ['10Mbps', 10_485],
    ['6Mbps', 6_291],
    ['5Gb', 5_368_709],
    ['4G', 4_294_967],
    ['100kbps', 102],
    ['1 KBPS', undefined],
    ['1 Kbps', 1],
    ['7 mb', 7_340],
    ['3g', 3_221_225],
    ['0 Gbps', undefined],
    [' 10 Gbps', undefined],
    ['10  Gbps', undefined],
    ['10 Gbps ', undefined],
    ['10 ms', undefined],
    ['Gbps', undefined],
    ['10', undefined],
    ['010 Mbps', undefined],
    ['-1 Mbps', undefined],
    ['1.5 Mbps', undefined],
    ['99999999999 Gbps', undefined],
    ['', undefined],
  ]
  for (const [text, kbps] of table) assert.equal(parseBandwidth(text), kbps, text)
})

scenario('external contracts have a type, which stays while groups have them', async (netmaster) => {
  await furnish(netmaster)
  const shown = (contractsType: string, list: readonly string[], sets: object = {}) => ({
    key: 'default:web',
    ...inDefault({ contractsGroupName: 'web', contractsType, ...(list.length > 0 && { contracts: list }) }),
    'link-sets': sets,
  })
  const extContractsGrps = ['web']
  const set = { ExtContractsGrps: { 'default:web': { type: 'extContractsGroup', key: 'default:web' } } }
  await play(netmaster, [
    [
      'POST',
      contractsPath('web'),
      contracts('web', 'provided', ['uni/a', 'uni/b', 'uni/a']),
      shown('provided', ['uni/a', 'uni/b']),
    ],
    ['POST', contractsPath('web'), contracts('web', 'consumed'), shown('consumed', [])],
    ['POST', groupPath('g'), group('g', 'n', { extContractsGrps }), shownGroup('g', { extContractsGrps }, set)],
    [
      'POST',
      contractsPath('web'),
      contracts('web', 'consumed', ['uni/c']),
      shown('consumed', ['uni/c'], groupSet('g')),
    ],
    [
      'GET',
      '/api/v1/inspect/extContractsGroups/default:web/',
      undefined,
      { Config: shown('consumed', ['uni/c'], groupSet('g')) },
    ],
  ])
  await assertRefused(netmaster, [
    ['POST', contractsPath('x'), contracts('x', 'other'), 400, 'CONTRACTS_TYPE_UNKNOWN'],
    ['POST', contractsPath('x'), inDefault({ contractsGroupName: 'x' }), 400, 'CONTRACTS_TYPE_UNKNOWN'],
    ['POST', contractsPath('x'), contracts('x', 'provided', ['']), 400, 'INVALID_BODY'],
    ['POST', contractsPath('web'), contracts('web', 'provided'), 409, 'CONTRACTS_TYPE_FIXED'],
    [
      'POST',
      '/api/v1/extContractsGroups/nope:x/',
      { ...contracts('x', 'provided'), tenantName: 'nope' },
      404,
      'TENANT_NOT_FOUND',
    ],
    [
      'POST',
      groupPath('h'),
      group('h', 'n', { extContractsGrps: ['nope'] }),
      404,
      'EXTERNAL_CONTRACTS_GROUP_NOT_FOUND',
    ],
    ['DELETE', contractsPath('web'), undefined, 409, 'CONTRACTS_IN_USE'],
    ['DELETE', contractsPath('nope'), undefined, 404, 'EXTERNAL_CONTRACTS_GROUP_NOT_FOUND'],
  ])
  await play(netmaster, [
    ['POST', groupPath('g'), group('g', 'n'), shownGroup('g', {}, {})],
    ['DELETE', contractsPath('web'), undefined, 'default:web'],
  ])
})

scenario('an app profile names groups that are there, and keeps them', async (netmaster) => {
  await furnish(netmaster)
  const shown = (...groups: string[]) => ({
    key: 'default:shop',
    ...inDefault({ appProfileName: 'shop', ...(groups.length > 0 && { endpointGroups: groups }) }),
    'link-sets': groups.length > 0 ? groupSet(...groups) : {},
    links: tenantLink,
  })
  const link = { AppProfile: { type: 'appProfile', key: 'default:shop' } }
  await play(netmaster, [
    ['POST', appPath('shop'), app('shop', []), shown()],
    ['POST', appPath('shop'), app('shop', ['g', 'h']), shown('g', 'h')],
    ['GET', groupPath('g'), undefined, shownGroup('g', {}, {}, link)],
    ['POST', appPath('shop'), app('shop', ['h']), shown('h')],
    ['GET', groupPath('g'), undefined, shownGroup('g', {}, {})],
    ['GET', '/api/v1/inspect/appProfiles/default:shop/', undefined, { Config: shown('h') }],
  ])
  await assertRefused(netmaster, [
    ['POST', appPath('shop'), app('shop', ['h', 'nope']), 404, 'ENDPOINT_GROUP_NOT_FOUND'],
    ['POST', '/api/v1/appProfiles/nope:x/', { ...app('x', []), tenantName: 'nope' }, 404, 'TENANT_NOT_FOUND'],
    ['POST', appPath('bad!name'), app('bad!name', []), 400, 'INVALID_BODY'],
    ['DELETE', groupPath('h'), undefined, 409, 'GROUP_IN_APP_PROFILE'],
    ['DELETE', appPath('nope'), undefined, 404, 'APP_PROFILE_NOT_FOUND'],
  ])
  await play(netmaster, [
    ['DELETE', groupPath('g'), undefined, 'default:g'],
    ['DELETE', appPath('shop'), undefined, 'default:shop'],
    ['DELETE', groupPath('h'), undefined, 'default:h'],
  ])
})
