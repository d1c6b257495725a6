// What a connection and a switch owe each other, as tests that run over the fake switch and over Open vSwitch alike:
// as long as both pass, tests that use the fake mean something.

import assert from 'node:assert/strict'
import { after, before, beforeEach, describe, test } from 'node:test'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import {
  allGroups,
  allMeters,
  canonicalFlow,
  canonicalGroup,
  type Flow,
  type Group,
  type Modification,
  OpenFlowConnection,
} from '../../src/protocols/openflow/index.ts'

export interface SwitchUnderTest {
  /** The socket of a bridge with a port named like the bridge. */
  readonly path: string
  stop(): Promise<void>
}

const deps = { log: silentLog, clock: systemClock }

function web(port: number, change: Partial<Flow> = {}): Flow {
  return {
    table: 3,
    priority: 100,
    cookie: 0x1000n + BigInt(port),
    match: { eth_type: 0x0800, ip_proto: 6, tcp_dst: port },
    actions: [{ type: 'set_field', field: 'reg0', value: port }],
    goto: 4,
    ...change,
  }
}

function add(flow: Flow): Modification {
  return { op: 'add-flow', flow }
}

const withoutProtocol: Modification = add(web(1, { match: { tcp_dst: 1 } }))
const withoutGroup: Modification = add(web(2, { actions: [{ type: 'group', group: 77 }] }))
const cannotBeEncoded: Modification = add(web(3, { match: { reg0: -1 } }))

const group: Group = {
  id: 5,
  type: 'select',
  buckets: [
    { actions: [{ type: 'output', port: 1 }] },
    { weight: 3, actions: [{ type: 'ct', commit: true, zone: 4, table: 9, nat: { kind: 'dst', min: '10.0.0.9' } }] },
  ],
}

export function openflowContract(name: string, start: () => Promise<SwitchUnderTest>): void {
  describe(`a connection to ${name}`, () => {
    let bridge: SwitchUnderTest
    let connection: OpenFlowConnection

    before(async () => {
      bridge = await start()
      connection = await OpenFlowConnection.connect({ path: bridge.path }, deps)
    })
    after(async () => {
      connection.close()
      await bridge.stop()
    })
    beforeEach(async () => {
      await connection.bundle([{ op: 'delete-flows' }, { op: 'delete-group', id: allGroups }])
      await connection.send([{ op: 'delete-meter', id: allMeters }])
    })

    const held = async () => (await connection.flows()).map(canonicalFlow).sort()
    const texts = (...flows: readonly Flow[]) => flows.map(canonicalFlow).sort()

    test('learns who the switch is', () => {
      assert.match(connection.features.datapathId, /^[0-9a-f]{16}$/)
      assert.ok(connection.features.tables >= 254)
    })

    test('lists ports', async () => {
      const [port] = await connection.ports()
      assert.equal(port?.port, 0xfffffffe)
      assert.match(port.mac, /^[0-9a-f:]{17}$/)
    })

    test('puts flows with a bundle and reads them back as they were', async () => {
      await connection.bundle([add(web(80)), add(web(443, { table: 4, goto: 9, idleTimeoutSeconds: 60 }))])
      assert.deepEqual(await held(), texts(web(80), web(443, { table: 4, goto: 9, idleTimeoutSeconds: 60 })))
      const [flow] = await connection.flows({ table: 3 })
      assert.deepEqual([flow?.cookie, flow?.packets, flow?.bytes], [0x1050n, 0n, 0n])
    })

    test('lists the flows of one table, or with some bits of the cookie', async () => {
      await connection.bundle([add(web(0x10)), add(web(0x11)), add(web(0x21, { table: 9, goto: 10 }))])
      const cookie = { value: 0x1010n, mask: 0xfff0n }
      assert.equal((await connection.flows({ table: 9 })).length, 1)
      assert.equal((await connection.flows({ cookie })).length, 2)
      assert.equal((await connection.flows({ cookie, table: 9 })).length, 0)
    })

    test('counts flows as it lists them', async () => {
      assert.equal(await connection.countFlows(), 0)
      await connection.bundle([add(web(0x10)), add(web(0x11)), add(web(0x21, { table: 9, goto: 10 }))])
      const cookie = { value: 0x1010n, mask: 0xfff0n }
      assert.equal(await connection.countFlows(), 3)
      assert.equal(await connection.countFlows({ table: 9 }), 1)
      assert.equal(await connection.countFlows({ cookie }), 2)
    })

    test('is told when others change flows, and not when it does itself', async () => {
      const other = await OpenFlowConnection.connect({ path: bridge.path }, deps)
      try {
        let told = 0
        await connection.watchFlows(() => void told++)
        await connection.bundle([add(web(80)), add(web(81))])
        await connection.send([add(web(82))])
        await connection.bundle([add(web(80, { actions: [{ type: 'dec_ttl' }] })), { op: 'delete-flows' }])
        await connection.barrier()
        assert.equal(told, 0)
        const { table, priority, match } = web(80)
        for (const foreign of [
          add(web(80)),
          add(web(80, { goto: 9 })),
          { op: 'delete-flow', table, priority, match },
        ] as const) {
          const before: number = told
          await other.bundle([foreign])
          // Not later than the answer to what was asked after it.
          for (let round = 0; told === before && round < 100; round++) await connection.barrier()
          assert.equal(told, before + 1, foreign.op)
        }
      } finally {
        other.close()
      }
    })

    test('replaces a flow of the same table, priority and match', async () => {
      await connection.bundle([add(web(80))])
      const other = web(80, { actions: [{ type: 'dec_ttl' }] })
      await connection.bundle([add(other)])
      assert.deepEqual(await held(), texts(other))
    })

    test('applies a bundle in order', async () => {
      await connection.bundle([add(web(80)), { op: 'delete-flows' }, add(web(81))])
      assert.deepEqual(await held(), texts(web(81)))
    })

    test('deletes exactly one flow, or all that share bits of a cookie', async () => {
      await connection.bundle([add(web(0x10)), add(web(0x10, { priority: 7 })), add(web(0x20)), add(web(0x21))])
      const { table, match } = web(0x10)
      await connection.bundle([{ op: 'delete-flow', table, priority: 7, match }])
      assert.deepEqual(await held(), texts(web(0x10), web(0x20), web(0x21)))
      await connection.bundle([{ op: 'delete-flows', cookie: { value: 0x1020n, mask: 0xfff0n } }])
      assert.deepEqual(await held(), texts(web(0x10)))
    })

    for (const [what, modification, code] of [
      ['refuses on sight', withoutProtocol, 'OFPBMC_BAD_PREREQ'],
      ['refuses when it is applied', withoutGroup, 'OFPBAC_BAD_OUT_GROUP'],
    ] as const) {
      test(`applies nothing of a bundle of which the switch ${what} one message, and names it`, async () => {
        await connection.bundle([add(web(80))])
        await assert.rejects(connection.bundle([{ op: 'delete-flows' }, add(web(81)), modification, add(web(82))]), {
          code,
          message: /modification 3 of 4/,
        })
        assert.deepEqual(await held(), texts(web(80)))
        await connection.bundle([add(web(83))])
        assert.deepEqual(await held(), texts(web(80), web(83)))
      })
    }

    test('applies nothing of a bundle of which one message cannot be encoded', async () => {
      await assert.rejects(connection.bundle([add(web(80)), cannotBeEncoded]), { code: 'OXM_VALUE' })
      assert.deepEqual(await held(), [])
    })

    test('without a bundle a refused modification does not stop the others', async () => {
      await assert.rejects(connection.send([add(web(80)), withoutProtocol, add(web(81)), withoutGroup]), {
        code: 'OFPBMC_BAD_PREREQ',
        message: /modification 2 of 4/,
      })
      assert.deepEqual(await held(), texts(web(80), web(81)))
    })

    test('keeps meters as they were put, changed and deleted', async () => {
      assert.ok((await connection.maxMeter()) >= 0x1_ffff, 'numbers enough for two meters of each port')
      const meters = [
        { id: 7, rate: 10_485, burst: 2_621 },
        { id: 0x1_ffff, rate: 4_294_967_295, burst: 4_294_967_295 },
      ]
      await connection.send(meters.map((meter) => ({ op: 'add-meter', meter })))
      const listed = async () => (await connection.meters()).sort((a, b) => a.id - b.id)
      assert.deepEqual(await listed(), meters)
      const changed = { id: 7, rate: 1_000, burst: 250 }
      await connection.send([
        { op: 'modify-meter', meter: changed },
        { op: 'delete-meter', id: 0x1_ffff },
        { op: 'delete-meter', id: 9 },
      ])
      assert.deepEqual(await listed(), [changed])
    })

    test('refuses a meter that is there, one that is not, and a flow without its meter', async () => {
      const meter = { id: 7, rate: 1_000, burst: 250 }
      await assert.rejects(connection.send([{ op: 'modify-meter', meter }]), { code: 'OFPMMFC_UNKNOWN_METER' })
      await assert.rejects(connection.bundle([add(web(80, { meter: 7 }))]), { code: 'OFPMMFC_INVALID_METER' })
      await connection.send([{ op: 'add-meter', meter }])
      await assert.rejects(connection.send([{ op: 'add-meter', meter }]), { code: 'OFPMMFC_METER_EXISTS' })
      await connection.bundle([add(web(80, { meter: 7 })), add(web(81))])
      assert.deepEqual(await held(), texts(web(80, { meter: 7 }), web(81)))
    })

    test('deletes with a meter the flows that use it', async () => {
      await connection.send([{ op: 'add-meter', meter: { id: 7, rate: 1_000, burst: 250 } }])
      await connection.bundle([add(web(80, { meter: 7 })), add(web(81))])
      await connection.send([{ op: 'delete-meter', id: 7 }])
      assert.deepEqual(await held(), texts(web(81)))
    })

    test('refuses a meter in a bundle', async () => {
      const meter = { id: 7, rate: 1_000, burst: 250 }
      await assert.rejects(connection.bundle([{ op: 'add-meter', meter }]), { code: 'OFPBFC_MSG_UNSUP' })
      assert.deepEqual(await connection.meters(), [])
    })

    test('accepts an empty bundle, an empty run and a barrier', async () => {
      await connection.bundle([])
      await connection.send([])
      await connection.barrier()
    })

    test('puts groups before the flows that use them, and reads them back', async () => {
      const user = web(80, { actions: [{ type: 'group', group: group.id }] })
      await connection.bundle([{ op: 'add-group', group }, add(user)])
      assert.deepEqual(await connection.groups(), [canonicalGroup(group)])
      assert.deepEqual(await held(), texts(user))
    })

    test('takes flows away with the group they use', async () => {
      const user = web(80, { actions: [{ type: 'group', group: group.id }] })
      await connection.bundle([{ op: 'put-group', group }, add(user), add(web(81))])
      await connection.bundle([{ op: 'delete-group', id: group.id }])
      assert.deepEqual(await connection.groups(), [])
      assert.deepEqual(await held(), texts(web(81)))
    })

    test('tells apart adding, modifying and putting a group', async () => {
      await assert.rejects(connection.bundle([{ op: 'modify-group', group }]), { code: 'OFPGMFC_UNKNOWN_GROUP' })
      await connection.bundle([{ op: 'add-group', group }])
      await assert.rejects(connection.bundle([{ op: 'add-group', group }]), { code: 'OFPGMFC_GROUP_EXISTS' })
      const smaller: Group = { ...group, buckets: group.buckets.slice(0, 1) }
      await connection.bundle([{ op: 'put-group', group: smaller }])
      assert.deepEqual(await connection.groups(), [canonicalGroup(smaller)])
      await connection.bundle([{ op: 'modify-group', group }])
      assert.deepEqual(await connection.groups(), [canonicalGroup(group)])
    })

    test('moves thousands of flows, there and back', async () => {
      const flows = Array.from({ length: 5000 }, (_, port) => web(port))
      await connection.bundle(flows.map(add))
      assert.deepEqual(await held(), texts(...flows))
    })

    test('applies bundles that are given at the same time, each whole', async () => {
      const bundles = [1, 2, 3, 4].map((tens) => [0, 1, 2].map((ones) => web(tens * 10 + ones)))
      await Promise.all(bundles.map((flows) => connection.bundle(flows.map(add))))
      assert.deepEqual(await held(), texts(...bundles.flat()))
    })

    test('does nothing when the signal is aborted already', async () => {
      const reason = new Error('never mind')
      await assert.rejects(connection.bundle([add(web(80))], AbortSignal.abort(reason)), reason)
      await assert.rejects(connection.flows({}, AbortSignal.abort(reason)), reason)
      assert.deepEqual(await held(), [])
    })

    test('a bundle that is aborted while it is sent leaves nothing, and the connection works on', async () => {
      const aborting = new AbortController()
      const reason = new Error('changed my mind')
      const pending = connection.bundle(
        Array.from({ length: 20_000 }, (_, port) => add(web(port))),
        aborting.signal,
      )
      aborting.abort(reason)
      await assert.rejects(pending, reason)
      assert.deepEqual(await held(), [])
      await connection.bundle([add(web(80))])
      assert.deepEqual(await held(), texts(web(80)))
    })

    test('has connections forgotten by zone and by tuple', async () => {
      await connection.flushConntrack({ zone: 9 })
      await connection.flushConntrack({ zone: 9, protocol: 6, original: { source: '10.0.0.1', destinationPort: 80 } })
      await connection.flushConntrack({ zone: 9, reply: { destination: 'fd00::1' } })
    })

    test('refuses everything once it is closed, and says so', async () => {
      const second = await OpenFlowConnection.connect({ path: bridge.path }, deps)
      const pending = assert.rejects(second.flows(), { code: 'OPENFLOW_CLOSED' })
      second.close()
      await pending
      assert.equal(await second.closed, undefined)
      await assert.rejects(second.bundle([add(web(80))]), { code: 'OPENFLOW_CLOSED' })
      await assert.rejects(second.barrier(), { code: 'OPENFLOW_CLOSED' })
      second.close()
    })
  })
}
