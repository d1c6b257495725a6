// Tenants.

import { play, scenario, x64 } from './testing.ts'

scenario('tenants are made, never changed, and deleted when empty', async (netmaster) => {
  const tenant = (tenantName: string) => `/api/v1/tenants/${tenantName}/`
  await play(netmaster, [
    ['GET', '/api/v1/tenants/', undefined, [{ key: 'default', tenantName: 'default', 'link-sets': {} }]],
    [
      'POST',
      tenant('blue'),
      { tenantName: 'blue', 'link-sets': {} },
      { key: 'blue', tenantName: 'blue', 'link-sets': {} },
    ],
    ['POST', tenant('blue'), { tenantName: 'blue' }, { key: 'blue', tenantName: 'blue', 'link-sets': {} }],
    ['POST', tenant('bad!name'), { tenantName: 'bad!name' }, 'INVALID_BODY'],
    ['POST', tenant('-bad'), { tenantName: '-bad' }, 'INVALID_BODY'],
    ['POST', tenant(x64), { tenantName: x64 }, { key: x64, tenantName: x64, 'link-sets': {} }],
    ['POST', tenant(`${x64}x`), { tenantName: `${x64}x` }, 'INVALID_BODY'],
    ['POST', tenant('a.b'), { tenantName: 'a.b' }, { key: 'a.b', tenantName: 'a.b', 'link-sets': {} }],
    [
      'GET',
      '/api/v1/inspect/tenants/blue/',
      undefined,
      { Config: { key: 'blue', tenantName: 'blue', 'link-sets': {} }, Oper: {} },
    ],
    ['GET', '/api/v1/inspect/tenants/nope/', undefined, 'TENANT_NOT_FOUND'],
    ['GET', tenant('nope'), undefined, 'TENANT_NOT_FOUND'],
    [
      'POST',
      tenant('red'),
      { key: 'red', tenantName: 'red', defaultNetwork: 'n1' },
      { key: 'red', defaultNetwork: 'n1', tenantName: 'red', 'link-sets': {} },
    ],
    ['POST', tenant('red'), { key: 'red', tenantName: 'red', defaultNetwork: 'n2' }, 'TENANT_FIXED'],
    ['POST', tenant('red'), { key: 'red', tenantName: 'red' }, 'TENANT_FIXED'],
    ['POST', tenant('red'), { key: 'wrong', tenantName: 'red' }, 'KEY_MISMATCH'],
    ['POST', tenant('green'), { tenantName: 'red' }, 'KEY_MISMATCH'],
    ['POST', tenant('green'), { tenantName: '', key: '' }, 'INVALID_BODY'],
    ['POST', tenant('green'), { tenantName: 5 }, 'INVALID_BODY'],
    ['DELETE', tenant('nope'), undefined, 'TENANT_NOT_FOUND'],
    ['DELETE', tenant('blue'), undefined, 'blue'],
    ['DELETE', tenant('blue'), undefined, 'TENANT_NOT_FOUND'],
    ['DELETE', tenant('default'), undefined, 'default'],
  ])
})
