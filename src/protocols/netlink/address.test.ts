import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeAddress, encodeAddress, encodeAddressQuery, parseAddressWithLength } from './address.ts'
import * as captured from './captured.ts'
import { readMessages } from './message.ts'

test('an address is added as iproute2 adds it', () => {
  assert.deepEqual(encodeAddress(5, '10.9.0.1/24', {}), readMessages(captured.addAddress)[0]!.body)
})

test('an IPv6 address without duplicate detection and prefix route carries both flags', () => {
  const request = encodeAddress(7, 'FD00::0:1/64', { nodad: true, noprefixroute: true })
  const address = 'fd000000000000000000000000000001'
  const expected = `0a40020007000000${`14000200${address}`}${`14000100${address}`}0800080002020000`
  assert.equal(request.toString('hex'), expected)
  const read = decodeAddress(request)
  assert.equal(read?.cidr, 'fd00::1/64')
  assert.equal(read?.noPrefixRoute, true)
})

test('flags that fit into the header have no attribute of their own', () => {
  const request = encodeAddress(7, 'fd00::1/64', { nodad: true })
  assert.equal(request.length, 8 + 20 + 20)
  assert.equal(request[2], 2)
})

test('a loopback address has the scope of the host', () => {
  assert.equal(decodeAddress(encodeAddress(1, '127.0.0.2/8', {}))?.scope, 'host')
})

test('the addresses of a dump are read as ip shows them', () => {
  const read = readMessages(captured.addressDump).map((message) => decodeAddress(message.body))
  assert.deepEqual(
    read.map((address) => [address?.index, address?.cidr, address?.scope, address?.tentative]),
    [
      [1, '127.0.0.1/8', 'host', false],
      [5, '10.9.0.1/24', 'global', false],
      [1, '::1/128', 'host', false],
      [4, 'fe80::2:14ff:fe01:101/64', 'link', true],
      [5, 'fd00::1/64', 'global', false],
      [5, 'fe80::6891:88ff:fea5:97ba/64', 'link', true],
    ],
  )
  assert.deepEqual(read[1], {
    index: 5,
    family: 4,
    address: '10.9.0.1',
    prefixLength: 24,
    cidr: '10.9.0.1/24',
    scope: 'global',
    tentative: false,
    duplicate: false,
    noPrefixRoute: false,
  })
})

test('a query asks for all links or one', () => {
  assert.equal(encodeAddressQuery().toString('hex'), '0000000000000000')
  assert.equal(encodeAddressQuery(5).toString('hex'), '0000000005000000')
})

test('other families are not addresses, and an address message without one is a protocol error', () => {
  assert.equal(decodeAddress(Buffer.from('1118800005000000', 'hex')), undefined)
  assert.throws(() => decodeAddress(Buffer.from('0218800005000000', 'hex')), { code: 'BAD_MESSAGE' })
  assert.throws(() => decodeAddress(Buffer.from('02188000', 'hex')), { code: 'TRUNCATED' })
})

test('an address without a length is the whole address, and wrong ones are refused', () => {
  assert.equal(parseAddressWithLength('10.0.0.1').prefixLength, 32)
  assert.equal(parseAddressWithLength('fd00::1').prefixLength, 128)
  for (const text of ['10.0.0.1/33', 'fd00::/129'])
    assert.throws(() => parseAddressWithLength(text), { code: 'BAD_PREFIX' })
  for (const text of ['', '/24', '10.0.0/8', 'a/24', '10.0.0.1/x']) {
    assert.throws(() => parseAddressWithLength(text), { code: 'BAD_ADDRESS' }, text)
  }
})
