// Holds protocols/openflow to Open vSwitch: the contract that the fake switch keeps too, and that everything a flow can
// say comes back from the real switch as it was sent.

import assert from 'node:assert/strict'
import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, describe, test } from 'node:test'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import {
  allMeters,
  canonicalFlow,
  type Flow,
  formatFlow,
  type Match,
  type Modification,
  OpenFlowConnection,
  type PacketIn,
} from '../../src/protocols/openflow/index.ts'
import { type OpenVswitch, startOpenVswitch } from '../support/open-vswitch.ts'
import { openflowContract } from '../support/openflow-contract.ts'
import { everyAction, everyMatch } from './openflow-samples.ts'

const deps = { log: silentLog, clock: systemClock }

async function startBridge(): Promise<OpenVswitch> {
  const ovs = await startOpenVswitch(await mkdtemp(join(tmpdir(), 'ovs-openflow-')), { log: silentLog })
  await ovs.vsctl('add-br', 'br0', '--', 'set', 'bridge', 'br0', 'datapath_type=netdev', 'fail_mode=secure')
  await ovs.inside('ip', 'link', 'set', 'br0', 'up')
  return ovs
}

openflowContract('Open vSwitch', async () => {
  const ovs = await startBridge()
  return { path: join(ovs.runDir, 'br0.mgmt'), stop: () => ovs.stop() }
})

describe('Open vSwitch', () => {
  let ovs: OpenVswitch
  let connection: OpenFlowConnection

  before(async () => {
    ovs = await startBridge()
    connection = await OpenFlowConnection.connect({ path: join(ovs.runDir, 'br0.mgmt'), controllerId: 7 }, deps)
  })
  after(async () => {
    connection.close()
    await ovs.stop()
  })

  async function roundTrip(flow: Flow): Promise<void> {
    await connection.bundle([{ op: 'delete-flows' }, { op: 'add-flow', flow }])
    const [got] = await connection.flows()
    assert.ok(got)
    assert.equal(canonicalFlow(got), canonicalFlow(flow))
    assert.equal(got.cookie, flow.cookie)
    const { table, priority, match } = got
    await connection.bundle([{ op: 'delete-flow', table, priority, match }])
    assert.deepEqual(await connection.flows(), [], 'the strict deletion finds the flow it was told')
  }

  for (const [what, match] of everyMatch) {
    test(`gives back a match on ${what}`, () =>
      roundTrip({ table: 5, priority: 9, cookie: 0xffff_ffff_ffff_ffffn, match, actions: [] }))
  }

  for (const [what, actions, match = {}] of everyAction) {
    test(`gives back the action ${what}`, async () => {
      const group = { id: 7, type: 'all', buckets: [] } as const
      await connection.bundle([{ op: 'put-group', group }])
      await roundTrip({ table: 5, priority: 9, cookie: 1n, match, actions, goto: 200 })
    })
  }

  test('says with ovs-ofctl what we say', async () => {
    const flow: Flow = {
      table: 3,
      priority: 10,
      cookie: 0x1fn,
      match: { eth_type: 0x0800, ip_proto: 6, tcp_dst: 80, reg1: { value: 0x70000, mask: 0xffff0000 } },
      actions: [
        { type: 'set_field', field: 'reg0', value: 9, mask: 0xff },
        {
          type: 'ct',
          commit: true,
          zone: { field: 'reg1', offset: 16, bits: 16 },
          table: 4,
          nat: { kind: 'dst', min: '10.0.0.5', portMin: 8080 },
          exec: [{ type: 'set_field', field: 'ct_mark', value: 5 }],
        },
      ],
    }
    await connection.bundle([{ op: 'delete-flows' }, { op: 'add-flow', flow }])
    assert.equal(
      (await ovs.ofctl('--no-stats', 'dump-flows', 'br0')).trim(),
      'cookie=0x1f, table=3, priority=10,tcp,reg1=0x70000/0xffff0000,tp_dst=80 ' +
        'actions=set_field:0x9/0xff->reg0,' +
        'ct(commit,table=4,zone=NXM_NX_REG1[16..31],nat(dst=10.0.0.5:8080),exec(set_field:0x5->ct_mark))',
    )
  })

  test('reads flows that others put there, whatever they hold', async () => {
    await connection.bundle([{ op: 'delete-flows' }])
    const strange = [
      'table=1,priority=1,tun_metadata0=5,actions=load:5->NXM_NX_REG0[4..9],learn(table=9,NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[])',
      'table=2,priority=2,actions=write_metadata:5,goto_table:3',
      'table=3,priority=3,actions=clone(output:2),exit,write_actions(output:1)',
    ]
    await ovs.ofctl('add-tlv-map', 'br0', '{class=0xffff,type=0,len=4}->tun_metadata0')
    for (const flow of strange) await ovs.ofctl('add-flow', 'br0', flow)
    const flows = await connection.flows()
    assert.equal(flows.length, 3, flows.map((flow) => formatFlow(flow)).join('\n'))
    const deletions = flows.map((flow): Modification => ({ op: 'delete-flows', table: flow.table }))
    await connection.bundle(flows.map((flow): Modification => ({ op: 'add-flow', flow })))
    assert.deepEqual((await connection.flows()).map(canonicalFlow), flows.map(canonicalFlow))
    await connection.bundle(deletions)
    assert.deepEqual(await connection.flows(), [])
  })

  test('reads meters of other shapes, and writes them back as they were', async () => {
    await ovs.ofctl('add-meter', 'br0', 'meter=3,pktps,bands=type=drop,rate=100')
    await ovs.ofctl('add-meter', 'br0', 'meter=4,kbps,burst,stats,bands=type=drop,rate=9,burst_size=8')
    const meters = await connection.meters()
    assert.deepEqual(
      meters.map(({ foreign }) => foreign !== undefined),
      [true, true],
    )
    await connection.send(meters.map((meter) => ({ op: 'modify-meter', meter })))
    assert.deepEqual(await connection.meters(), meters)
    await connection.send([{ op: 'delete-meter', id: allMeters }])
  })

  test('hands packets to the program, with what the flow says about them', async () => {
    const received = Promise.withResolvers<PacketIn>()
    connection.onPacketIn(received.resolve)
    const flow: Flow = {
      table: 0,
      priority: 1,
      cookie: 0xabcn,
      match: {},
      actions: [
        { type: 'set_field', field: 'reg3', value: 42 },
        { type: 'controller', controllerId: 7, userdata: 'cafe' },
      ],
    }
    await connection.bundle([{ op: 'delete-flows' }, { op: 'add-flow', flow }])
    const packet = udp('10.0.0.1', '10.0.0.2', 1000, 2000)
    connection.packetOut({ inPort: 'controller', actions: [{ type: 'resubmit', table: 0 }], packet })
    const got = await inTime(received.promise, 'the packet')
    assert.deepEqual([got.cookie, got.table, got.userdata, got.reason], [0xabcn, 0, 'cafe', 1])
    assert.deepEqual([got.fields.in_port, got.fields.reg3], [0xfffffffd, 42])
    assert.deepEqual(got.packet, packet)
  })

  test('forgets connections by zone and by tuple', async () => {
    const track = (packet: Buffer, zone: number) =>
      connection.packetOut({ inPort: 'controller', actions: [{ type: 'ct', commit: true, zone }], packet })
    const tracked = async () => (await ovs.appctl('dpctl/dump-conntrack')).trim().split('\n').filter(Boolean).sort()
    track(udp('10.0.0.1', '10.0.0.2', 1000, 2000), 5)
    track(udp('10.0.0.3', '10.0.0.2', 1000, 2000), 5)
    track(udp('10.0.0.3', '10.0.0.2', 1001, 2001), 5)
    track(udp('10.0.0.1', '10.0.0.2', 1000, 2000), 6)
    await connection.barrier()
    assert.equal((await tracked()).length, 4)
    await connection.flushConntrack({ zone: 5, protocol: 17, original: { source: '10.0.0.3', destinationPort: 2001 } })
    assert.equal((await tracked()).length, 3)
    await connection.flushConntrack({ zone: 5, reply: { source: '10.0.0.2', destination: '10.0.0.3' } })
    assert.equal((await tracked()).length, 2)
    await connection.flushConntrack({ zone: 5 })
    assert.equal((await tracked()).length, 1)
    await connection.flushConntrack({})
    assert.equal((await tracked()).length, 0)
  })

  test('takes fifty thousand flows in one bundle, and gives them back, in seconds', async (t) => {
    const count = 50_000
    const match = (i: number): Match => ({
      eth_type: 0x0800,
      reg1: { value: 0x70000, mask: 0xffff0000 },
      ipv4_dst: `10.${i >>> 16}.${(i >>> 8) & 255}.${i & 255}`,
    })
    const flows = Array.from(
      { length: count },
      (_, i): Flow => ({
        table: 20,
        priority: 100,
        cookie: 5n,
        match: match(i),
        actions: [{ type: 'set_field', field: 'reg3', value: i }],
        goto: 30,
      }),
    )
    await connection.bundle([{ op: 'delete-flows' }])
    const start = performance.now()
    await connection.bundle(flows.map((flow): Modification => ({ op: 'add-flow', flow })))
    const sent = performance.now()
    const held = await connection.flows()
    const read = performance.now()
    const rate = (ms: number) => `${Math.round(ms)} ms, ${Math.round((count / ms) * 1000)} flows/s`
    t.diagnostic(`sent in ${rate(sent - start)}; read in ${rate(read - sent)}`)
    assert.equal(held.length, count)
    assert.ok(sent - start < 10_000)
    await connection.bundle([{ op: 'delete-flows', cookie: { value: 5n, mask: 0xffn } }])
    assert.deepEqual(await connection.flows(), [])
  })

  test('settles `closed` when it dies', async () => {
    const other = await OpenFlowConnection.connect({ path: join(ovs.runDir, 'br0.mgmt') }, deps)
    await ovs.killSwitch()
    assert.ok((await inTime(other.closed, 'the end of the connection')) instanceof Error)
    await ovs.startSwitch()
    connection = await OpenFlowConnection.connect({ path: join(ovs.runDir, 'br0.mgmt') }, deps)
    assert.deepEqual(await connection.flows(), [])
  })
})

/** The promise, or a failure after five seconds. */
async function inTime<T>(promise: Promise<T>, what: string): Promise<T> {
  const giveUp = new AbortController()
  const late = systemClock.after(5_000, giveUp.signal).then((): never => assert.fail(`waited in vain for ${what}`))
  try {
    return await Promise.race([promise, late])
  } finally {
    giveUp.abort()
    late.catch(() => {})
  }
}

/** An Ethernet frame with an empty UDP datagram; its UDP checksum is left out, as IPv4 allows. */
function udp(source: string, destination: string, sourcePort: number, destinationPort: number): Buffer {
  const ethernet = Buffer.from('0200000000020200000000010800', 'hex')
  const ip = Buffer.from('4500001c0000400040110000', 'hex')
  const addresses = Buffer.from([...source.split('.'), ...destination.split('.')].map(Number))
  const header = Buffer.concat([ip, addresses])
  let sum = 0
  for (let at = 0; at < header.length; at += 2) sum += header.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  header.writeUInt16BE(~sum & 0xffff, 10)
  const datagram = Buffer.alloc(8)
  datagram.writeUInt16BE(sourcePort, 0)
  datagram.writeUInt16BE(destinationPort, 2)
  datagram.writeUInt16BE(8, 4)
  return Buffer.concat([ethernet, header, datagram])
}
