// Parsers of what comes over HTTP, fed with anything: a value or an error that says it is the client's, never a crash.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { filterNames, nextPage, parseListQuery, passes } from '../../src/api/list-query.ts'
import type { OpenApiDocument } from '../../src/api/openapi.ts'
import { NetpluginError } from '../../src/lib/errors.ts'
import { isProblem } from '../../src/model/body.ts'
import { networkView } from '../../src/model/network.ts'
import { checkConditions, etagOf, isKnown } from '../../src/netmaster/conditions.ts'
import { parseJson } from '../../src/netmaster/http-body.ts'
import { asksForJson, printable } from '../../src/netmaster/http-errors.ts'
import { methodsAt, servedPath } from '../../src/netmaster/http-paths.ts'
import { startTestNetmaster, type TestNetmaster } from '../../src/netmaster/testing.ts'

const words = fc.constantFrom(
  '__proto__',
  'constructor',
  'tenantName',
  'networkName',
  'subnet',
  'key',
  'links',
  'limit',
  'after',
)
const text = fc.oneof(words, fc.string({ unit: 'binary', maxLength: 40 }), fc.string({ maxLength: 20 }))
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom(null, true, false, -1, 0, 1, 65_536, 1e308, '10.1.1.0/24', '10.1.1.1', 'default', 'vlan'),
    text,
    fc.double(),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(text, tie('value'), { maxKeys: 4, noNullPrototype: true }),
  ),
})).value

let netmaster: TestNetmaster
let document: OpenApiDocument
before(async () => {
  netmaster = await startTestNetmaster()
  document = (await netmaster.ok('GET', '/api/v1/openapi.json')) as OpenApiDocument
})
after(() => netmaster.stop())

test('any text is JSON of its own value, or refused with the place', () => {
  fc.assert(
    fc.property(
      fc.oneof(
        text,
        fc.json(),
        json.map((value) => JSON.stringify(value)?.slice(0, -1) ?? ''),
      ),
      (body) => {
        try {
          const value = parseJson(body)
          if (body.trim() !== '') assert.equal(JSON.stringify(value), JSON.stringify(JSON.parse(body)))
        } catch (error) {
          assert.ok(error instanceof NetpluginError && error.kind === 'invalid', String(error))
        }
      },
    ),
    { numRuns: 2_000 },
  )
})

test('any query of a list is understood or refused, and what is understood leads on', () => {
  const names = filterNames(networkView)
  const query = fc.dictionary(
    fc.oneof(text, fc.constantFrom(...names)),
    fc.oneof(text, fc.array(text, { maxLength: 2 })),
  )
  fc.assert(
    fc.property(query, json, (given, item) => {
      const parsed = parseListQuery(given, names)
      if (isProblem(parsed)) {
        assert.equal(parsed.kind, 'invalid')
        return
      }
      assert.equal(typeof passes(item, parsed.filters), 'boolean')
      const next = parseListQuery(Object.fromEntries(new URLSearchParams(nextPage(parsed, 'last'))), names)
      assert.ok(!isProblem(next))
      assert.deepEqual(next, { ...parsed, after: 'last', filters: next.filters })
      assert.equal(next.filters.length, parsed.filters.length)
    }),
    { numRuns: 2_000 },
  )
})

test('any header is a condition, and any text a tag', () => {
  fc.assert(
    fc.property(text, text, fc.option(text, { nil: undefined }), (header, other, current) => {
      const tag = current === undefined ? undefined : etagOf(current)
      const problem = checkConditions({ 'if-match': header, 'if-none-match': other }, tag, 'key')
      assert.ok(problem === undefined || problem.code === 'PRECONDITION_FAILED')
      assert.equal(typeof isKnown({ 'if-none-match': header }, etagOf(other)), 'boolean')
      assert.equal(typeof asksForJson(header), 'boolean')
      assert.doesNotMatch(printable(header), /\p{Cc}/u)
      if (tag !== undefined) assert.equal(checkConditions({ 'if-match': `${tag}` }, tag, 'key'), undefined)
    }),
    { numRuns: 2_000 },
  )
})

test('any path is one path', () => {
  fc.assert(
    fc.property(fc.webPath(), (path) => {
      const once = servedPath(path)
      assert.equal(servedPath(once), once)
      assert.deepEqual(methodsAt(path, []), [])
    }),
  )
  assert.equal(servedPath('/api/'), '/api/v1/')
})

test('any body at any path is served or refused, and is no fault of the server', { timeout: 60_000 }, async () => {
  const writes = Object.entries(document.paths).filter(([, methods]) => methods.post !== undefined)
  const key = fc.constantFrom('default', 'default:n', 'default:p:1', 'global', 'aciGw', '__proto__')
  const bodyOf = (name: string) => {
    const attributes = Object.keys(Object(document.components.schemas[name]?.properties))
    return fc.dictionary(fc.oneof({ weight: 9, arbitrary: fc.constantFrom('key', ...attributes) }, text), json, {
      maxKeys: 8,
    })
  }
  const ask = fc.constantFrom(...writes).chain(([path, { post }]) => {
    const name =
      String(post?.requestBody?.content['application/json']?.schema.$ref ?? '')
        .split('/')
        .at(-1) ?? ''
    return fc.tuple(fc.constant(path), key, fc.oneof(bodyOf(name), json))
  })
  await fc.assert(
    fc.asyncProperty(ask, async ([path, name, body]) => {
      const { status } = await netmaster.request(
        'POST',
        path.replace(/\{\w+\}/g, encodeURIComponent(name)),
        body ?? null,
      )
      assert.ok(status < 500, `${status}`)
    }),
    { numRuns: 1_500 },
  )
})
