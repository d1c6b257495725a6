import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeNeighbour, encodeNeighbour, encodeNeighbourQuery } from './neighbour.ts'

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

test('a query asks for IPv4 neighbours', () => {
  assert.deepEqual(encodeNeighbourQuery(), hex('02 000000 00000000 0000 00 00'))
})

test('a deletion names link and address', () => {
  assert.deepEqual(encodeNeighbour(5, '10.78.0.2'), hex('02 000000 05000000 0000 00 00 0800 0100 0a4e0002'))
  const v6 = 'fd000000000000000000000000000002'
  assert.deepEqual(encodeNeighbour(5, 'fd00::2'), hex(`0a 000000 05000000 0000 00 00 1400 0100 ${v6}`))
})

test('a learnt neighbour, one set by hand, one that is being asked for', () => {
  const mac = '0a00 0200 027700010002 0000'
  const entry = (state: string, rest: string) => hex(`02 000000 05000000 ${state} 00 01 0800 0100 0a4e0002 ${rest}`)
  const known = { index: 5, address: '10.78.0.2', mac: '02:77:00:01:00:02' }
  assert.deepEqual(decodeNeighbour(entry('0200', mac)), { ...known, fixed: false })
  assert.deepEqual(decodeNeighbour(entry('8000', mac)), { ...known, fixed: true })
  assert.deepEqual(decodeNeighbour(entry('4000', mac)), { ...known, fixed: true })
  assert.deepEqual(decodeNeighbour(entry('0100', '')), { ...known, mac: undefined, fixed: false })
})

test('entries of bridges and without an address are none; a short message is an error', () => {
  assert.equal(decodeNeighbour(hex('07 000000 05000000 0200 00 01')), undefined)
  assert.equal(decodeNeighbour(hex('02 000000 05000000 0200 00 01')), undefined)
  assert.throws(() => decodeNeighbour(hex('02 000000 0500')), { code: 'TRUNCATED' })
})
