import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildPacket, findLayer, type Layer, parsePacket, type Tcp, tcpFlags } from '../../protocols/packet/index.ts'
import { probeOf, refusalOf } from './refusals.ts'

const frame: readonly Layer[] = [
  { kind: 'ethernet', source: '02:02:0a:01:00:01', destination: '00:00:11:11:11:11' },
  { kind: 'ipv4', source: '10.1.0.1', destination: '10.1.0.100' },
]
const tcp = (more: Partial<Tcp>): Tcp => ({ kind: 'tcp', sourcePort: 40_000, destinationPort: 80, flags: 0, ...more })

function refused(...layers: readonly Layer[]) {
  const answer = refusalOf(buildPacket([...frame, ...layers]))
  return answer === undefined ? undefined : parsePacket(answer)
}

test('who opens a connection is told that nobody listens, as by the host itself', () => {
  const answer = refused(tcp({ flags: tcpFlags.syn, sequence: 0xffff_ffff }))
  assert.ok(answer)
  assert.deepEqual(answer.problems, [])
  const { sequence, acknowledgement, flags, sourcePort, destinationPort } = findLayer(answer, 'tcp') ?? tcp({})
  assert.deepEqual([sequence, acknowledgement, flags], [0, 0, tcpFlags.rst | tcpFlags.ack])
  assert.deepEqual([sourcePort, destinationPort], [80, 40_000])
  assert.equal(findLayer(answer, 'ipv4')?.source, '10.1.0.100')
  assert.deepEqual(findLayer(answer, 'ethernet')?.destination, '02:02:0a:01:00:01')
})

test('who has a connection open is reset by the number that it expects', () => {
  const answer = refused(tcp({ flags: tcpFlags.ack, sequence: 7, acknowledgement: 1_000 }))
  const reset = answer && findLayer(answer, 'tcp')
  assert.deepEqual([reset?.sequence, reset?.flags], [1_000, tcpFlags.rst])
  const data = refused(tcp({ flags: tcpFlags.fin, sequence: 7 }), { kind: 'payload', bytes: Buffer.from('abc') })
  assert.equal(data && findLayer(data, 'tcp')?.acknowledgement, 7 + 3 + 1)
})

test('other packets are answered by "port unreachable" with their beginning', () => {
  const answer = refused(
    { kind: 'udp', sourcePort: 5000, destinationPort: 53 },
    { kind: 'payload', bytes: Buffer.alloc(64) },
  )
  assert.ok(answer)
  const icmp = findLayer(answer, 'icmp')
  assert.deepEqual([icmp?.type, icmp?.code], [3, 3])
  assert.equal(findLayer(answer, 'payload')?.bytes.length, 28)
})

test('what would be answered without end, and what is no packet, is left alone', () => {
  assert.equal(refused(tcp({ flags: tcpFlags.rst })), undefined)
  assert.equal(refused({ kind: 'icmp', type: 3, code: 3 }), undefined)
  assert.equal(refused({ kind: 'icmp-echo', request: true, identifier: 1, sequence: 1 }), undefined)
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(14), Buffer.from('ff'.repeat(20), 'hex')]) {
    assert.equal(refusalOf(bytes), undefined)
  }
})

test('a client is asked to speak by a second opening from the service', () => {
  const bytes = probeOf({
    mac: '00:00:11:11:11:11',
    clientMac: '02:02:0a:01:00:01',
    service: '10.1.0.100',
    servicePort: 80,
    client: '10.1.0.1',
    clientPort: 40_000,
  })
  const packet = parsePacket(bytes)
  assert.deepEqual(packet.problems, [])
  assert.equal(findLayer(packet, 'tcp')?.flags, tcpFlags.syn)
  assert.equal(findLayer(packet, 'ipv4')?.destination, '10.1.0.1')
})
