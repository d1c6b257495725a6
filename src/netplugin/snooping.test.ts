import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { NodeCompiler, portNames } from '../core/compile/compile-node.ts'
import { membershipMark } from '../core/pipeline/features/multicast.ts'
import { FakeClock } from '../lib/fake-clock.ts'
import type { MulticastMode } from '../model/multicast.ts'
import type { PacketOut } from '../protocols/openflow/index.ts'
import { buildPacket, igmpBytes, ipProtocols, type MembershipMessage, recordTypes } from '../protocols/packet/index.ts'
import { Snooping } from './snooping.ts'
import { background, recordingLog, settle, small, withEndpoints } from './testing.ts'

const net = 'default:net'
const group = '239.1.1.1'
const web = { id: 'web', network: net, node: 'node1', ipv4: '10.1.0.1' }
const db = { id: 'db', network: net, node: 'node1', ipv4: '10.1.0.2' }

function said(message: MembershipMessage): Buffer {
  return buildPacket([
    { kind: 'ethernet', source: '02:02:0a:01:00:01', destination: '01:00:5e:00:00:16' },
    { kind: 'ipv4', source: '10.1.0.1', destination: '224.0.0.22', ttl: 1, protocol: ipProtocols.igmp },
    { kind: 'payload', bytes: igmpBytes(message) },
  ])
}

const record = (type: number): MembershipMessage => ({ kind: 'records', records: [{ type, group, sources: [] }] })

function setup(t: TestContext) {
  const clock = new FakeClock()
  const sent: PacketOut[] = []
  let changes = 0
  const snooping = new Snooping({
    clock,
    log: recordingLog().log,
    send: (packets) => Promise.resolve(void sent.push(...packets)),
    changed: () => void changes++,
  })
  background(t, (signal) => snooping.run(signal))
  /** A pass with these endpoints, whose ports count from 11. */
  const pass = (
    endpoints: readonly (typeof web)[],
    { multicast = 'snoop' as MulticastMode, complete = true } = {},
  ): void => {
    const plain = withEndpoints(small(), ...endpoints)
    const networks = new Map([...plain.networks].map(([key, network]) => [key, { ...network, multicast }]))
    const network = new NodeCompiler('node1').compile({ ...plain, networks })
    const ports = endpoints.map(({ id }, index) => [portNames(id).portName, index + 11] as const)
    snooping.passed(network, new Map(ports), complete)
  }
  const hear = (port: number, message: MembershipMessage, userdata: string = membershipMark) =>
    snooping.packetIn({ table: 8, cookie: 0n, reason: 1, fields: { in_port: port }, packet: said(message), userdata })
  /** Ports that were asked since the last time, once for each packet. */
  const asked = async (ms = 0) => {
    clock.advance(ms)
    await settle()
    return sent.splice(0).map(({ actions }) => actions.map((action) => ('port' in action ? action.port : 0)))
  }
  const known = () => {
    const { everything = new Set(), groups = new Map() } = snooping.view().get(net) ?? {}
    return { everything: [...everything], members: [...(groups.get(group) ?? [])] }
  }
  return { snooping, clock, pass, hear, asked, known, changes: () => changes }
}

test('who was there before the agent is asked, and gets everything until it has had time to answer', async (t) => {
  const { pass, hear, asked, known, snooping } = setup(t)
  assert.equal(snooping.view().has(net), false, 'before the first pass nothing is known')
  pass([web, db], { complete: false })
  assert.deepEqual(known().everything, ['web', 'db'])
  // One question by IGMP, one by MLD, to each.
  assert.deepEqual(await asked(), [
    [11, 12],
    [11, 12],
  ])
  hear(11, record(recordTypes.isExclude))
  await asked(2_999)
  assert.deepEqual(known(), { everything: ['web', 'db'], members: ['web'] })
  await asked(1)
  assert.deepEqual(known(), { everything: [], members: ['web'] })
})

test('who comes later is asked, but does not get everything', async (t) => {
  const { pass, asked, known } = setup(t)
  pass([])
  pass([web])
  assert.deepEqual(known(), { everything: [], members: [] })
  assert.deepEqual(await asked(), [[11], [11]])
  pass([web, db])
  assert.deepEqual(await asked(), [[12], [12]])
})

test('all are asked each 125 seconds', async (t) => {
  const { pass, asked } = setup(t)
  pass([web, db])
  await asked()
  assert.deepEqual(await asked(124_999), [])
  assert.deepEqual(await asked(1), [
    [11, 12],
    [11, 12],
  ])
  assert.deepEqual(await asked(125_000), [
    [11, 12],
    [11, 12],
  ])
})

test('who leaves is asked about the group, alone, and is none after two seconds', async (t) => {
  const { pass, hear, asked, known, changes } = setup(t)
  pass([])
  pass([web, db])
  await asked()
  hear(12, record(recordTypes.toExclude))
  assert.deepEqual(known().members, ['db'])
  hear(12, record(recordTypes.toInclude))
  assert.deepEqual(await asked(), [[12]])
  assert.deepEqual(await asked(1_000), [[12]])
  assert.deepEqual(known().members, ['db'])
  const before = changes()
  await asked(1_000)
  assert.deepEqual(known().members, [])
  assert.ok(changes() > before, 'a pass follows')
})

test('packets for others, from ports of nobody, and of networks that are not snooped are left alone', async (t) => {
  const { pass, hear, known, snooping } = setup(t)
  pass([web])
  hear(11, record(recordTypes.toExclude), '7266')
  hear(99, record(recordTypes.toExclude))
  assert.deepEqual(known().members, [])
  pass([web], { multicast: 'flood' })
  hear(11, record(recordTypes.toExclude))
  assert.equal(snooping.view().has(net), false)
})

test('a network that is snooped from now on begins as after a start', async (t) => {
  const { pass, asked, known } = setup(t)
  pass([web], { multicast: 'off' })
  assert.deepEqual(await asked(), [])
  pass([web])
  assert.deepEqual(known().everything, ['web'])
  assert.deepEqual(await asked(), [[11], [11]])
})
