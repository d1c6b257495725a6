// Packets that a generator made up, well-formed and not.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatIpv4, formatIpv6, formatMac } from '../../lib/address.ts'
import { NetpluginError } from '../../lib/errors.ts'
import { buildPacket } from './build.ts'
import { capture, captureNames, isCaptureName } from './captures.ts'
import type { Layer, NdOption } from './layers.ts'
import { parsePacket } from './parse.ts'

const host1 = '02:02:14:01:01:01'
const host2 = '02:02:14:01:01:02'

const mac = fc.nat(0xffffffff).map((value) => formatMac(value))
const ipv4 = fc.nat(0xffffffff).map((value) => formatIpv4(value))
const ipv6 = fc.bigInt({ min: 0n, max: (1n << 128n) - 1n }).map(formatIpv6)
const u8 = fc.nat(0xff)
const u16 = fc.nat(0xffff)
const u32 = fc.nat(0xffffffff)
const payload = fc
  .uint8Array({ minLength: 1, maxLength: 40 })
  .map((bytes): Layer => ({ kind: 'payload', bytes: Buffer.from(bytes) }))
const ndOption: fc.Arbitrary<NdOption> = fc
  .oneof(
    fc.record({ kind: fc.constant('source-link-address' as const), mac }),
    fc.record({ kind: fc.constant('target-link-address' as const), mac }),
    fc.record({ kind: fc.constant('mtu' as const), mtu: u32 }),
    fc.record({
      kind: fc.constant('other' as const),
      type: fc.integer({ min: 6, max: 255 }),
      body: fc.uint8Array({ minLength: 6, maxLength: 6 }).map((bytes) => Buffer.from(bytes)),
    }),
  )
  .map((option) => ({ ...option })) // plain objects, as the parser makes them
const options = fc.array(ndOption, { maxLength: 4 })

const transport: fc.Arbitrary<readonly Layer[]> = fc.oneof(
  fc.tuple(
    fc.record({
      kind: fc.constant('udp' as const),
      sourcePort: u16,
      destinationPort: u16.filter((port) => port !== 4789),
    }),
    payload,
  ),
  fc.tuple(
    fc.record({
      kind: fc.constant('tcp' as const),
      sourcePort: u16,
      destinationPort: u16,
      sequence: u32,
      acknowledgement: u32,
      flags: u8,
      window: u16,
      urgent: u16,
      options: fc.constantFrom(Buffer.alloc(0), Buffer.from('020405b4', 'hex')),
    }),
    payload,
  ),
)
const overIpv4: fc.Arbitrary<readonly Layer[]> = fc.oneof(
  transport,
  fc.tuple(
    fc.record({ kind: fc.constant('icmp-echo' as const), request: fc.boolean(), identifier: u16, sequence: u16 }),
    payload,
  ),
)
const overIpv6: fc.Arbitrary<readonly Layer[]> = fc.oneof(
  transport,
  fc.tuple(
    fc.record({ kind: fc.constant('icmpv6-echo' as const), request: fc.boolean(), identifier: u16, sequence: u16 }),
    payload,
  ),
  fc.tuple(fc.record({ kind: fc.constant('neighbor-solicitation' as const), target: ipv6, options })),
  fc.tuple(
    fc.record({
      kind: fc.constant('neighbor-advertisement' as const),
      target: ipv6,
      router: fc.boolean(),
      solicited: fc.boolean(),
      override: fc.boolean(),
      options,
    }),
  ),
)
const ethernet = fc.record({ kind: fc.constant('ethernet' as const), destination: mac, source: mac })
const packets: fc.Arbitrary<readonly Layer[]> = fc.oneof(
  fc
    .tuple(
      ethernet,
      fc.record({
        kind: fc.constant('ipv4' as const),
        source: ipv4,
        destination: ipv4,
        ttl: u8,
        dscp: fc.nat(63),
        ecn: fc.nat(3),
        identification: u16,
        dontFragment: fc.boolean(),
      }),
      overIpv4,
    )
    .map(([outer, ip, inner]) => [outer, ip, ...inner]),
  fc
    .tuple(
      ethernet,
      fc.record({
        kind: fc.constant('ipv6' as const),
        source: ipv6,
        destination: ipv6,
        hopLimit: u8,
        dscp: fc.nat(63),
        ecn: fc.nat(3),
        flowLabel: fc.nat(0xfffff),
      }),
      overIpv6,
    )
    .map(([outer, ip, inner]) => [outer, ip, ...inner]),
)

test('every packet that was built is read as it was meant, without problems, also inside VXLAN and a VLAN', () => {
  fc.assert(
    fc.property(packets, fc.nat(0xffffff), fc.nat(4095), (layers, vni, vlan) => {
      const outer: readonly Layer[] = [
        { kind: 'ethernet', destination: host2, source: host1 },
        { kind: 'vlan', vlan },
        { kind: 'ipv4', source: '10.0.0.1', destination: '10.0.0.2' },
        { kind: 'udp', sourcePort: 1, destinationPort: 4789 },
        { kind: 'vxlan', vni },
      ]
      const meant = [...outer, ...layers]
      const frame = buildPacket(meant)
      const packet = parsePacket(frame)
      assert.deepEqual(packet.problems, [])
      assert.equal(packet.layers.length, meant.length)
      for (const [index, layer] of meant.entries()) {
        const read: Readonly<Record<string, unknown>> = { ...packet.layers[index] }
        for (const [field, value] of Object.entries(layer))
          assert.deepEqual(read[field], value, `${layer.kind} ${field}`)
      }
      assert.deepEqual(buildPacket(packet.layers), frame)
    }),
    { numRuns: 300 },
  )
})

test('any bytes are a packet or a protocol error', () => {
  const names = captureNames.filter(isCaptureName)
  const damaged = fc
    .tuple(fc.constantFrom(...names), fc.array(fc.tuple(fc.nat(120), u8), { maxLength: 8 }), fc.nat(160))
    .map(([name, changes, length]) => {
      const frame = capture(name).subarray(0, length)
      for (const [at, value] of changes) if (at < frame.length) frame[at] = value
      return frame
    })
  const noise = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
  fc.assert(
    fc.property(fc.oneof(damaged, noise), (frame) => {
      try {
        const packet = parsePacket(frame)
        buildPacket(packet.layers)
      } catch (error) {
        assert.ok(error instanceof NetpluginError && error.kind === 'protocol', String(error))
      }
    }),
    { numRuns: 5_000 },
  )
})
