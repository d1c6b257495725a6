// The gateway to an ACI fabric.

import { group, groupPath, network, networkPath, play, scenario } from './testing.ts'

const path = '/api/v1/aciGws/aciGw/'
const gateway = (more: object = {}) => ({ name: 'aciGw', physicalDomain: 'dom1', ...more })
const stored = (more: object = {}) => ({
  key: 'aciGw',
  enforcePolicies: 'yes',
  includeCommonTenant: 'no',
  name: 'aciGw',
  physicalDomain: 'dom1',
  ...more,
})
const ports = 'topology/pod-1/paths-101/pathep-[eth1/14],topology/pod-1/paths-102/pathep-[eth1/2]'
const nodes = 'topology/pod-1/node-101,topology/pod-1/node-102'

scenario('the gateway is one object, checked and kept', async (netmaster) => {
  const refused = (more: object, code = 'INVALID_BODY') => ['POST', path, gateway(more), code] as const
  const full = { pathBindings: ports, nodeBindings: nodes, enforcePolicies: 'no', includeCommonTenant: 'yes' }
  await play(netmaster, [
    ['GET', '/api/v1/aciGws/', undefined, []],
    ['GET', path, undefined, 'ACIGW_NOT_FOUND'],
    ['POST', '/api/v1/aciGws/other/', gateway(), 'KEY_MISMATCH'],
    refused({ name: 'other' }),
    refused({ key: 'other' }, 'KEY_MISMATCH'),
    refused({ physicalDomain: '' }),
    refused({ physicalDomain: undefined }),
    refused({ physicalDomain: 'a_' }),
    refused({ physicalDomain: 'x'.repeat(129) }),
    refused({ enforcePolicies: 'maybe' }),
    refused({ includeCommonTenant: 'YES' }),
    refused({ pathBindings: 'topology/pod-1/node-101' }),
    refused({ pathBindings: 'topology/pod-1/paths-101/pathep-[eth1]' }),
    refused({ pathBindings: `${ports},` }),
    refused({ pathBindings: Array.from({ length: 60 }, () => ports.split(',')[0]).join(',') }),
    refused({ nodeBindings: ports }),
    refused({ nodeBindings: 'topology/pod-x/node-101' }),
    ['GET', '/api/v1/aciGws/', undefined, []],
    ['POST', path, gateway(), stored()],
    ['PUT', path, gateway(full), stored(full)],
    ['POST', path, { ...gateway(full), key: 'aciGw' }, stored(full)],
    ['GET', '/api/v1/aciGws/', undefined, [stored(full)]],
    ['GET', '/api/v1/inspect/aciGws/aciGw/', undefined, { Config: stored(full), Oper: {} }],
    ['DELETE', path, undefined, 'aciGw'],
    ['DELETE', path, undefined, 'ACIGW_NOT_FOUND'],
  ])
})

scenario('the gateway stays as long as there are app profiles', async (netmaster) => {
  await netmaster.ok('POST', networkPath('n'), network('n', '10.1.1.0/24'))
  await netmaster.ok('POST', groupPath('g'), group('g', 'n'))
  await netmaster.ok('POST', path, gateway())
  const profile = { tenantName: 'default', appProfileName: 'app', endpointGroups: ['g'] }
  await netmaster.ok('POST', '/api/v1/appProfiles/default:app/', profile)
  await play(netmaster, [
    ['DELETE', path, undefined, 'ACI_GW_IN_USE'],
    ['GET', '/api/v1/inspect/aciGws/aciGw/', undefined, { Config: stored(), Oper: { numAppProfiles: 1 } }],
    ['DELETE', '/api/v1/appProfiles/default:app/', undefined, 'default:app'],
    ['DELETE', path, undefined, 'aciGw'],
  ])
})
