import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { buildPacket, findLayer, parsePacket, tcpFlags } from '../../protocols/packet/index.ts'
import { closingOf, openingOf, probeAnswerOf } from './probes.ts'

const probed = {
  address: '10.1.0.2',
  mac: '02:02:0a:01:00:02',
  port: 8080,
  service: '10.1.0.100',
  serviceMac: '00:00:11:11:11:11',
}

/** What the provider's kernel says to an opening. */
function answer(flags: number, acknowledgement: number): Buffer {
  return buildPacket([
    { kind: 'ethernet', source: probed.mac, destination: probed.serviceMac },
    { kind: 'ipv4', source: probed.address, destination: probed.service, ttl: 64 },
    { kind: 'tcp', sourcePort: 8080, destinationPort: 1, sequence: 9, acknowledgement, flags },
  ])
}

test('an opening comes from the service, and has these bytes', () => {
  const bytes = openingOf(probed, 0x01020304)
  assert.equal(
    bytes.subarray(0, 14 + 40).toString('hex'),
    '02020a0100020000111111110800' + // to the provider
      bytes.subarray(14, 34).toString('hex') +
      '00011f9001020304000000005002' + // 1 to 8080, SYN
      bytes.subarray(48, 54).toString('hex'),
  )
  const packet = parsePacket(bytes)
  const ipv4 = findLayer(packet, 'ipv4')
  assert.deepEqual([ipv4?.source, ipv4?.destination], [probed.service, probed.address])
})

test('answers say what is there, and to which opening', () => {
  const { syn, ack, rst } = tcpFlags
  const base = { address: '10.1.0.2', port: 8080, service: '10.1.0.100' }
  assert.deepEqual(probeAnswerOf(answer(syn | ack, 8)), { ...base, says: 'open', sequence: 7 })
  assert.deepEqual(probeAnswerOf(answer(rst | ack, 0)), { ...base, says: 'closed', sequence: 0xffff_ffff })
  assert.deepEqual(probeAnswerOf(answer(ack, 1)), { ...base, says: 'stale', sequence: 0 })
  assert.equal(probeAnswerOf(answer(rst, 8)), undefined)
  assert.equal(probeAnswerOf(openingOf(probed, 1)), undefined)
})

test('what an answer began is ended where it expects it', () => {
  const tcp = findLayer(parsePacket(closingOf(probed, 0xffff_ffff)), 'tcp')
  assert.deepEqual([tcp?.sequence, tcp?.flags], [0, tcpFlags.rst])
})

test('any bytes are an answer or none', () => {
  const good = answer(tcpFlags.syn | tcpFlags.ack, 8)
  fc.assert(
    fc.property(fc.nat(good.length - 1), fc.nat(255), fc.nat(good.length), (at, value, length) => {
      const bytes = Buffer.from(good)
      bytes[at] = value
      probeAnswerOf(bytes.subarray(0, length))
    }),
  )
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => void probeAnswerOf(Buffer.from(bytes))))
})
