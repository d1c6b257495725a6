// BGP speakers.

import { globals, play, scenario, settings } from './testing.ts'

const path = '/api/v1/Bgps/host1/'
const bgp = (more: object = {}) => ({
  hostname: 'host1',
  routerip: '50.1.1.2/24',
  as: '65002',
  'neighbor-as': '500',
  neighbor: '50.1.1.1',
  ...more,
})
const stored = (more: object = {}) => ({ key: 'host1', ...bgp(more) })

scenario('a BGP speaker is checked, made, changed, inspected and deleted', async (netmaster) => {
  const refused = (more: object, code: string) => ['POST', path, bgp(more), code] as const
  await play(netmaster, [
    ['GET', '/api/v1/Bgps/', undefined, []],
    refused({ hostname: 'bad!name' }, 'INVALID_BODY'),
    refused({ hostname: 'x'.repeat(257) }, 'INVALID_BODY'),
    refused({ hostname: 'host2' }, 'KEY_MISMATCH'),
    refused({ as: 65_002 }, 'INVALID_BODY'),
    refused({ as: '6'.repeat(65) }, 'INVALID_BODY'),
    refused({ as: '0' }, 'INVALID_AS_NUMBER'),
    refused({ as: 'AS65002' }, 'INVALID_AS_NUMBER'),
    refused({ 'neighbor-as': '4294967296' }, 'INVALID_AS_NUMBER'),
    refused({ neighbor: '50.1.1' }, 'INVALID_BODY'),
    refused({ neighbor: '50.1.1.2' }, 'NEIGHBOR_IS_ROUTER'),
    refused({ routerip: '' }, 'INVALID_BODY'),
    refused({ routerip: undefined }, 'INVALID_BODY'),
    refused({ routerip: '50.1.1.2' }, 'INVALID_ROUTER_IP'),
    refused({ routerip: '50.1.1.2/0' }, 'INVALID_ROUTER_IP'),
    refused({ routerip: '50.1.1.2/32' }, 'INVALID_ROUTER_IP'),
    refused({ routerip: '50.1.1.0/24' }, 'INVALID_ROUTER_IP'),
    refused({ routerip: '50.1.1.255/24' }, 'INVALID_ROUTER_IP'),
    refused({ routerip: '50.1.1.2-50.1.1.9/24' }, 'INVALID_ROUTER_IP'),
    ['GET', path, undefined, 'BGP_NOT_FOUND'],
    ['POST', path, bgp(), stored()],
    ['POST', path, bgp(), stored()],
    [
      'POST',
      path,
      bgp({ routerip: '50.1.1.4/31', neighbor: '50.1.1.5' }),
      stored({ routerip: '50.1.1.4/31', neighbor: '50.1.1.5' }),
    ],
    [
      'PUT',
      path,
      { hostname: 'host1', routerip: '50.1.1.9/24' },
      { key: 'host1', hostname: 'host1', routerip: '50.1.1.9/24' },
    ],
    ['POST', path, bgp({ as: '4294967295' }), stored({ as: '4294967295' })],
    ['GET', '/api/v1/Bgps/', undefined, [stored({ as: '4294967295' })]],
    ['GET', '/api/v1/inspect/Bgps/host1/', undefined, { Config: stored({ as: '4294967295' }), Oper: {} }],
    ['DELETE', path, undefined, 'host1'],
    ['DELETE', path, undefined, 'BGP_NOT_FOUND'],
    ['GET', '/api/v1/inspect/Bgps/host1/', undefined, 'BGP_NOT_FOUND'],
  ])
})

scenario('an ACI fabric routes by itself', async (netmaster) => {
  await netmaster.ok('POST', globals, { ...settings, networkInfraType: 'aci' })
  await play(netmaster, [
    ['POST', path, bgp(), 'BGP_IN_FABRIC'],
    ['GET', '/api/v1/Bgps/', undefined, []],
  ])
  await netmaster.ok('POST', globals, settings)
  await play(netmaster, [['POST', path, bgp(), stored()]])
})

scenario('the cluster keeps routing, and out of a fabric, as long as there are BGP speakers', async (netmaster) => {
  await netmaster.ok('POST', path, bgp())
  await play(netmaster, [
    ['POST', globals, { ...settings, fwdMode: 'bridge' }, 'BGP_IN_USE'],
    ['POST', globals, { ...settings, networkInfraType: 'aci' }, 'BGP_IN_USE'],
    ['POST', globals, { ...settings, arpMode: 'flood' }, { ...settings, arpMode: 'flood' }],
    ['DELETE', path, undefined, 'host1'],
    ['POST', globals, { ...settings, fwdMode: 'bridge' }, { ...settings, fwdMode: 'bridge' }],
  ])
})
