import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  captured,
  capturedBundleAdd,
  capturedFlush,
  capturedFlushZone,
  capturedPacketOut,
  capturedXid,
} from '../../../test/support/openflow-captured.ts'
import { Reader, Writer } from '../../lib/bytes.ts'
import { NetpluginError } from '../../lib/errors.ts'
import { encodeBundleAdd } from './bundle.ts'
import { encodeConntrackFlush } from './conntrack.ts'
import { decodeError, encodeError } from './error.ts'
import { Deframer, type Message } from './message.ts'
import { decodeModification, encodeModification } from './modification.ts'
import { decodePacketOut, encodePacketOut } from './packet.ts'

function written(encode: (w: Writer) => void): string {
  const w = new Writer()
  encode(w)
  return w.take().toString('hex')
}

function read(hex: string): Message {
  const [message] = new Deframer().feed(Buffer.from(hex, 'hex'))
  assert.ok(message)
  return message
}

for (const { command, bytes, modification } of captured) {
  test(`"${command}" is written byte for byte as ovs-ofctl writes it`, () => {
    assert.equal(
      written((w) => encodeModification(w, capturedXid, modification)),
      bytes,
    )
  })

  test(`"${command}" is read back as what it means`, () => {
    assert.deepEqual(decodeModification(read(bytes)), modification)
  })
}

test('a bundle-add wraps a modification as ovs-ofctl wraps it', () => {
  const second = captured[1]
  assert.ok(second)
  assert.equal(
    written((w) => encodeBundleAdd(w, capturedXid, 0, second.modification)),
    capturedBundleAdd,
  )
})

test('a packet-out is written and read as ovs-ofctl writes it', () => {
  const packet = Buffer.from(capturedPacketOut.slice(-102), 'hex')
  const out = { inPort: 'controller', actions: [{ type: 'output', port: 5 }], packet } as const
  assert.equal(
    written((w) => encodePacketOut(w, capturedXid, out)),
    capturedPacketOut,
  )
  assert.deepEqual(decodePacketOut(read(capturedPacketOut).body), out)
})

test('flushes of connections are written as ovs-ofctl writes them', () => {
  const match = { zone: 5, protocol: 6, original: { source: '10.0.0.1', destinationPort: 80 } }
  assert.equal(
    written((w) => encodeConntrackFlush(w, 2, match)),
    capturedFlush,
  )
  assert.equal(
    written((w) => encodeConntrackFlush(w, 2, { zone: 5 })),
    capturedFlushZone,
  )
})

test('messages come out whole, however the stream is cut', () => {
  const stream = Buffer.concat(captured.map(({ bytes }) => Buffer.from(bytes, 'hex')))
  for (const size of [1, 7, 8, 9, 100, stream.length]) {
    const deframer = new Deframer()
    let count = 0
    for (let at = 0; at < stream.length; at += size) count += deframer.feed(stream.subarray(at, at + size)).length
    assert.equal(count, captured.length)
  }
})

test('a message shorter than its header is refused', () => {
  assert.throws(() => new Deframer().feed(Buffer.from('0500000700000000', 'hex')), { code: 'MESSAGE_LENGTH' })
})

test('errors carry the name that the specification gives them', () => {
  const message = read(written((w) => encodeError(w, 9, 'OFPBMC_BAD_PREREQ')))
  assert.equal(message.xid, 9)
  assert.deepEqual(decodeError(message.body), { type: 4, code: 9, name: 'OFPBMC_BAD_PREREQ' })
  assert.equal(decodeError(new Reader(Buffer.from('ffff000f00002320', 'hex'))).name, 'NXBAC_BAD_CONJUNCTION')
  assert.equal(decodeError(new Reader(Buffer.from('00630001', 'hex'))).name, 'OFPET_99_1')
})

const refused: readonly (readonly [what: string, code: string, encode: (w: Writer) => void])[] = [
  ['an IPv4 address that is none', 'OXM_VALUE', flowWith({ eth_type: 0x0800, ipv4_src: '10.0.0.256' })],
  ['a port over 16 bits', 'OXM_VALUE', flowWith({ tcp_dst: 65536 })],
  ['a negative register', 'OXM_VALUE', flowWith({ reg0: -1 })],
  ['half a number', 'OXM_VALUE', flowWith({ reg0: 0.5 })],
  ['a mask on a field that has none', 'OXM_MASK', flowWith({ in_port: { value: 1, mask: 1 } })],
  ['a VLAN without the bit for "tagged"', 'OXM_VLAN', flowWith({ vlan_vid: 5 })],
  ['a range beyond its field', 'OXM_RANGE', moveOf(20, 20)],
  ['a move between different widths', 'MOVE_WIDTH', moveOf(0, 3)],
]

function flowWith(match: object): (w: Writer) => void {
  return (w) =>
    encodeModification(w, 1, { op: 'add-flow', flow: { table: 0, priority: 0, cookie: 0n, match, actions: [] } })
}

function moveOf(offset: number, bits: number): (w: Writer) => void {
  const to = { field: 'reg1', offset: 0, bits: 20 } as const
  const from = { field: 'reg0', offset, bits } as const
  const output = { type: 'output_field', from } as const
  const move = { type: 'move', from, to } as const
  const actions = [bits === to.bits ? output : move]
  return (w) =>
    encodeModification(w, 1, { op: 'add-flow', flow: { table: 0, priority: 0, cookie: 0n, match: {}, actions } })
}

for (const [what, code, encode] of refused) {
  test(`${what} is refused before it is sent`, () => {
    assert.throws(
      () => encode(new Writer()),
      (error) => error instanceof NetpluginError && error.kind === 'invalid' && error.code === code,
    )
  })
}
