import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Writer } from '../../lib/bytes.ts'
import { NetpluginError } from '../../lib/errors.ts'
import * as captured from './captured.ts'
import { messageFlag, messageType } from './constants.ts'
import { type NetlinkMessage, readAck, readMessages, writeMessage } from './message.ts'

const only = (datagram: Buffer): NetlinkMessage => {
  const messages = readMessages(datagram)
  assert.equal(messages.length, 1)
  return messages[0]!
}

test('a captured request is read and rebuilt byte for byte', () => {
  const message = only(captured.setUp)
  const { body: _, ...header } = message
  assert.deepEqual(header, { type: 16, flags: messageFlag.request | messageFlag.ack, sequence: 0x6b00f2f7, port: 0 })
  assert.deepEqual(writeMessage(new Writer(8), message).take(), captured.setUp)
})

test('messages of one datagram are separated, each padded to four', () => {
  const message = { type: 1, flags: 2, sequence: 3, port: 4, body: Buffer.from('abc') }
  const writer = new Writer()
  writeMessage(writeMessage(writer, message), { ...message, sequence: 5, body: Buffer.alloc(0) })
  const bytes = writer.take()
  assert.equal(bytes.toString('hex'), '13000000010002000300000004000000616263001000000001000200' + '0500000004000000')
  const read = readMessages(bytes)
  assert.deepEqual(
    read.map(({ sequence, body }) => [sequence, body.toString()]),
    [
      [3, 'abc'],
      [5, ''],
    ],
  )
})

test('a capped acknowledgement says success', () => {
  const message = only(captured.ackCapped)
  assert.equal(message.type, messageType.error)
  assert.deepEqual(readAck(message), { errno: 0, text: '', offset: undefined })
})

test('an error that repeats the whole request gives its number', () => {
  assert.deepEqual(readAck(only(captured.errorWithRequest)), { errno: 17, text: '', offset: undefined })
})

test('an error with the words of the kernel gives them', () => {
  assert.deepEqual(readAck(only(captured.errorWithText)), {
    errno: 19,
    text: 'ipv4: Device not found',
    offset: undefined,
  })
})

test('attributes after an uncapped request are found behind its padding', () => {
  const body = new Writer().u32le(-22).u32le(19).zeros(12).ascii('abc').zeros(1)
  body.u16le(8).u16le(2).u32le(20)
  const message = { type: messageType.error, flags: messageFlag.ackAttributes, sequence: 1, port: 0, body: body.take() }
  assert.deepEqual(readAck(message), { errno: 22, text: '', offset: 20 })
})

test('the end of a dump carries an error number and no request', () => {
  const body = new Writer().u32le(-4).take()
  assert.equal(readAck({ type: messageType.done, flags: messageFlag.multi, sequence: 1, port: 0, body }).errno, 4)
  const empty = { type: messageType.done, flags: messageFlag.multi, sequence: 1, port: 0, body: Buffer.alloc(0) }
  assert.equal(readAck(empty).errno, 0)
})

test('impossible lengths are protocol errors', () => {
  assert.throws(() => readMessages(Buffer.from('0f000000100005000000000000000000', 'hex')), { code: 'BAD_MESSAGE' })
  assert.throws(() => readMessages(Buffer.from('20000000100005000000000000000000', 'hex')), { code: 'TRUNCATED' })
  assert.throws(() => readMessages(Buffer.from('1000', 'hex')), { code: 'TRUNCATED' })
})

test('any bytes, and any damage to real ones, are read or refused as a protocol error', () => {
  const real = fc.constantFrom(captured.errorWithText, captured.errorWithRequest, captured.linkAnswer)
  const damaged = fc.tuple(real, fc.nat(), fc.integer({ min: 0, max: 255 })).map(([bytes, at, value]) => {
    const copy = Buffer.from(bytes)
    copy[at % 60] = value
    return copy
  })
  const inputs = fc.oneof(
    damaged,
    fc.uint8Array({ maxLength: 100 }).map((bytes) => Buffer.from(bytes)),
  )
  fc.assert(
    fc.property(inputs, (bytes) => {
      try {
        for (const message of readMessages(bytes)) readAck(message)
      } catch (error) {
        assert.ok(error instanceof NetpluginError && error.kind === 'protocol', String(error))
      }
    }),
    { numRuns: 2_000 },
  )
})
