import assert from 'node:assert/strict'
import { test } from 'node:test'
import * as captured from './captured.ts'
import { messageType } from './constants.ts'
import { readMessages } from './message.ts'
import { linkEvent } from './monitor.ts'

const message = (type: number, body: Buffer) => ({ type, flags: 0, sequence: 0, port: 0, body })

test('a link message tells of a link', () => {
  const { body } = readMessages(captured.linkAnswer)[0]!
  const event = linkEvent(message(messageType.newLink, body))
  assert.equal(event?.type === 'link' && event.link.name, 'vp1')
  const gone = linkEvent(message(messageType.delLink, body))
  assert.equal(gone?.type === 'link-gone' && gone.link.index, 3)
})

test('what a bridge says of its ports is not the end of a link', () => {
  const body = Buffer.from(readMessages(captured.linkAnswer)[0]!.body)
  body[0] = 7
  assert.equal(linkEvent(message(messageType.delLink, body)), undefined)
  assert.equal(linkEvent(message(messageType.newLink, body)), undefined)
})

test('an address message tells of an address', () => {
  const { body } = readMessages(captured.addressDump)[1]!
  const event = linkEvent(message(messageType.newAddress, body))
  assert.equal(event?.type === 'address' && event.address.cidr, '10.9.0.1/24')
  const gone = linkEvent(message(messageType.delAddress, body))
  assert.equal(gone?.type === 'address-gone' && gone.address.cidr, '10.9.0.1/24')
})

test('other messages tell of nothing', () => {
  assert.equal(linkEvent(message(messageType.newRoute, Buffer.alloc(12))), undefined)
})
