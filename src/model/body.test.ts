import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { z } from 'zod'
import { aciGwBody } from './aci-gw.ts'
import { bgpBody } from './bgp.ts'
import { apiObject, isProblem, linkSets, omitEmpty, optionalName, parseBody, requiredName, wordOr } from './body.ts'
import { endpointGroupBody } from './endpoint-group.ts'
import { globalBody, globalFromBody, parseTagRange } from './global.ts'
import { networkBody } from './network.ts'
import { heartbeatBody, registerBody } from './node.ts'
import {
  allocAddressBody,
  createEndpointBody,
  deleteEndpointBody,
  releaseAddressBody,
  updateEndpointBody,
} from './plugin.ts'
import { serviceLbBody } from './service-lb.ts'
import { defaultGlobal } from './state.ts'
import { tenantBody } from './tenant.ts'
import { volumeBody } from './volume.ts'
import { volumeProfileBody } from './volume-profile.ts'

const thing = apiObject({
  name: requiredName(8),
  other: optionalName(8),
  mode: wordOr(['a', 'b'], 'a'),
  n: z.int().default(0),
})

const codeOf = (input: unknown) => {
  const parsed = parseBody(thing, input)
  return isProblem(parsed) ? parsed.message : parsed
}

test('names are labels of letters, digits and inner hyphens or underscores, joined by dots', () => {
  for (const name of ['a', 'A9', 'a-b', 'a_b', 'a.b', '1.2.3', 'a--b', 'a_-b.c_d'])
    assert.ok(!isProblem(parseBody(thing, { name })), name)
  for (const name of [
    '',
    '-a',
    'a-',
    '_a',
    'a_',
    'a._b',
    'a b',
    'a:b',
    'a|b',
    '.a',
    'a.',
    'a..b',
    'ü',
    'a\n',
    'abcdefghi',
  ]) {
    assert.ok(isProblem(parseBody(thing, { name })), JSON.stringify(name))
  }
})

test('what is left out has its default, and what is wrong is named', () => {
  assert.deepEqual(codeOf({ name: 'x' }), { name: 'x', other: '', mode: 'a', n: 0 })
  assert.deepEqual(codeOf({ name: 'x', mode: '', key: 'k', links: 5, 'link-sets': {} }), {
    name: 'x',
    other: '',
    mode: 'a',
    n: 0,
    key: 'k',
    links: 5,
    'link-sets': {},
  })
  assert.equal(codeOf({}), 'name is missing')
  assert.equal(codeOf({ name: 'x', mode: 'c' }), 'mode must be one of a, b, not "c"')
  assert.equal(codeOf({ name: 'x', n: '1' }), 'n must be of type number')
  assert.deepEqual(
    codeOf({ NAME: 'x', Mode: 'b', mode: 'a' }),
    codeOf({ name: 'x' }),
    'in any case; the exact one wins',
  )
  const more = { name: 'x', extra: 1, constructor: 2 }
  assert.deepEqual(codeOf(more), codeOf({ name: 'x' }))
})

test('empty attributes are left out, link sets are sorted', () => {
  const value = { z: 0, s: '', l: [], o: {}, u: undefined, n: null, f: false, t: 'x', one: 1 }
  assert.deepEqual(omitEmpty(value), { f: false, t: 'x', one: 1 })
  assert.deepEqual(
    JSON.stringify(linkSets({ B: { type: 't', keys: ['b', 'a'] }, A: { type: 't', keys: [] } })),
    '{"B":{"a":{"type":"t","key":"a"},"b":{"type":"t","key":"b"}}}',
  )
})

test('ranges of tags have their limits', () => {
  assert.deepEqual(parseTagRange('vlans', '1-4095'), { first: 1, last: 4_095 })
  assert.deepEqual(parseTagRange('vxlans', '49536-65535'), { first: 49_536, last: 65_535 })
  for (const [field, text] of [
    ['vlans', '1-4096'],
    ['vlans', '5-4'],
    ['vlans', '0-4'],
    ['vxlans', '1-65536'],
    ['vxlans', '1-16001'],
    ['vxlans', '1'],
    ['vxlans', '1-2,4-5'],
    ['vxlans', ''],
  ] as const) {
    assert.ok(isProblem(parseTagRange(field, text)), `${field} ${text}`)
  }
})

test('an empty forwarding mode keeps the one in force', () => {
  const body = parseBody(globalBody, { name: 'global', pvtSubnet: '172.19.0.0/16' })
  assert.ok(!isProblem(body))
  assert.deepEqual(globalFromBody(body, { ...defaultGlobal, fwdMode: 'bridge', arpMode: 'flood' }), {
    ...defaultGlobal,
    fwdMode: 'bridge',
  })
})

test('no body makes a parser throw', () => {
  const schemas: readonly z.ZodType[] = [
    tenantBody,
    networkBody,
    endpointGroupBody,
    globalBody,
    serviceLbBody,
    bgpBody,
    aciGwBody,
    volumeBody,
    volumeProfileBody,
    registerBody,
    heartbeatBody,
    allocAddressBody,
    releaseAddressBody,
    createEndpointBody,
    deleteEndpointBody,
    updateEndpointBody,
  ]
  const names = [
    'tenantName',
    'networkName',
    'groupName',
    'subnet',
    'gateway',
    'ipv6Subnet',
    'pktTag',
    'policies',
    'key',
    'Labels',
    'ConfigEP',
    'EndpointID',
    'selectors',
    'ports',
    'routerip',
    'pathBindings',
    'vlans',
    'name',
    '__proto__',
  ]
  const body = fc.dictionary(
    fc.oneof(fc.constantFrom(...names), fc.string({ maxLength: 6 })),
    fc.jsonValue({ maxDepth: 3 }),
    { maxKeys: 8 },
  )
  fc.assert(
    fc.property(fc.oneof(body, fc.jsonValue()), (input) => {
      for (const schema of schemas) {
        const parsed = parseBody(schema, input)
        if (isProblem(parsed)) assert.ok(parsed.message.length > 0)
      }
    }),
    { numRuns: 500 },
  )
})
