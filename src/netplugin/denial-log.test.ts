import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ruleRecord } from '../../test/support/cluster.ts'
import { denialMarks } from '../core/pipeline/features/denied.ts'
import { ruleNumber } from '../core/pipeline/rule-number.ts'
import { FakeClock } from '../lib/fake-clock.ts'
import type { PacketIn } from '../protocols/openflow/index.ts'
import { buildPacket } from '../protocols/packet/index.ts'
import { DenialLog, linesPerSecond } from './denial-log.ts'
import { recordingLog } from './testing.ts'

const denies = { policy: 'red:guard', direction: 'in', action: 'deny', log: true } as const
const rules = new Map([
  ['red:guard:1', ruleRecord({ ...denies, id: '1' })],
  ['red:guard:quiet', ruleRecord({ policy: 'red:guard', direction: 'in', action: 'deny', id: 'quiet' })],
  ['red:guard:other', ruleRecord({ ...denies, id: 'other' })],
])

function setup() {
  const { log, lines: said } = recordingLog()
  const clock = new FakeClock()
  return { clock, said, denials: new DenialLog({ clock, log, rules: () => rules }) }
}

const macs = { source: '02:00:00:00:00:01', destination: '02:00:00:00:00:02' }
const syn = buildPacket([
  { kind: 'ethernet', ...macs },
  { kind: 'ipv4', source: '10.1.1.3', destination: '10.1.1.2' },
  { kind: 'tcp', sourcePort: 40_000, destinationPort: 81, sequence: 1, acknowledgement: 0, flags: 2, window: 1 },
])

function packetIn(key: string, more: Partial<PacketIn> = {}): PacketIn {
  const number = ruleNumber(key)
  const fields = { reg14: Number(number >> 32n), reg15: Number(number & 0xffff_ffffn) }
  return { table: 48, cookie: 0n, reason: 1, fields, packet: syn, userdata: denialMarks.in, ...more }
}

test('a denied packet is a line with the rule, the addresses and the ports', () => {
  const { denials, said } = setup()
  denials.packetIn(packetIn('red:guard:1'))
  assert.deepEqual(
    said.map(({ phrase, fields }) => ({ phrase, fields })),
    [
      {
        phrase: 'packet denied',
        fields: {
          tenant: 'red',
          policy: 'guard',
          rule: '1',
          direction: 'in',
          source: '10.1.1.3',
          destination: '10.1.1.2',
          protocol: 'tcp',
          sourcePort: 40_000,
          destinationPort: 81,
        },
      },
    ],
  )
})

test('rules that do not log, rules that are gone and other packets are no lines', () => {
  const { denials, said } = setup()
  denials.packetIn(packetIn('red:guard:quiet'))
  denials.packetIn(packetIn('red:guard:gone'))
  denials.packetIn(packetIn('red:guard:1', { userdata: '6e64' }))
  assert.deepEqual(said, [])
})

test('a rule has so many lines a second, and says how many it left out; others are not held up', () => {
  const { denials, said, clock } = setup()
  for (let sent = 0; sent < linesPerSecond + 5; sent++) denials.packetIn(packetIn('red:guard:1'))
  assert.equal(said.length, linesPerSecond)
  denials.packetIn(packetIn('red:guard:other'))
  assert.equal(said.length, linesPerSecond + 1)
  clock.advance(1_000)
  denials.packetIn(packetIn('red:guard:1'))
  assert.equal(said.at(-1)?.fields?.suppressed, 5)
})

test('whatever a container sends, only its line suffers', () => {
  const { denials, said } = setup()
  for (let length = 0; length <= syn.length; length++) {
    denials.packetIn(packetIn(`red:guard:1`, { packet: syn.subarray(0, length) }))
  }
  assert.equal(said.length, linesPerSecond)
})
