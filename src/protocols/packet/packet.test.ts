import assert from 'node:assert/strict'
import { test } from 'node:test'
import { buildPacket } from './build.ts'
import { capture, captureNames, isCaptureName } from './captures.ts'
import { arpOperations, findLayer, type Layer, type Packet, tcpFlags } from './layers.ts'
import { parsePacket } from './parse.ts'

const host1 = '02:02:14:01:01:01'
const host2 = '02:02:14:01:01:02'

function kindsOf(packet: Packet): string {
  return packet.layers.map((layer) => layer.kind).join(' ')
}

for (const name of captureNames) {
  test(`a captured frame is read and built again, byte for byte: ${name}`, () => {
    assert.ok(isCaptureName(name))
    const frame = capture(name)
    const packet = parsePacket(frame)
    assert.deepEqual(packet.problems, [])
    assert.equal(buildPacket(packet.layers).toString('hex'), frame.toString('hex'))
  })
}

test('layers give what the frame says', () => {
  const echo = parsePacket(capture('echoRequest'))
  assert.deepEqual(echo.layers, [
    { kind: 'ethernet', destination: host2, source: host1, etherType: 0x0800 },
    {
      kind: 'ipv4',
      source: '20.1.1.1',
      destination: '20.1.1.2',
      protocol: 1,
      ttl: 64,
      dscp: 0,
      ecn: 0,
      identification: 0x70f5,
      dontFragment: true,
      moreFragments: false,
      fragmentOffset: 0,
      options: Buffer.alloc(0),
    },
    { kind: 'icmp-echo', request: true, identifier: 25, sequence: 1 },
    { kind: 'payload', bytes: Buffer.from('0001020304050607', 'hex') },
  ])
  const advertisement = findLayer(parsePacket(capture('neighborAdvertisement')), 'neighbor-advertisement')
  assert.deepEqual(advertisement, {
    kind: 'neighbor-advertisement',
    target: 'fd00:20::2',
    router: false,
    solicited: true,
    override: true,
    options: [{ kind: 'target-link-address', mac: host2 }],
  })
  const arp = parsePacket(capture('arpInVxlan'))
  assert.equal(kindsOf(arp), 'ethernet ipv4 udp vxlan ethernet arp')
  assert.deepEqual(arp.layers.slice(2), [
    { kind: 'udp', sourcePort: 0xa137, destinationPort: 4789 },
    { kind: 'vxlan', vni: 10_001 },
    { kind: 'ethernet', destination: 'ff:ff:ff:ff:ff:ff', source: '02:02:1e:01:01:01', etherType: 0x0806 },
    {
      kind: 'arp',
      operation: arpOperations.request,
      senderMac: '02:02:1e:01:01:01',
      senderIp: '30.1.1.1',
      targetMac: '00:00:00:00:00:00',
      targetIp: '30.1.1.2',
    },
  ])
  const syn = findLayer(parsePacket(capture('tcpSyn')), 'tcp')
  assert.deepEqual([syn?.flags, syn?.window, syn?.sequence], [tcpFlags.syn, 64_240, 1_508_152_824])
  const report = parsePacket(capture('listenerReportInVxlan'))
  assert.equal(kindsOf(report), 'ethernet ipv4 udp vxlan ethernet ipv6 ipv6-extension icmpv6 payload')
})

test('a packet is built from the little that matters, as a kernel would', () => {
  const frame = buildPacket([
    { kind: 'ethernet', destination: host2, source: host1 },
    { kind: 'ipv4', source: '20.1.1.1', destination: '20.1.1.2', identification: 0xb8bd, dontFragment: true },
    { kind: 'udp', sourcePort: 0x91f8, destinationPort: 9999 },
    { kind: 'payload', bytes: Buffer.from('q') },
  ])
  assert.equal(frame.toString('hex'), capture('udp').toString('hex'))
  const advertisement = buildPacket([
    { kind: 'ethernet', destination: host1, source: host2 },
    { kind: 'ipv6', source: 'fd00:20::2', destination: 'fd00:20::1', hopLimit: 255 },
    {
      kind: 'neighbor-advertisement',
      target: 'fd00:20::2',
      solicited: true,
      override: true,
      options: [{ kind: 'target-link-address', mac: host2 }],
    },
  ])
  assert.equal(advertisement.toString('hex'), capture('neighborAdvertisement').toString('hex'))
})

test('a tagged frame carries its tag between the addresses and what it tags', () => {
  const arp: Layer = {
    kind: 'arp',
    operation: arpOperations.reply,
    senderMac: host1,
    senderIp: '20.1.1.1',
    targetMac: host2,
    targetIp: '20.1.1.2',
  }
  const frame = buildPacket([
    { kind: 'ethernet', destination: host2, source: host1 },
    { kind: 'vlan', vlan: 1001, priority: 5, dropEligible: true },
    arp,
  ])
  assert.equal(
    frame.toString('hex'),
    '020214010102020214010101' + '8100b3e9' + '0806000108000604000202021401010114010101' + '02021401010214010102',
  )
  assert.deepEqual(parsePacket(frame).layers[1], {
    kind: 'vlan',
    vlan: 1001,
    priority: 5,
    dropEligible: true,
    etherType: 0x0806,
  })
})

test('a router advertisement has these bytes', () => {
  const message: Layer = {
    kind: 'router-advertisement',
    hopLimit: 64,
    flags: 0x80,
    lifetimeSeconds: 1800,
    reachableMs: 0,
    retransmitMs: 0,
    options: [
      { kind: 'source-link-address', mac: host1 },
      { kind: 'mtu', mtu: 1450 },
      {
        kind: 'prefix',
        prefix: 'fd00:20::',
        length: 64,
        onLink: true,
        autonomous: true,
        validSeconds: 86_400,
        preferredSeconds: 14_400,
      },
    ],
  }
  const frame = buildPacket([
    { kind: 'ethernet', destination: '33:33:00:00:00:01', source: host1 },
    { kind: 'ipv6', source: 'fe80::1', destination: 'ff02::1', hopLimit: 255 },
    message,
  ])
  assert.equal(
    frame
      .subarray(54)
      .toString('hex')
      .replace(/^(....)..../, '$1____'),
    '8600____40800708' +
      '0000000000000000' +
      '0101020214010101' +
      '05010000000005aa' +
      '030440c000015180' +
      '0000384000000000' +
      'fd00002000000000' +
      '0000000000000000',
  )
  assert.deepEqual(parsePacket(frame).layers[2], message)
})

test('VXLAN may carry the group of the sender', () => {
  const outer: readonly Layer[] = [
    { kind: 'ethernet', destination: host2, source: host1 },
    { kind: 'ipv4', source: '10.0.0.1', destination: '10.0.0.2' },
    { kind: 'udp', sourcePort: 50_000, destinationPort: 4789, checksum: 0 },
    { kind: 'vxlan', vni: 0xabcdef, groupPolicy: 77 },
  ]
  const frame = buildPacket([...outer, { kind: 'ethernet', destination: host2, source: host1, etherType: 0x88b5 }])
  assert.equal(frame.subarray(42, 50).toString('hex'), '8800004dabcdef00')
  assert.deepEqual(findLayer(parsePacket(frame), 'vxlan'), { kind: 'vxlan', vni: 0xabcdef, groupPolicy: 77 })
  assert.deepEqual(parsePacket(frame).problems, [])
})

test('a wrong checksum is reported and kept', () => {
  for (const [name, at] of [
    ['echoRequest', 24],
    ['echoRequest', 36],
    ['tcpData', 50],
    ['udpV6', 60],
    ['neighborSolicitation', 56],
  ] as const) {
    const frame = capture(name)
    frame.writeUInt16BE(frame.readUInt16BE(at) ^ 0x0101, at)
    const packet = parsePacket(frame)
    assert.deepEqual(packet.problems, ['checksum'], name)
    assert.equal(buildPacket(packet.layers).toString('hex'), frame.toString('hex'))
  }
})

test('a packet without its end is read as far as it goes', () => {
  const packet = parsePacket(capture('tcpData').subarray(0, -2))
  assert.equal(kindsOf(packet), 'ethernet ipv4 tcp payload')
  assert.deepEqual(packet.problems, ['truncated'])
})

test('padding behind a short packet is not part of it', () => {
  const packet = parsePacket(Buffer.concat([capture('udp'), Buffer.alloc(17)]))
  assert.deepEqual(packet, parsePacket(capture('udp')))
})

test('what is too short for its header is an error', () => {
  for (const [name, length] of [
    ['udp', 13],
    ['udp', 33],
    ['tcpSyn', 53],
    ['arpInVxlan', 91],
    ['udpV6', 53],
  ] as const) {
    assert.throws(() => parsePacket(capture(name).subarray(0, length)), { kind: 'protocol' }, `${name} ${length}`)
  }
})

test('addresses that are none, and a transport layer outside IP, cannot be built', () => {
  assert.throws(() => buildPacket([{ kind: 'ethernet', destination: 'x', source: host1 }]), { code: 'BAD_ADDRESS' })
  assert.throws(() => buildPacket([{ kind: 'ipv4', source: '300.1.1.1', destination: '1.1.1.1' }]), {
    code: 'BAD_ADDRESS',
  })
  assert.throws(() => buildPacket([{ kind: 'udp', sourcePort: 1, destinationPort: 2 }]), { code: 'NO_IP' })
})

test('endless nesting ends in a payload', () => {
  const tags = Buffer.concat([capture('udp').subarray(0, 12), Buffer.alloc(60_000, Buffer.from('81000001', 'hex'))])
  const packet = parsePacket(tags)
  assert.equal(packet.layers.length, 33)
  assert.equal(packet.layers.at(-1)?.kind, 'payload')
})
