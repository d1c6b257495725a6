// Lists: filters, pages, and streams of many items.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { LightMyRequestResponse } from 'fastify'
import { startTestNetmaster, type TestNetmaster } from './testing.ts'

let netmaster: TestNetmaster
before(async () => {
  netmaster = await startTestNetmaster()
  for (const tenantName of ['blue', 'red']) await netmaster.ok('POST', `/api/v1/tenants/${tenantName}/`, { tenantName })
  for (const [at, tenantName] of ['blue', 'red', 'blue', 'blue', 'red'].entries()) {
    const networkName = `n${at}`
    const body = { networkName, tenantName, subnet: `10.0.${at}.0/24`, ...(at === 3 ? { gateway: '10.0.3.254' } : {}) }
    await netmaster.ok('POST', `/api/v1/networks/${tenantName}:${networkName}/`, body)
  }
})
after(() => netmaster.stop())

const networks = '/api/v1/networks/'
const keys = (list: unknown) => (list as { key: string }[]).map(({ key }) => key)

test('a list is filtered by any attribute, and by several at once', async () => {
  const table: readonly (readonly [string, readonly string[]])[] = [
    ['', ['blue:n0', 'blue:n2', 'blue:n3', 'red:n1', 'red:n4']],
    ['?tenantName=blue', ['blue:n0', 'blue:n2', 'blue:n3']],
    ['?tenantName=blue&gateway=', ['blue:n0', 'blue:n2']],
    ['?gateway=10.0.3.254', ['blue:n3']],
    ['?subnet=10.0.1.0%2F24', ['red:n1']],
    ['?tenantName=green', []],
    ['?after=blue:n3', ['red:n1', 'red:n4']],
    ['?after=blue:n1', ['blue:n2', 'blue:n3', 'red:n1', 'red:n4']],
  ]
  for (const [query, expected] of table)
    assert.deepEqual(keys(await netmaster.ok('GET', networks + query)), expected, query)
})

test('pages follow each other by their Link, and together are the list', async () => {
  const seen: string[][] = []
  let next: string | undefined = `${networks}?limit=2&nwType=data`
  while (next !== undefined && seen.length < 10) {
    const answer: LightMyRequestResponse = await netmaster.netmaster.app.inject({ method: 'GET', url: next })
    seen.push(keys(answer.json()))
    next = /^<([^>]*)>; rel="next"$/.exec(String(answer.headers.link ?? ''))?.[1]
  }
  assert.deepEqual(seen, [['blue:n0', 'blue:n2'], ['blue:n3', 'red:n1'], ['red:n4']])
})

test('a page that ends the list has no next one', async () => {
  for (const query of ['?limit=5', '?limit=1000', '?limit=2&tenantName=red', '?limit=1&after=red:n1']) {
    const { headers } = await netmaster.netmaster.app.inject({ method: 'GET', url: networks + query })
    assert.equal(headers.link, undefined, query)
  }
})

test('parameters that mean nothing are refused, and the likely one is named', async () => {
  const table: readonly (readonly [string, string, RegExp])[] = [
    ['?tenantNmae=blue', 'UNKNOWN_PARAMETER', /did you mean tenantName\?/],
    ['?links=x', 'UNKNOWN_PARAMETER', /"links"/],
    ['?__proto__=x', 'UNKNOWN_PARAMETER', /__proto__/],
    ['?constructor=x', 'UNKNOWN_PARAMETER', /constructor/],
    ['?tenantName=blue&tenantName=red', 'REPEATED_PARAMETER', /"tenantName"/],
    ['?limit=0', 'INVALID_LIMIT', /from 1 to 1000/],
    ['?limit=1001', 'INVALID_LIMIT', /1001/],
    ['?limit=-1', 'INVALID_LIMIT', /-1/],
    ['?limit=1e3', 'INVALID_LIMIT', /1e3/],
    ['?limit=', 'INVALID_LIMIT', /""/],
  ]
  for (const [query, code, message] of table) {
    const { status, body } = await netmaster.request('GET', networks + query)
    const said = body as { code: string; message: string }
    assert.deepEqual([status, said.code], [400, code], query)
    assert.match(said.message, message, query)
  }
})

test('lists of attributes are filtered by what they contain', async () => {
  await netmaster.ok('POST', '/api/v1/policys/blue:p1/', { policyName: 'p1', tenantName: 'blue' })
  for (const [groupName, policies] of [
    ['g1', ['p1']],
    ['g2', []],
  ] as const) {
    const body = { groupName, networkName: 'n0', tenantName: 'blue', policies }
    await netmaster.ok('POST', `/api/v1/endpointGroups/blue:${groupName}/`, body)
  }
  assert.deepEqual(keys(await netmaster.ok('GET', '/api/v1/endpointGroups/?policies=p1')), ['blue:g1'])
})

test('many endpoints are streamed in order, while others come and go', { timeout: 60_000 }, async () => {
  const other = await startTestNetmaster()
  const network = { networkName: 'n', tenantName: 'default', subnet: '10.0.0.0/12' }
  await other.ok('POST', '/api/v1/networks/default:n/', network)
  const id = (at: number) => `${(at * 7_919) % 5_000}`.padStart(8, '0')
  const create = (EndpointID: string) =>
    other.ok('POST', '/plugin/createEndpoint', { NetworkName: 'n', EndpointID, Node: 'node1' })
  await Promise.all(Array.from({ length: 5_000 }, (_, at) => create(id(at))))
  const address = await other.netmaster.start({ host: '127.0.0.1', port: 0 })
  const response = await fetch(`http://${address}/api/v1/endpoints/`)
  assert.equal(response.headers.get('content-length'), null)
  await other.ok('POST', '/plugin/deleteEndpoint', { EndpointID: id(1), Node: 'node1' })
  const list = (await response.json()) as { endpointID: string }[]
  const ids = list.map(({ endpointID }) => endpointID)
  assert.ok(ids.length >= 4_999, `${ids.length} of 5000`)
  assert.deepEqual(ids, ids.toSorted())
  assert.equal(((await other.ok('GET', '/api/v1/endpoints/?limit=3')) as unknown[]).length, 3)
  await other.stop()
})
