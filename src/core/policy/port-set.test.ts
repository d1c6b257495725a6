import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { normalPorts, portMatches, portsOf } from './port-set.ts'

const port = fc.integer({ min: 1, max: 65_535 })
const item = fc.oneof(
  port.map(String),
  fc.tuple(port, port).map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`),
)
const list = fc.array(item, { minLength: 1, maxLength: 64 }).map((items) => items.join())

/** Which of all ports the text names, read item by item. */
function named(text: string): Uint8Array {
  const ports = new Uint8Array(65_536)
  for (const part of text.split(',')) {
    const [first = 0, last = first] = part.split('-').map(Number)
    ports.fill(1, first, last + 1)
  }
  return ports
}

function matched(text: string): Uint8Array {
  const ports = new Uint8Array(65_536)
  for (const match of portMatches(portsOf(0, text) ?? [])) {
    const { value, mask } =
      typeof match === 'object' ? match : { value: match ?? 0, mask: match === undefined ? 0 : 0xffff }
    for (let at = value; at <= (value | (~mask & 0xffff)); at++) ports[at] = (ports[at] ?? 0) + 1
  }
  return ports
}

test('matches select each port of a list once, and no other', () => {
  fc.assert(
    fc.property(list, (text) => {
      assert.ok(Buffer.compare(matched(text), named(text)) === 0, text)
    }),
    { numRuns: 60 },
  )
})

test('a list is kept sorted and merged, and what is kept is kept as it is', () => {
  fc.assert(
    fc.property(list, (text) => {
      const kept = normalPorts(text)
      assert.equal(normalPorts(kept), kept)
      assert.deepEqual(portsOf(0, kept), portsOf(0, text))
    }),
  )
  assert.equal(normalPorts('443,80,8000-8100'), '80,443,8000-8100')
  assert.equal(normalPorts('81,80,90-100,95-110,111'), '80-81,90-111')
  assert.equal(normalPorts('080,8000-8000'), '80,8000')
  assert.equal(normalPorts('22'), '22')
})

test('a range takes 30 matches at most, all ports take none', () => {
  assert.equal(portMatches(portsOf(0, '1-65534') ?? []).length, 30)
  assert.equal(portMatches(portsOf(0, '1-65535') ?? []).length, 16)
  assert.deepEqual(portMatches(portsOf(0, '0-65535') ?? []), [undefined])
  assert.deepEqual(portMatches(portsOf(0, '80,8000-8007') ?? []), [80, { value: 8000, mask: 0xfff8 }])
})

test('no port is every port, and what is no list means nothing', () => {
  assert.deepEqual(portsOf(0), [])
  assert.deepEqual(portsOf(80), [{ first: 80, last: 80 }])
  assert.equal(portsOf(0, '80-'), undefined)
  assert.equal(normalPorts('80-'), '80-')
})
