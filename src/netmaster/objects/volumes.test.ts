// Volumes and volume profiles: kept as they are asked for.

import { play, scenario, tenantLink } from './testing.ts'

const storage = { datastoreType: 'ceph', mountPoint: '/data', poolName: 'ssd', size: '10GB' }

for (const [plural, attribute, code] of [
  ['volumes', 'volumeName', 'VOLUME_NOT_FOUND'],
  ['volumeProfiles', 'volumeProfileName', 'VOLUME_PROFILE_NOT_FOUND'],
] as const) {
  scenario(`${plural} are checked, made, changed and deleted`, async (netmaster) => {
    const path = `/api/v1/${plural}/default:v/`
    const body = (more: object = {}) => ({ tenantName: 'default', [attribute]: 'v', ...more })
    const stored = (more: object = {}) => ({ key: 'default:v', ...body(more), 'link-sets': {}, links: tenantLink })
    await play(netmaster, [
      ['GET', `/api/v1/${plural}/`, undefined, []],
      ['GET', path, undefined, code],
      ['POST', `/api/v1/${plural}/nope:v/`, body({ tenantName: 'nope' }), 'TENANT_NOT_FOUND'],
      ['POST', path, body({ [attribute]: 'w' }), 'KEY_MISMATCH'],
      ['POST', path, body({ [attribute]: 'a_' }), 'INVALID_BODY'],
      ['POST', path, body({ size: 10 }), 'INVALID_BODY'],
      ['POST', path, body({ mountPoint: 'x'.repeat(257) }), 'INVALID_BODY'],
      ['POST', path, body({ colour: 'red' }), stored()],
      ['POST', path, body(), stored()],
      ['POST', path, body(storage), stored(storage)],
      ['PUT', path, stored(storage), stored(storage)],
      ['GET', `/api/v1/${plural}/`, undefined, [stored(storage)]],
      ['GET', `/api/v1/inspect/${plural}/default:v/`, undefined, { Config: stored(storage), Oper: {} }],
      ['DELETE', path, undefined, 'default:v'],
      ['DELETE', path, undefined, code],
    ])
  })
}
