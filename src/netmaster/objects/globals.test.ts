// The settings of the cluster.

import { globals, network, networkPath, play, scenario, settings, tenantLink } from './testing.ts'

scenario('global settings are read, checked and written whole', async (netmaster) => {
  const { key, ...withoutKey } = settings
  await play(netmaster, [
    ['GET', '/api/v1/globals/', undefined, [settings]],
    ['GET', globals, undefined, settings],
    ['GET', '/api/v1/globals/nope/', undefined, 'GLOBAL_NOT_FOUND'],
    ['GET', '/api/v1/inspect/globals/global/', undefined, { Config: settings, Oper: { clusterMode: 'docker' } }],
    ['POST', globals, settings, settings],
    ['POST', globals, { ...settings, vlans: '100-200' }, { ...settings, vlans: '100-200' }],
    [
      'POST',
      globals,
      { ...settings, vlans: '100-200', vxlans: '5000-6000' },
      { ...settings, vlans: '100-200', vxlans: '5000-6000' },
    ],
    ['POST', globals, { ...settings, vlans: '1-5000' }, 'INVALID_TAG_RANGE'],
    ['POST', globals, { ...settings, vlans: '200-100' }, 'INVALID_TAG_RANGE'],
    ['POST', globals, { ...settings, vlans: 'abc' }, 'INVALID_TAG_RANGE'],
    ['POST', globals, { ...settings, vlans: '0-10' }, 'INVALID_TAG_RANGE'],
    ['POST', globals, { ...settings, vxlans: '10-1' }, 'INVALID_TAG_RANGE'],
    ['POST', globals, { ...settings, vxlans: '1-20000000' }, 'INVALID_TAG_RANGE'],
    ['POST', globals, { ...settings, vxlans: '5-100000' }, 'INVALID_TAG_RANGE'],
    ['POST', globals, { ...settings, vxlans: '1-10,20-30' }, 'TOO_MANY_TAG_RANGES'],
    ['POST', globals, { ...settings, vxlans: '1-16001' }, 'TAG_RANGE_TOO_WIDE'],
    ['POST', globals, { ...settings, fwdMode: 'bridge' }, { ...settings, fwdMode: 'bridge' }],
    ['POST', globals, { ...settings, fwdMode: 'bogus' }, 'INVALID_BODY'],
    ['POST', globals, { ...settings, fwdMode: '' }, { ...settings, fwdMode: 'bridge' }],
    ['POST', globals, settings, settings],
    ['POST', globals, { ...settings, arpMode: 'flood' }, { ...settings, arpMode: 'flood' }],
    ['POST', globals, { ...settings, arpMode: 'bogus' }, 'INVALID_BODY'],
    ['POST', globals, { ...settings, pvtSubnet: '172.30.0.0/16' }, { ...settings, pvtSubnet: '172.30.0.0/16' }],
    ['POST', globals, { ...settings, pvtSubnet: '172.30.0.0/24' }, 'INVALID_BODY'],
    ['POST', globals, { ...settings, pvtSubnet: '300.1.0.0/16' }, 'INVALID_BODY'],
    ['POST', globals, { ...settings, networkInfraType: 'aci' }, { ...settings, networkInfraType: 'aci' }],
    ['POST', globals, { ...settings, networkInfraType: 'bogus' }, 'INVALID_BODY'],
    ['POST', globals, withoutKey, settings],
    ['PUT', globals, settings, settings],
    ['POST', globals, { key: 'global', name: 'global' }, 'INVALID_BODY'],
    ['POST', '/api/v1/globals/other/', { ...settings, key: 'other', name: 'other' }, 'INVALID_BODY'],
    ['POST', '/api/v1/globals/other/', withoutKey, 'KEY_MISMATCH'],
    ['POST', globals, { ...settings, arpMode: 'flood' }, { ...settings, arpMode: 'flood' }],
    ['DELETE', globals, undefined, 'global'],
    ['GET', '/api/v1/globals/', undefined, []],
    ['GET', globals, undefined, 'GLOBAL_NOT_FOUND'],
    ['DELETE', globals, undefined, 'GLOBAL_NOT_FOUND'],
    ['POST', networkPath('n'), network('n', '10.1.1.0/24'), 'GLOBAL_NOT_READY'],
    ['POST', globals, { ...settings, fwdMode: '' }, settings],
    ['DELETE', globals, undefined, 'global'],
  ])
})

scenario(
  'what networks rest on cannot change while they exist; ranges cannot shrink under what is in use',
  async (netmaster) => {
    await play(netmaster, [
      [
        'POST',
        networkPath('v10'),
        network('v10', '10.1.1.0/24', { encap: 'vlan', pktTag: 10 }),
        {
          key: 'default:v10',
          encap: 'vlan',
          networkName: 'v10',
          nwType: 'data',
          pktTag: 10,
          subnet: '10.1.1.0/24',
          tenantName: 'default',
          'link-sets': {},
          links: tenantLink,
        },
      ],
      [
        'POST',
        networkPath('x1'),
        network('x1', '10.1.2.0/24'),
        {
          key: 'default:x1',
          encap: 'vxlan',
          networkName: 'x1',
          nwType: 'data',
          subnet: '10.1.2.0/24',
          tenantName: 'default',
          'link-sets': {},
          links: tenantLink,
        },
      ],
      [
        'GET',
        '/api/v1/inspect/globals/global/',
        undefined,
        {
          Config: settings,
          Oper: { clusterMode: 'docker', numNetworks: 2, vlansInUse: '10', vxlansInUse: '1' },
        },
      ],
      ['POST', globals, { ...settings, fwdMode: 'bridge' }, 'FWD_MODE_IN_USE'],
      ['POST', globals, { ...settings, pvtSubnet: '172.31.0.0/16' }, 'PVT_SUBNET_IN_USE'],
      ['POST', globals, { ...settings, vlans: '50-60' }, 'VLANS_IN_USE'],
      ['POST', globals, { ...settings, vxlans: '5000-6000' }, 'VXLANS_IN_USE'],
      ['POST', globals, { ...settings, vlans: '5-60' }, { ...settings, vlans: '5-60' }],
      ['POST', globals, { ...settings, arpMode: 'flood' }, { ...settings, arpMode: 'flood' }],
      ['DELETE', networkPath('v10'), undefined, 'default:v10'],
      ['DELETE', networkPath('x1'), undefined, 'default:x1'],
      [
        'POST',
        globals,
        { ...settings, fwdMode: 'bridge', vlans: '50-60' },
        { ...settings, fwdMode: 'bridge', vlans: '50-60' },
      ],
    ])
  },
)
