// Conditional requests: nobody overwrites what somebody else wrote meanwhile.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { startTestNetmaster, type TestNetmaster } from './testing.ts'

let netmaster: TestNetmaster
before(async () => {
  netmaster = await startTestNetmaster()
  const network = { networkName: 'n', tenantName: 'default', subnet: '10.1.0.0/24' }
  await netmaster.ok('POST', '/api/v1/networks/default:n/', network)
})
after(() => netmaster.stop())

async function ask(method: 'GET' | 'HEAD' | 'PUT' | 'DELETE', url: string, body?: unknown, headers = {}) {
  const payload = body === undefined ? {} : { payload: JSON.stringify(body) }
  const answer = await netmaster.netmaster.app.inject({
    method,
    url,
    headers: { accept: 'application/json', 'content-type': 'application/json', ...headers },
    ...payload,
  })
  const code = answer.statusCode >= 400 ? answer.json().code : undefined
  return { status: answer.statusCode, etag: String(answer.headers.etag ?? ''), code, body: answer.body }
}

const settings = { name: 'global', fwdMode: 'routing', arpMode: 'proxy', pvtSubnet: '172.19.0.0/16' }
const globals = '/api/v1/globals/global/'

test('the tag of a written object is that of the object as it is read, and changes with it', async () => {
  const objects: readonly (readonly [string, object, object])[] = [
    [globals, settings, { ...settings, vlans: '1-100' }],
    ['/api/v1/tenants/t1/', { tenantName: 't1' }, {}],
    ['/api/v1/policys/default:p/', { policyName: 'p', tenantName: 'default' }, {}],
    [
      '/api/v1/netprofiles/default:np/',
      { profileName: 'np', tenantName: 'default', DSCP: 1 },
      { profileName: 'np', tenantName: 'default', DSCP: 2 },
    ],
    ['/api/v1/endpointGroups/default:g/', { groupName: 'g', networkName: 'n', tenantName: 'default' }, {}],
  ]
  for (const [url, first, second] of objects) {
    const written = await ask('PUT', url, first)
    assert.match(written.etag, /^"[\w-]{22}"$/, url)
    assert.equal((await ask('GET', url)).etag, written.etag, url)
    assert.equal((await ask('HEAD', url)).etag, written.etag, url)
    if (Object.keys(second).length === 0) continue
    const changed = await ask('PUT', url, second)
    assert.notEqual(changed.etag, written.etag, url)
  }
})

test('a write with an old tag is refused and changes nothing', async () => {
  const { etag } = await ask('PUT', globals, settings)
  assert.equal((await ask('PUT', globals, { ...settings, vlans: '1-200' }, { 'if-match': etag })).status, 200)
  const late = await ask('PUT', globals, { ...settings, vlans: '1-300' }, { 'if-match': etag })
  assert.deepEqual([late.status, late.code], [412, 'PRECONDITION_FAILED'])
  assert.match((await ask('GET', globals)).body, /"vlans":"1-200"/)
})

test('of many writers with the same tag one wins', async () => {
  const { etag } = await ask('PUT', globals, settings)
  const writes = Array.from({ length: 20 }, (_, at) =>
    ask('PUT', globals, { ...settings, vlans: `1-${100 + at}` }, { 'if-match': etag }),
  )
  const statuses = (await Promise.all(writes)).map(({ status }) => status).sort()
  assert.deepEqual(statuses, [200, ...Array.from({ length: 19 }, () => 412)])
})

test('what must be new is refused when it exists, and what must exist when it does not', async () => {
  const url = '/api/v1/tenants/once/'
  const body = { tenantName: 'once' }
  assert.equal((await ask('PUT', url, body, { 'if-match': '*' })).status, 412)
  assert.equal((await ask('PUT', url, body, { 'if-none-match': '*' })).status, 200)
  const again = await ask('PUT', url, body, { 'if-none-match': '*' })
  assert.deepEqual([again.status, again.code], [412, 'PRECONDITION_FAILED'])
  const { etag } = await ask('GET', url)
  assert.equal((await ask('DELETE', url, undefined, { 'if-match': '"other"' })).status, 412)
  assert.equal((await ask('DELETE', url, undefined, { 'if-match': `W/${etag}` })).status, 412)
  assert.equal((await ask('DELETE', url, undefined, { 'if-match': `"other", ${etag}` })).status, 200)
})

test('who has the newest state already gets 304 and no body', async () => {
  const { etag } = await ask('GET', globals)
  for (const known of [etag, `W/${etag}`, `"x", ${etag}`, '*']) {
    const answer = await ask('GET', globals, undefined, { 'if-none-match': known })
    assert.deepEqual([answer.status, answer.body, answer.etag], [304, '', etag], known)
  }
  assert.equal((await ask('GET', globals, undefined, { 'if-none-match': '"x"' })).status, 200)
})
