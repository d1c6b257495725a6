// Endpoint groups.

import assert from 'node:assert/strict'
import { group, groupPath, network, networkPath, play, scenario, tenantLink, x64 } from './testing.ts'

scenario('groups: made in a network, policies must exist, network and pool stay', async (netmaster) => {
  const rendered = (name: string, more: object = {}) => ({
    key: `default:${name}`,
    groupName: name,
    networkName: 'n1',
    tenantName: 'default',
    'link-sets': {},
    links: { AppProfile: {}, NetProfile: {}, Network: { type: 'network', key: 'default:n1' }, ...tenantLink },
    ...more,
  })
  await netmaster.ok('POST', networkPath('n1'), network('n1', '10.1.1.0/24', { gateway: '10.1.1.254' }))
  await netmaster.ok('POST', networkPath('n2'), network('n2', '10.1.2.0/24', { encap: 'vlan', pktTag: 20 }))
  const pool = (ipPool: string) => ({ ipPool })
  await play(netmaster, [
    ['GET', '/api/v1/endpointGroups/', undefined, []],
    ['POST', groupPath('g1'), group('g1', 'n1'), rendered('g1')],
    ['POST', groupPath('g1'), group('g1', 'n1'), rendered('g1')],
    ['POST', groupPath('g1'), group('g1', 'n2'), 'GROUP_NETWORK_FIXED'],
    ['POST', groupPath('g2'), group('g2', 'nope'), 'NETWORK_NOT_FOUND'],
    ['POST', groupPath('g1', 'nope'), group('g1', 'n1', { tenantName: 'nope' }), 'TENANT_NOT_FOUND'],
    ['POST', groupPath('n1'), group('n1', 'n1'), 'NAME_IN_USE'],
    ['POST', groupPath('n2'), group('n2', 'n1'), 'NAME_IN_USE'],
    ['POST', networkPath('g1'), network('g1', '10.1.9.0/24'), 'NAME_IN_USE'],
    ['POST', groupPath('bad!name'), group('bad!name', 'n1'), 'INVALID_BODY'],
    ['POST', groupPath(`${x64}g`), group(`${x64}g`, 'n1'), 'INVALID_BODY'],
    ['POST', groupPath('a.b'), group('a.b', 'n1'), rendered('a.b')],
    ['POST', groupPath('gtag'), group('gtag', 'n1', { cfgdTag: 'mytag' }), rendered('gtag', { cfgdTag: 'mytag' })],
    ['POST', groupPath('gtag2'), group('gtag2', 'n1', { cfgdTag: 'bad!tag' }), 'INVALID_BODY'],
    [
      'POST',
      groupPath('gpool'),
      group('gpool', 'n1', pool('10.1.1.10-10.1.1.20')),
      rendered('gpool', pool('10.1.1.10-10.1.1.20')),
    ],
    ['POST', groupPath('g3'), group('g3', 'n1', pool('10.1.1.15-10.1.1.25')), 'POOL_IN_USE'],
    ['POST', groupPath('g3'), group('g3', 'n1', pool('10.2.1.10-10.2.1.20')), 'POOL_OUTSIDE_SUBNET'],
    ['POST', groupPath('g4'), group('g4', 'n1', pool('10.1.1.30')), rendered('g4', pool('10.1.1.30'))],
    ['POST', groupPath('g5'), group('g5', 'n1', pool('10.1.1.50-10.1.1.40')), 'INVALID_IP_POOL'],
    ['POST', groupPath('g6'), group('g6', 'n1', pool('junk')), 'INVALID_IP_POOL'],
    ['POST', groupPath('g7'), group('g7', 'n1', pool('10.1.1.250-10.1.1.255')), 'POOL_OUTSIDE_SUBNET'],
    ['POST', groupPath('g7'), group('g7', 'n1', pool('10.1.1.250-10.1.1.254')), 'POOL_IN_USE'],
    ['POST', groupPath('g8'), group('g8', 'n1', pool('fd00::1-fd00::9')), 'INVALID_IP_POOL'],
    ['POST', groupPath('gpool'), group('gpool', 'n1', pool('10.1.1.10-10.1.1.21')), 'GROUP_POOL_FIXED'],
    ['POST', groupPath('gpool'), group('gpool', 'n1'), 'GROUP_POOL_FIXED'],
    ['POST', groupPath('gp'), group('gp', 'n1', { policies: ['p1'] }), 'POLICY_NOT_FOUND'],
    ['POST', groupPath('gp'), group('gp', 'n1', { netProfile: 'x' }), 'NETPROFILE_NOT_FOUND'],
    [
      'GET',
      '/api/v1/inspect/endpointGroups/default:gpool/',
      undefined,
      {
        Config: rendered('gpool', pool('10.1.1.10-10.1.1.20')),
        Oper: { availableIPAddresses: '10.1.1.10-10.1.1.20', externalPktTag: 1, groupTag: 'gpool.default', pktTag: 1 },
      },
    ],
    [
      'GET',
      '/api/v1/inspect/endpointGroups/default:gtag/',
      undefined,
      {
        Config: rendered('gtag', { cfgdTag: 'mytag' }),
        Oper: { externalPktTag: 1, groupTag: 'mytag', pktTag: 1 },
      },
    ],
    ['DELETE', networkPath('n1'), undefined, 'NETWORK_HAS_GROUPS'],
    ['DELETE', '/api/v1/tenants/default/', undefined, 'TENANT_HAS_GROUPS'],
    ['DELETE', groupPath('nope'), undefined, 'ENDPOINT_GROUP_NOT_FOUND'],
    ['DELETE', groupPath('g4'), undefined, 'default:g4'],
  ])
  const inspected = await netmaster.ok('GET', '/api/v1/inspect/networks/default:n1/')
  const groups = ['a.b', 'g1', 'gpool', 'gtag'].map((name) => `default:${name}`)
  assert.deepEqual(inspected, {
    Config: {
      key: 'default:n1',
      encap: 'vxlan',
      gateway: '10.1.1.254',
      nat: 'on',
      networkName: 'n1',
      nwType: 'data',
      subnet: '10.1.1.0/24',
      tenantName: 'default',
      'link-sets': { EndpointGroups: Object.fromEntries(groups.map((key) => [key, { type: 'endpointGroup', key }])) },
      links: tenantLink,
    },
    Oper: {
      allocatedIPAddresses: '10.1.1.10-10.1.1.20, 10.1.1.254',
      availableIPAddresses: '10.1.1.1-10.1.1.9, 10.1.1.21-10.1.1.253',
      externalPktTag: 1,
      networkTag: 'n1.default',
      pktTag: 1,
    },
  })
})
