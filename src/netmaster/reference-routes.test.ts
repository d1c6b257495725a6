// The API's description of itself: whole, consistent, and the same as what is committed.

import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { after, before, test } from 'node:test'
import type { OpenApiDocument } from '../api/openapi.ts'
import { referenceMarkdown } from '../api/reference-markdown.ts'
import { startTestNetmaster, type TestNetmaster } from './testing.ts'

let netmaster: TestNetmaster
let document: OpenApiDocument
before(async () => {
  netmaster = await startTestNetmaster()
  document = (await netmaster.ok('GET', '/api/v1/openapi.json')) as OpenApiDocument
})
after(() => netmaster.stop())

const operations = () =>
  Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
  )

function refsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) return []
  return Object.entries(value).flatMap(([key, inner]) => (key === '$ref' ? [String(inner)] : refsIn(inner)))
}

test('every plural of the API is described with all its methods', () => {
  const plurals = [
    'aciGws',
    'appProfiles',
    'Bgps',
    'endpointGroups',
    'extContractsGroups',
    'globals',
    'netprofiles',
    'networks',
    'policys',
    'rules',
    'serviceLBs',
    'tenants',
    'volumes',
    'volumeProfiles',
  ]
  for (const plural of plurals) {
    assert.deepEqual(Object.keys(document.paths[`/api/v1/${plural}/`] ?? {}), ['get'], plural)
    const one = Object.keys(document.paths[`/api/v1/${plural}/{key}/`] ?? {})
    assert.deepEqual(one.sort(), ['delete', 'get', 'post', 'put'], plural)
    assert.deepEqual(Object.keys(document.paths[`/api/v1/inspect/${plural}/{key}/`] ?? {}), ['get'], plural)
  }
})

test('every reference resolves, names are used once, and path parameters are declared', () => {
  for (const ref of refsIn(document)) {
    const [, ...steps] = ref.split('/')
    let found: unknown = document
    for (const step of steps) found = Object(found)[step]
    assert.ok(found !== undefined, `${ref} leads nowhere`)
  }
  const ids = operations().map(({ operation }) => operation.operationId)
  assert.equal(new Set(ids).size, ids.length)
  for (const { path, operation } of operations()) {
    const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
    const declared = operation.parameters.filter((each) => each.in === 'path').map((each) => each.name)
    assert.deepEqual(declared, named, path)
    assert.ok(operation.summary !== '' && operation.responses['200'] !== undefined, path)
  }
})

test('lists declare their filters, and writes of objects their conditions', () => {
  const names = (path: string, method: string) => document.paths[path]?.[method]?.parameters.map((each) => each.name)
  const filters = names('/api/v1/tenants/', 'get') ?? []
  assert.deepEqual(filters.toSorted(), ['after', 'defaultAction', 'defaultNetwork', 'key', 'limit', 'tenantName'])
  assert.deepEqual(names('/api/v1/tenants/{key}/', 'put'), ['key', 'If-Match', 'If-None-Match'])
})

test('the page names every path and needs nothing from elsewhere', async () => {
  const { status, type, body } = await netmaster.request('GET', '/api/v1/docs')
  assert.deepEqual([status, type], [200, 'text/html; charset=utf-8'])
  const page = String(body)
  for (const path of Object.keys(document.paths)) assert.ok(page.includes(`>${path}<`), path)
  assert.doesNotMatch(page, /<script|https?:\/\/|<link|<img|@import|url\(/)
})

test('docs/api.md is what the routes say', async () => {
  const text = readFileSync(new URL('../../docs/api.md', import.meta.url), 'utf8')
  const said = referenceMarkdown(await netmaster.netmaster.describe())
  assert.equal(text, said, 'docs/api.md is old: run node tools/describe-api.ts')
})
