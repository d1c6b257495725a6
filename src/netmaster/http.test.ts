// The conventions of the HTTP server: malformed input, sizes, paths, error forms.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createClient } from '../api/client.ts'
import { NetpluginError } from '../lib/errors.ts'
import { asksForJson } from './http-errors.ts'
import { startTestNetmaster, type TestNetmaster } from './testing.ts'

let netmaster: TestNetmaster
before(async () => {
  netmaster = await startTestNetmaster()
})
after(() => netmaster.stop())

const tenant = '/api/v1/tenants/x/'

const inject = (method: string, url: string) => {
  const known = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'DELETE', 'PATCH'] as const
  const headers = { accept: 'application/json' }
  return netmaster.netmaster.app.inject({ method: known.find((each) => each === method) ?? 'GET', url, headers })
}

test('malformed bodies are refused with what is wrong and where, and change nothing', async () => {
  const table: readonly (readonly [string, RegExp])[] = [
    ['{bad', /line 1, column 2/],
    ['{"tenantName": "x",\n  "defaultNetwork": }', /line 2, column 21/],
    ['{"tenantName": "x"', /ends too early/],
    ['', /must be a JSON object/],
    ['[]', /must be a JSON object/],
    ['null', /must be a JSON object/],
    ['"x"', /must be a JSON object/],
    ['{}', /tenantName is missing/],
    ['{"tenantName": null}', /tenantName must be of type string/],
    ['{"tenantName": ["x"]}', /tenantName must be of type string/],
    ['{"tenantName": "x", "__proto__": {"a": 1}}', /__proto__/],
    ['{"tenantName": "x", "links": {"\\u005f_proto__": {}}}', /__proto__/],
    [`{"tenantName": "x", "links": ${'['.repeat(100)}${']'.repeat(100)}}`, /nested/],
    ['{"tenantName": "x\\u0000"}', /is not a name/],
    ['{"tenantName": "ü"}', /is not a name/],
    [`{"tenantName": "${'x'.repeat(100_000)}"}`, /longer than 64/],
  ]
  for (const [body, expected] of table) {
    const { status, body: said } = await netmaster.request('POST', tenant, body)
    const shown = body.slice(0, 80)
    assert.equal(status, 400, shown)
    assert.match((said as { message: string }).message, expected, shown)
    assert.doesNotMatch(JSON.stringify(said), /at .*\.ts|node_modules/, shown)
  }
  assert.deepEqual(((await netmaster.ok('GET', '/api/v1/tenants')) as unknown[]).length, 1)
})

test('a body above 1 MiB is refused as too large', async () => {
  const body = JSON.stringify({ tenantName: 'x', defaultNetwork: 'y'.repeat(1_100_000) })
  const { status, body: said } = await netmaster.request('POST', tenant, body)
  assert.equal(status, 413)
  assert.equal((said as { code: string }).code, 'BODY_TOO_LARGE')
})

test('errors are JSON for those who ask for it, and a line of text for the others', async () => {
  const json = await netmaster.request('GET', '/api/v1/tenants/nope/')
  assert.deepEqual(json, {
    status: 404,
    type: 'application/json; charset=utf-8',
    body: { kind: 'not-found', code: 'TENANT_NOT_FOUND', message: 'tenant nope not found', details: { key: 'nope' } },
  })
  const text = await netmaster.request('GET', '/api/v1/tenants/nope/', undefined, { accept: '*/*' })
  assert.deepEqual(text, { status: 404, type: 'text/plain; charset=utf-8', body: 'tenant nope not found\n' })
})

test('a trailing slash is optional, and a body is read as JSON whatever its type says', async () => {
  for (const path of ['/api/v1/globals', '/api/v1/globals/', '/api/v1/globals/global', '/version', '/version/']) {
    assert.equal((await netmaster.request('GET', path)).status, 200, path)
  }
  const type = { 'content-type': 'application/x-www-form-urlencoded' }
  assert.equal((await netmaster.request('POST', '/api/v1/tenants/typed', { tenantName: 'typed' }, type)).status, 200)
})

test('nodes must send JSON', async () => {
  const { status, body } = await netmaster.request(
    'POST',
    '/plugin/allocAddress',
    { NetworkID: 'x.y' },
    { 'content-type': 'text/plain' },
  )
  assert.equal(status, 415)
  assert.equal((body as { code: string }).code, 'CONTENT_TYPE')
})

test('unknown paths are not found', async () => {
  const asks = [
    ['GET', '/api/v1/'],
    ['GET', '/'],
    ['GET', '/nope'],
    ['GET', '/api/v1/volumes2/'],
  ]
  for (const [method = '', path = ''] of asks) {
    const { status, body } = await netmaster.request(method, path)
    assert.deepEqual([status, (body as { code: string }).code], [404, 'NO_SUCH_PATH'], `${method} ${path}`)
  }
})

test('a key may hold any character, and still only names what exists', async () => {
  for (const key of ['a%2Fb', '%00', '..', '%2e%2e%2f', 'x'.repeat(900), '%F0%9F%92%A9', 'a:b:c']) {
    assert.equal((await netmaster.request('GET', `/api/v1/networks/${key}/`)).status, 404, key)
  }
  assert.equal((await netmaster.request('GET', '/api/v1/networks/%zz/')).status, 400)
})

test('version, info and health', async () => {
  assert.deepEqual(await netmaster.ok('GET', '/version'), {
    GitCommit: 'abcdef01',
    Version: '1.2.3',
    BuildTime: 'from source',
  })
  const info = (await netmaster.ok('GET', '/info')) as Record<string, unknown>
  assert.deepEqual(Object.keys(info), ['current-state', 'leader-ip', 'local-ip', 'netmaster-nodes', 'netplugin-nodes'])
  assert.equal(((await netmaster.ok('GET', '/healthz')) as { status: string }).status, 'ok')
})

test('the client speaks over a socket what the server means', { timeout: 20_000 }, async () => {
  const other = await startTestNetmaster()
  const address = await other.netmaster.start({ host: '127.0.0.1', port: 0 })
  const client = createClient({ baseUrl: `http://${address}`, timeoutMs: 5_000 })
  await client.networks.put('default:n', { networkName: 'n', tenantName: 'default', subnet: '10.0.0.0/24' })
  assert.deepEqual(
    (await client.networks.list()).map((network) => network.key),
    ['default:n'],
  )
  assert.equal((await client.networks.inspect('default:n')).Oper.availableIPAddresses, '10.0.0.1-10.0.0.254')
  assert.equal((await client.tenants.get('default'))['link-sets'].Networks?.['default:n']?.key, 'default:n')
  await assert.rejects(client.networks.get('default:nope'), (error) => {
    return error instanceof NetpluginError && error.kind === 'not-found' && error.code === 'NETWORK_NOT_FOUND'
  })
  assert.equal(await client.networks.remove('default:n'), 'default:n')
  assert.equal((await client.info())['leader-ip'], address)
  await other.stop()
  await assert.rejects(client.version(), (error) => {
    return error instanceof NetpluginError && error.code === 'NETMASTER_UNREACHABLE' && error.message.includes(address)
  })
  client.close()
})

test('a path refuses methods that it does not have, and names those it has', async () => {
  const asks: readonly (readonly [string, string, string])[] = [
    ['PATCH', '/api/v1/globals/global/', 'DELETE, GET, HEAD, OPTIONS, POST, PUT'],
    ['DELETE', '/api/v1/tenants/', 'GET, HEAD, OPTIONS'],
    ['POST', '/api/v1/networks', 'GET, HEAD, OPTIONS'],
    ['POST', '/version', 'GET, HEAD, OPTIONS'],
    ['GET', '/plugin/allocAddress', 'OPTIONS, POST'],
    ['PUT', '/api/v1/inspect/tenants/default/', 'GET, HEAD, OPTIONS'],
  ]
  for (const [method, path, expected] of asks) {
    const answer = await inject(method, path)
    assert.deepEqual([answer.statusCode, answer.headers.allow], [405, expected], `${method} ${path}`)
    assert.equal(answer.json().code, 'METHOD_NOT_ALLOWED')
    const options = await inject('OPTIONS', path)
    assert.deepEqual([options.statusCode, options.headers.allow, options.body], [204, expected, ''], path)
  }
  assert.equal((await inject('OPTIONS', '/nope')).statusCode, 404)
})

test('HEAD answers as GET does, without a body', async () => {
  for (const path of ['/version', '/api/v1/tenants/', '/api/v1/tenants/default/', '/api/v1/inspect/tenants/default/']) {
    const [head, get] = [await inject('HEAD', path), await inject('GET', path)]
    assert.deepEqual([head.statusCode, head.body], [200, ''], path)
    assert.equal(head.headers['content-length'], get.headers['content-length'], path)
  }
  assert.equal((await inject('HEAD', '/api/v1/tenants/nope/')).statusCode, 404)
})

test('paths of older releases, and doubled slashes, lead to the same', async () => {
  const expected = await netmaster.ok('GET', '/api/v1/globals/')
  for (const path of ['/api/globals/', '/api/globals', '//api/v1/globals/', '/api/v1//globals/'])
    assert.deepEqual(await netmaster.ok('GET', path), expected, path)
  await netmaster.ok('POST', '/api/tenants/older/', { tenantName: 'older' })
  assert.equal(await netmaster.ok('DELETE', '/api/tenants/older'), 'older')
  assert.equal(
    await netmaster.refused('POST', '/plugin/svcProviderUpdate', { EndpointID: 'nope' }),
    'ENDPOINT_NOT_FOUND',
  )
})

test('a percent-encoded key is the key', async () => {
  await netmaster.ok('POST', '/api/v1/policys/default%3Aencoded/', { policyName: 'encoded', tenantName: 'default' })
  assert.equal(await netmaster.ok('DELETE', '/api/v1/policys/def%61ult:encoded'), 'default:encoded')
})

test('errors take the form that is asked for', async () => {
  const table: readonly (readonly [string | undefined, boolean])[] = [
    [undefined, false],
    ['', false],
    ['*/*', false],
    ['text/plain', false],
    ['text/html, */*;q=0.1', false],
    ['application/json', true],
    ['Application/JSON; charset=utf-8', true],
    ['application/*', true],
    ['application/json, text/plain, */*', true],
    ['application/json;q=0.5, text/plain', false],
    ['application/json, text/plain;q=0.5', true],
    ['application/json;q=0', false],
    ['application/json; q=0.001', true],
    ['application/x-ndjson, application/json', true],
    [`${'x'.repeat(5_000)},,;;q=,application/json;q=x`, false],
  ]
  for (const [accept, json] of table) assert.equal(asksForJson(accept), json, accept)
})

test('a message never carries control characters to a terminal', async () => {
  for (const accept of ['text/plain', 'application/json']) {
    const url = '/api/v1/tenants/%1b%5B2J%0Ax%E2%80%AE/'
    const { body } = await netmaster.netmaster.app.inject({ method: 'GET', url, headers: { accept } })
    assert.match(body, /\\u001b\[2J\\+u000ax\\+u202e not found/)
    const message = accept === 'text/plain' ? body.trimEnd() : String(JSON.parse(body).message)
    assert.doesNotMatch(message, /[\p{Cc}\u202e]/u)
  }
})

test('nodes are told the address that is meant for them, and are served there', { timeout: 20_000 }, async () => {
  const other = await startTestNetmaster()
  const loopback = { host: '127.0.0.1', port: 0 }
  const address = await other.netmaster.start(loopback, { host: '127.0.0.2', port: 0 })
  const info = (await other.ok('GET', '/info')) as Record<string, unknown>
  const told = String(info['leader-ip'])
  assert.match(told, /^127\.0\.0\.2:\d+$/)
  assert.deepEqual([info['local-ip'], info['netmaster-nodes']], ['127.0.0.1', ['127.0.0.2']])
  for (const each of [address, told]) assert.equal((await fetch(`http://${each}/version`)).status, 200, each)
  await other.stop()
  for (const each of [address, told]) await assert.rejects(fetch(`http://${each}/version`), each)
})

test('what clients of the original ask for a container is answered with the names they read', async () => {
  const network = { networkName: 'pn', tenantName: 'default', subnet: '10.9.0.0/24' }
  await netmaster.ok('POST', '/api/v1/networks/default:pn/', network)
  await netmaster.ok('POST', '/api/v1/endpointGroups/default:pg/', {
    groupName: 'pg',
    networkName: 'pn',
    tenantName: 'default',
  })
  const reserved = await netmaster.ok('POST', '/plugin/allocAddress', { NetworkID: 'pn:pg.default' })
  assert.deepEqual(reserved, { NetworkID: 'pn:pg.default', IPv4Address: '10.9.0.1/24', IPv6Address: '' })
  const ConfigEP = { Container: 'c1', Host: 'host1', AttachUUID: 'u1', IPAddress: '10.9.0.1', ServiceName: 'pg' }
  const names = { TenantName: 'default', NetworkName: 'pn', ServiceName: 'pg', EndpointID: 'c1', EPCommonName: '/web' }
  const made = Object(await netmaster.ok('POST', '/plugin/createEndpoint', { ...names, ConfigEP }))
  const { netID, endpointID, ipAddress, homingHost, endpointGroupKey } = made.EndpointConfig
  assert.deepEqual(
    [netID, endpointID, ipAddress, homingHost, endpointGroupKey],
    ['pn.default', 'c1', '10.9.0.1', 'host1', 'pg:default'],
  )
  assert.deepEqual(
    Object(await netmaster.ok('POST', '/plugin/createEndpoint', { ...names, ConfigEP })).EndpointConfig,
    made.EndpointConfig,
  )
  // The group stands for its network.
  const started = { IPAddress: '10.9.0.1', Tenant: 'default', Network: 'pg', Event: 'start', Labels: { app: 'web' } }
  const told = Object(await netmaster.ok('POST', '/plugin/svcProviderUpdate', { ...started, ContainerID: 'abc' }))
  assert.deepEqual([told.status, told.IPAddress], ['success', '10.9.0.1'])
  assert.equal(Object(await netmaster.ok('GET', '/api/v1/inspect/endpoints/abc/')).Oper.labels, 'map[app:web]')
  assert.deepEqual(await netmaster.ok('DELETE', '/debug/epcleanup/tenant/default/net/nothing'), { removed: [] })
  assert.deepEqual(await netmaster.ok('DELETE', '/debug/epcleanup/tenant/default/ep/c1'), { removed: ['c1'] })
  const released = { NetworkID: 'pn.default', IPv4Address: '10.9.0.1' }
  assert.equal(Object(await netmaster.ok('POST', '/plugin/releaseAddress', released)).status, 'success')
  for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'application/jsonx', '']) {
    const answer = await netmaster.request('POST', '/plugin/allocAddress', '{}', { 'content-type': type })
    assert.equal(answer.status, 415, type)
  }
})
