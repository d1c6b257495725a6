import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NetpluginError } from '../../lib/errors.ts'
import { decodeAddress } from './address.ts'
import * as captured from './captured.ts'
import { decodeLink } from './link.ts'
import { readMessages } from './message.ts'
import { decodeRoute, encodeRoute, encodeRouteQuery } from './route.ts'

const body = (datagram: Buffer) => readMessages(datagram)[0]!.body

test('routes are set as iproute2 sets them', () => {
  const v4 = encodeRoute({ destination: '10.10.0.0/16', via: '10.9.0.2', deviceIndex: 5, protocol: 78 })
  assert.deepEqual(v4, body(captured.replaceRoute))
  const v6 = encodeRoute({ destination: 'fd01::/64', via: 'fd00::2', deviceIndex: 5, protocol: 78 })
  assert.deepEqual(v6, body(captured.replaceRoute6))
})

test('a route without a gateway has the scope of the link, in IPv4 only', () => {
  assert.equal(decodeRoute(encodeRoute({ destination: '10.0.0.0/8', deviceIndex: 1, protocol: 4 }))?.scope, 'link')
  assert.equal(decodeRoute(encodeRoute({ destination: 'fd00::/8', deviceIndex: 1, protocol: 4 }))?.scope, 'global')
})

test('the default route has no destination on the wire', () => {
  const request = encodeRoute({ destination: '0.0.0.0/0', via: '10.0.0.1', deviceIndex: 2, protocol: 78 })
  assert.equal(request.toString('hex'), '02000000fe4e000100000000' + '080005000a000001' + '0800040002000000')
  assert.equal(decodeRoute(request)?.destination, '0.0.0.0/0')
  assert.equal(decodeRoute(encodeRoute({ destination: '::/0', deviceIndex: 2, protocol: 78 }))?.destination, '::/0')
})

test('host bits of a destination are cleared', () => {
  const destination = (text: string) =>
    decodeRoute(encodeRoute({ destination: text, deviceIndex: 1, protocol: 4 }))?.destination
  assert.equal(destination('10.1.2.3/20'), '10.1.0.0/20')
  assert.equal(destination('10.1.2.3'), '10.1.2.3/32')
  assert.equal(destination('fd00::ffff:1/113'), 'fd00::ffff:0/113')
})

test('all that a route can say is read back', () => {
  const options = {
    destination: '10.0.0.0/8',
    via: '10.9.0.2',
    deviceIndex: 5,
    protocol: 78,
    scope: 'global',
    source: '10.9.0.1',
    metric: 100,
    table: 1_000,
    onLink: true,
  } as const
  assert.deepEqual(decodeRoute(encodeRoute(options)), { ...options, family: 4, type: 'unicast' })
})

test('a gateway of the other family is carried as such', () => {
  const request = encodeRoute({ destination: '10.0.0.0/8', via: 'fe80::1', deviceIndex: 5, protocol: 78 })
  assert.ok(request.includes(Buffer.from('160012000a00fe80', 'hex')))
  assert.equal(decodeRoute(request)?.via, 'fe80::1')
})

test('the routes of a dump are read as ip shows them', () => {
  const show = (datagram: Buffer) =>
    readMessages(datagram).map(({ body: bytes }) => {
      const route = decodeRoute(bytes)
      return [route?.destination, route?.via, route?.deviceIndex, route?.protocol, route?.scope, route?.metric]
    })
  assert.deepEqual(show(captured.routeDump), [
    ['10.9.0.0/24', undefined, 5, 2, 'link', 0],
    ['10.10.0.0/16', '10.9.0.2', 5, 78, 'global', 0],
  ])
  assert.deepEqual(show(captured.routeDump6), [
    ['fd00::/64', undefined, 5, 2, 'global', 256],
    ['fd01::/64', 'fd00::2', 5, 78, 'global', 1024],
    ['fe80::/64', undefined, 4, 2, 'global', 256],
    ['fe80::/64', undefined, 5, 2, 'global', 256],
  ])
  assert.equal(decodeRoute(readMessages(captured.routeDump)[0]!.body)?.source, '10.9.0.1')
})

test('a query filters by table and protocol', () => {
  assert.equal(encodeRouteQuery(4, { table: 254, protocol: 78 }).toString('hex'), '02000000fe4e000000000000')
  assert.equal(encodeRouteQuery(6, {}).toString('hex'), '0a0000000000000000000000')
  assert.equal(encodeRouteQuery(4, { table: 1_000 }).toString('hex'), '02000000000000000000000008000f00e8030000')
})

test('routes of other families are not read', () => {
  assert.equal(decodeRoute(Buffer.from('8000000000000000' + '00000000', 'hex')), undefined)
})

test('any bytes, and any damage to real ones, are read or refused as a protocol error', () => {
  const bodies = [captured.linkAnswer, captured.addressDump, captured.routeDump, captured.routeDump6, captured.newVeth]
  const real = fc.constantFrom(...bodies.flatMap((datagram) => readMessages(datagram).map((message) => message.body)))
  const damaged = fc
    .tuple(real, fc.nat(), fc.integer({ min: 0, max: 255 }), fc.nat())
    .map(([bytes, at, value, cut]) => {
      const copy = Buffer.from(bytes)
      copy[at % copy.length] = value
      return cut % 2 === 0 ? copy : copy.subarray(0, cut % copy.length)
    })
  const inputs = fc.oneof(
    damaged,
    fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
  )
  for (const decode of [decodeLink, decodeAddress, decodeRoute]) {
    fc.assert(
      fc.property(inputs, (bytes) => {
        try {
          decode(bytes)
        } catch (error) {
          assert.ok(error instanceof NetpluginError && error.kind === 'protocol', String(error))
        }
      }),
      { numRuns: 2_000 },
    )
  }
})
