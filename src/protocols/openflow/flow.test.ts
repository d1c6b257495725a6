import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import * as arbitrary from '../../../test/support/openflow-arbitrary.ts'
import { captured } from '../../../test/support/openflow-captured.ts'
import { Reader, Writer } from '../../lib/bytes.ts'
import { NetpluginError } from '../../lib/errors.ts'
import { decodeError } from './error.ts'
import { canonicalise, decodeFlowStats, encodeFlowStats, type Flow } from './flow.ts'
import { canonicalFlow, flowIdentity, formatFlow } from './format.ts'
import { decodeGroupDesc } from './group.ts'
import { canonicalMatch } from './match.ts'
import { Deframer } from './message.ts'
import { decodeMeterConfig, decodeMeterFeatures } from './meter.ts'
import { decodeModification, encodeModification } from './modification.ts'
import { decodePacketIn, decodePacketIn2, decodePacketOut } from './packet.ts'
import { decodePort } from './port.ts'
import { missingPrerequisite } from './prerequisites.ts'

function throughFlowMod(flow: Flow): unknown {
  const w = new Writer()
  encodeModification(w, 1, { op: 'add-flow', flow })
  const [message] = new Deframer().feed(w.take())
  assert.ok(message)
  return decodeModification(message)
}

test('a flow comes out of a flow-mod in canonical form', () => {
  fc.assert(
    fc.property(arbitrary.flow, (flow) => {
      assert.deepEqual(throughFlowMod(flow), { op: 'add-flow', flow: canonicalise(flow) })
    }),
  )
})

test('a flow comes out of flow statistics in canonical form', () => {
  const counters = { packets: 3n, bytes: 4n, durationSeconds: 5 }
  fc.assert(
    fc.property(arbitrary.flow, (flow) => {
      const w = new Writer()
      encodeFlowStats(w, { ...flow, ...counters })
      assert.deepEqual(decodeFlowStats(new Reader(w.take())), { ...canonicalise(flow), ...counters })
    }),
  )
})

test('the canonical form of a canonical flow is itself', () => {
  fc.assert(
    fc.property(arbitrary.flow, (flow) => {
      const once = canonicalise(flow)
      assert.deepEqual(canonicalise(once), once)
      assert.equal(canonicalFlow(once), canonicalFlow(flow))
    }),
  )
})

test('two flows have the same canonical text exactly when they do the same', () => {
  const cookieless = (flow: Flow) => ({ ...canonicalise(flow), cookie: 0n })
  const pair = fc.tuple(arbitrary.flow, arbitrary.flow, fc.constantFrom('match', 'actions', 'goto', 'table' as const))
  fc.assert(
    fc.property(pair, ([a, other, part]) => {
      const b: Flow = { ...a, [part]: other[part] }
      const same = isEqual(cookieless(a), cookieless(b))
      assert.equal(canonicalFlow(a) === canonicalFlow(b), same)
    }),
  )
})

function isEqual(a: unknown, b: unknown): boolean {
  try {
    assert.deepEqual(a, b)
    return true
  } catch {
    return false
  }
}

const flow: Flow = {
  table: 3,
  priority: 100,
  cookie: 0x10n,
  match: { ipv4_dst: { value: '10.2.3.4', mask: '255.255.0.0' }, eth_type: 0x0800, in_port: 0xfffffffe },
  actions: [
    { type: 'set_field', field: 'reg0', value: 0x50000, mask: 0xffff0000 },
    { type: 'ct', commit: true, zone: 7, nat: { kind: 'dst', min: 'FD00::0:5', max: 'fd00::5', portMin: 80 } },
  ],
  goto: 9,
}

test('canonical text has the fields in table order and nothing beyond the masks', () => {
  assert.equal(
    canonicalFlow(flow),
    'table=3,priority=100,in_port=local,eth_type=0x800,ipv4_dst=10.2.0.0/255.255.0.0' +
      ' actions=set_field:0x50000/0xffff0000->reg0,ct(commit,zone=7,nat(dst=[fd00::5]:80)),goto_table:9',
  )
})

test('the order of fields, masks of ones and masks of zero do not matter', () => {
  const { ipv4_dst, eth_type, in_port } = flow.match
  const same: Flow = {
    ...flow,
    cookie: 0n,
    match: {
      in_port: in_port ?? 0,
      eth_type: { value: eth_type === undefined ? 0 : 0x0800, mask: 0xffff },
      reg5: { value: 7, mask: 0 },
      ipv4_dst: ipv4_dst ?? '',
    },
  }
  assert.equal(canonicalFlow(same), canonicalFlow(flow))
  assert.equal(flowIdentity(same), flowIdentity(flow))
})

test('text for people names tables and shows the cookie', () => {
  const text = formatFlow(flow, (table) => (table === 3 ? 'Track' : 'State'))
  assert.match(text, /^cookie=0x10, table=Track, priority=100, in_port=local,.*goto_table:State$/)
})

test('a match on a wide register is one on the registers it consists of', () => {
  assert.deepEqual(canonicalMatch({ xreg1: 0x1_0000_0002n }), { reg2: 1, reg3: 2 })
  assert.deepEqual(canonicalMatch({ xxreg1: { value: 5n, mask: 0xffn } }), { reg7: { value: 5, mask: 0xff } })
})

test('fields and instructions of others are kept byte for byte', () => {
  const foreign = {
    match: '000151080000000100000003',
    instructions: '0002001800000000000000000000000500000000000000ff',
  }
  const strange: Flow = { table: 1, priority: 2, cookie: 0n, match: { reg0: 1 }, actions: [], foreign }
  assert.deepEqual(throughFlowMod(strange), { op: 'add-flow', flow: strange })
})

test('an action that nobody knows is kept byte for byte', () => {
  const unknown = { type: 'unknown', bytes: 'ffff0010000023200011000000000000' } as const
  const odd: Flow = { table: 1, priority: 2, cookie: 0n, match: {}, actions: [unknown, { type: 'pop_vlan' }] }
  assert.deepEqual(throughFlowMod(odd), { op: 'add-flow', flow: odd })
})

test('what a match lacks is said', () => {
  assert.equal(missingPrerequisite({ eth_type: 0x0800, ip_proto: 6, tcp_dst: 80 }), undefined)
  assert.equal(missingPrerequisite({ eth_type: 0x0800, tcp_dst: 80 }), 'tcp_dst needs ip_proto to be 0x6')
  assert.equal(missingPrerequisite({ ipv6_src: 'fe80::1' }), 'ipv6_src needs eth_type to be 0x86dd')
  assert.equal(missingPrerequisite({ vlan_pcp: 3 }), 'vlan_pcp needs vlan_vid to be tagged')
})

const decoders: readonly ((bytes: Buffer) => unknown)[] = [
  (bytes) => new Deframer().feed(bytes).map(decodeModification),
  (bytes) => decodeFlowStats(new Reader(bytes)),
  (bytes) => decodeGroupDesc(new Reader(bytes)),
  (bytes) => decodePort(new Reader(bytes)),
  (bytes) => decodePacketIn(new Reader(bytes)),
  (bytes) => decodePacketIn2(new Reader(bytes)),
  (bytes) => decodePacketOut(new Reader(bytes)),
  (bytes) => decodeError(new Reader(bytes)),
  (bytes) => decodeMeterConfig(new Reader(bytes)),
  (bytes) => decodeMeterFeatures(new Reader(bytes)),
]

function damaged(source: readonly Buffer[]): fc.Arbitrary<Buffer> {
  const change = fc.record({ at: fc.nat(500), byte: fc.integer({ min: 0, max: 255 }) })
  return fc
    .tuple(fc.constantFrom(...source), fc.array(change, { maxLength: 4 }), fc.oneof(fc.constant(0), fc.nat(50)))
    .map(([whole, changes, cut]) => {
      const bytes = Buffer.from(whole.subarray(0, Math.max(8, whole.length - cut)))
      for (const { at, byte } of changes) bytes[at % bytes.length] = byte
      return bytes
    })
}

test('damaged and random bytes are decoded or refused as a protocol error, nothing else', () => {
  const messages = captured.map(({ bytes }) => Buffer.from(bytes, 'hex'))
  const bodies = messages.map((message) => message.subarray(8))
  const random = fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes))
  fc.assert(
    fc.property(fc.oneof(damaged(messages), damaged(bodies), random), (bytes) => {
      for (const decode of decoders) {
        try {
          decode(bytes)
        } catch (error) {
          assert.ok(error instanceof NetpluginError && error.kind === 'protocol', String(error))
        }
      }
    }),
    { numRuns: 3000 },
  )
})

test('a flow that was decoded can be formatted and sent again', () => {
  const messages = captured.map(({ bytes }) => Buffer.from(bytes, 'hex'))
  let decoded = 0
  fc.assert(
    fc.property(damaged(messages), (bytes) => {
      let modifications: ReturnType<typeof decodeModification>[]
      try {
        modifications = new Deframer().feed(bytes).map(decodeModification)
      } catch {
        return
      }
      for (const modification of modifications) {
        if (modification.op !== 'add-flow') continue
        decoded++
        assert.equal(canonicalFlow(modification.flow), canonicalFlow(canonicalise(modification.flow)))
        encodeModification(new Writer(), 1, modification)
      }
    }),
    { numRuns: 2000 },
  )
  assert.ok(decoded > 100)
})
