// What a client may rely on, whichever server answers: run over the fake and over a real ovsdb-server.

import assert from 'node:assert/strict'
import { after, before, describe, test } from 'node:test'
import { systemClock } from '../../lib/clock.ts'
import type { NetpluginError } from '../../lib/errors.ts'
import { silentLog } from '../../lib/log.ts'
import { OvsdbClient } from './client.ts'
import { abort, assertLock, comment, insert, mutate, remove, select, update, wait } from './operation.ts'
import { everyColumn, type Replica } from './replica.ts'
import { named, type Uuid } from './value.ts'

export interface ServerUnderTest {
  readonly path: string
  stop(): Promise<void>
}

const deadline = () => AbortSignal.timeout(10_000)
const columns = everyColumn('Open_vSwitch', 'Bridge', 'Port', 'Interface')
type Everything = Replica<typeof columns>

/** The server must start with an empty Open_vSwitch row, and a switch (real or played) must serve it. */
export function describeOvsdbServer(name: string, start: () => Promise<ServerUnderTest>): void {
  describe(`an OVSDB client with ${name}`, () => {
    let server: ServerUnderTest
    let client: OvsdbClient
    let replica: Everything

    before(async () => {
      server = await start()
      client = await connect(server.path)
      replica = await client.monitor(columns, deadline())
    })
    after(async () => {
      client?.close()
      await server?.stop()
    })

    test('makes a bridge in one transaction and sees it in its replica at once', async () => {
      const uuid = await addBridge(client, 'made')
      const bridge = replica.rows('Bridge').get(uuid)
      assert.equal(bridge?.name, 'made')
      assert.deepEqual(bridge.protocols, ['OpenFlow13', 'OpenFlow14'])
      assert.deepEqual(bridge.other_config, { hwaddr: '02:02:0a:00:00:01' })
      assert.equal(bridge.fail_mode, 'secure')
      assert.equal(bridge.ports.length, 1)
      const port = replica.rows('Port').get(bridge.ports[0]!)
      assert.deepEqual(port?.external_ids, { owner: 'me' })
      assert.equal(port.tag, undefined)
      assert.ok(replica.find('Open_vSwitch', (row) => row.bridges.includes(uuid)))
    })

    test('waits for the port number that the switch writes', async () => {
      await addBridge(client, 'numbered')
      const ofport = await replica.until(
        (rows) => rows.find('Interface', (row) => row.name === 'numbered')?.ofport,
        deadline(),
      )
      assert.equal(ofport, 65534)
    })

    test('reports an interface whose device is missing', async () => {
      const bridge = await addBridge(client, 'faulty')
      await client.transact(
        [
          insert('Interface', { name: 'missing0', mtu_request: 1400 }, 'i'),
          insert('Port', { name: 'missing0', interfaces: [named('i')], tag: 7 }, 'p'),
          mutate('Bridge', [['_uuid', '==', bridge]], [['ports', 'insert', [named('p')]]]),
        ],
        deadline(),
      )
      const error = await replica.until(
        (rows) => rows.find('Interface', (row) => row.name === 'missing0')?.error,
        deadline(),
      )
      assert.match(error, /could not open network device missing0 \(No such device\)/)
      assert.equal(replica.find('Interface', (row) => row.name === 'missing0')?.ofport, -1)
    })

    test('selects with conditions, and only the columns asked for', async () => {
      const uuid = await addBridge(client, 'chosen')
      const [byName, byId, none] = await client.transact([
        select('Bridge', [['name', '==', 'chosen']], ['name', 'fail_mode', 'stp_enable', 'datapath_type']),
        select(
          'Bridge',
          [
            ['_uuid', '==', uuid],
            ['protocols', 'includes', ['OpenFlow13']],
          ],
          ['name'],
        ),
        select(
          'Bridge',
          [
            ['name', '==', 'chosen'],
            ['protocols', 'excludes', ['OpenFlow13']],
          ],
          ['name'],
        ),
      ])
      const expected = { _uuid: uuid, name: 'chosen', fail_mode: 'secure', stp_enable: false, datapath_type: 'netdev' }
      assert.deepEqual(byName.rows, [expected])
      assert.deepEqual(byId.rows, [{ _uuid: uuid, name: 'chosen' }])
      assert.deepEqual(none.rows, [])
    })

    test('updates, and mutates sets, maps and numbers', async () => {
      const uuid = await addBridge(client, 'changing')
      const self = [['_uuid', '==', uuid]] as const
      const [changed] = await client.transact([
        update('Bridge', self, { fail_mode: undefined, other_config: { a: '1', b: '2', c: '3' } }),
        mutate('Bridge', self, [
          ['protocols', 'delete', ['OpenFlow13']],
          ['protocols', 'insert', ['OpenFlow15']],
          ['other_config', 'delete', ['a']],
          ['other_config', 'delete', { b: 'other value', c: '3' }],
          ['other_config', 'insert', { b: 'stays as it was', d: '4' }],
        ]),
      ])
      assert.equal(changed.count, 1)
      const bridge = replica.rows('Bridge').get(uuid)
      assert.equal(bridge?.fail_mode, undefined)
      assert.deepEqual(bridge?.protocols, ['OpenFlow14', 'OpenFlow15'])
      assert.deepEqual(bridge?.other_config, { b: '2', d: '4' })
      const before = replica.find('Open_vSwitch', () => true)
      await client.transact([mutate('Open_vSwitch', [], [['next_cfg', '+=', 3]])])
      assert.equal(replica.find('Open_vSwitch', () => true)?.next_cfg, (before?.next_cfg ?? 0) + 3)
    })

    test('deleting the only reference to a row deletes the row', async () => {
      const uuid = await addBridge(client, 'fleeting')
      await client.transact([mutate('Open_vSwitch', [], [['bridges', 'delete', [uuid]]])])
      assert.equal(replica.rows('Bridge').has(uuid), false)
      assert.equal(
        replica.find('Port', (row) => row.name === 'fleeting'),
        undefined,
      )
      assert.equal(
        replica.find('Interface', (row) => row.name === 'fleeting'),
        undefined,
      )
    })

    test('a second row with the same name fails the commit, and nothing stays behind', async () => {
      const before = replica.rows('Port').size
      await addBridge(client, 'single')
      const error = await failure(addBridge(client, 'single'))
      assert.equal(error.code, 'OVSDB_CONSTRAINT_VIOLATION')
      assert.equal(error.kind, 'conflict')
      assert.equal(error.details.operation, 'commit')
      assert.equal(replica.rows('Port').size, before + 1)
    })

    test('an error names the operation and undoes those before it', async () => {
      const uuid = await addBridge(client, 'steady')
      const self = [['_uuid', '==', uuid]] as const
      const error = await failure(
        client.transact([
          update('Bridge', self, { other_config: { lost: 'yes' } }),
          update('Bridge', self, { name: 'renamed' }),
        ]),
      )
      assert.equal(error.code, 'OVSDB_CONSTRAINT_VIOLATION')
      assert.deepEqual([error.details.operation, error.details.op, error.details.table], [1, 'update', 'Bridge'])
      assert.equal(replica.rows('Bridge').get(uuid)?.other_config.lost, undefined)
    })

    test('a port without interface breaks referential integrity', async () => {
      const bridge = await addBridge(client, 'strict')
      const error = await failure(
        client.transact([
          insert('Port', { name: 'hollow' }, 'p'),
          mutate('Bridge', [['_uuid', '==', bridge]], [['ports', 'insert', [named('p')]]]),
        ]),
      )
      assert.equal(error.code, 'OVSDB_REFERENTIAL_INTEGRITY')
    })

    test('a row that is still referenced cannot be deleted', async () => {
      const bridge = await addBridge(client, 'bound')
      const error = await failure(client.transact([remove('Bridge', [['_uuid', '==', bridge]])]))
      assert.equal(error.code, 'OVSDB_REFERENTIAL_INTEGRITY')
    })

    test('wait checks rows, abort and unheld locks end a transaction', async () => {
      await addBridge(client, 'awaited')
      const where = [['name', '==', 'awaited']] as const
      const holds = wait('Bridge', where, ['fail_mode'], '==', [{ fail_mode: 'secure' }], 0)
      const fails = wait('Bridge', where, ['fail_mode'], '!=', [{ fail_mode: 'secure' }], 0)
      assert.deepEqual(await client.transact([comment('looking'), holds]), [{ op: 'comment' }, { op: 'wait' }])
      assert.equal((await failure(client.transact([fails]))).code, 'OVSDB_TIMED_OUT')
      assert.equal((await failure(client.transact([abort()]))).code, 'OVSDB_ABORTED')
      assert.equal((await failure(client.transact([assertLock('a_lock')]))).code, 'OVSDB_NOT_OWNER')
    })

    test('another client sees every change, and its copy equals a fresh one', async () => {
      const other = await connect(server.path)
      try {
        const copy = await other.monitor(columns, deadline())
        const uuid = await addBridge(client, 'shared')
        await client.transact([update('Bridge', [['_uuid', '==', uuid]], { other_config: {}, protocols: [] })])
        await copy.until((rows) => {
          const bridge = rows.rows('Bridge').get(uuid)
          return bridge !== undefined && bridge.protocols.length === 0 ? bridge : undefined
        }, deadline())
        // The switch may still write: compare what only we write.
        const fresh = await other.monitor({ Bridge: ['name', 'protocols', 'other_config', 'ports'] }, deadline())
        for (const [id, row] of fresh.rows('Bridge')) {
          const { _uuid, name, protocols, other_config, ports } = copy.rows('Bridge').get(id)!
          assert.deepEqual(row, { _uuid, name, protocols, other_config, ports })
        }
        assert.equal(fresh.rows('Bridge').size, copy.rows('Bridge').size)
      } finally {
        other.close()
      }
    })

    test('a closed replica gets no more updates', async () => {
      const extra = await client.monitor({ Bridge: ['name'] }, deadline())
      extra.close()
      const waiting = failure(extra.until(() => undefined, deadline()))
      const uuid = await addBridge(client, 'unseen')
      assert.equal(extra.rows('Bridge').has(uuid), false)
      assert.equal((await waiting).code, 'OVSDB_CLOSED')
    })

    test('a database that is not served is a clear error', async () => {
      const error = await failure(
        OvsdbClient.connect({ path: server.path, database: 'Nothing' }, { log: silentLog, clock: systemClock }),
      )
      assert.equal(error.code, 'OVSDB_UNKNOWN_DATABASE')
      assert.match(error.message, /does not serve Nothing/)
    })

    test('two hundred transactions in flight are answered each with its own result', async () => {
      const uuid = await addBridge(client, 'busy')
      const self = [['_uuid', '==', uuid]] as const
      const numbers = Array.from({ length: 200 }, (_, index) => `n${index}`)
      const found = await Promise.all(
        numbers.map(async (number) => {
          const [, read] = await client.transact(
            [update('Bridge', self, { external_ids: { number } }), select('Bridge', self, ['external_ids'])],
            deadline(),
          )
          return read.rows[0]?.external_ids.number
        }),
      )
      assert.deepEqual(found, numbers)
    })
  })
}

export function connect(path: string): Promise<OvsdbClient> {
  return OvsdbClient.connect({ path }, { log: silentLog, clock: systemClock }, deadline())
}

async function addBridge(client: OvsdbClient, name: string): Promise<Uuid> {
  const ids = { owner: 'me' }
  const [, , bridge] = await client.transact(
    [
      insert('Interface', { name, type: 'internal', external_ids: ids }, 'i'),
      insert('Port', { name, interfaces: [named('i')], external_ids: ids }, 'p'),
      insert(
        'Bridge',
        {
          name,
          ports: [named('p')],
          datapath_type: 'netdev',
          fail_mode: 'secure',
          protocols: ['OpenFlow14', 'OpenFlow13'],
          other_config: { hwaddr: '02:02:0a:00:00:01' },
          external_ids: ids,
        },
        'b',
      ),
      mutate('Open_vSwitch', [], [['bridges', 'insert', [named('b')]]]),
      mutate('Open_vSwitch', [], [['next_cfg', '+=', 1]]),
    ],
    deadline(),
  )
  return bridge.uuid
}

/** The error that the promise must end with. */
export async function failure(promise: Promise<unknown>): Promise<NetpluginError> {
  try {
    await promise
  } catch (error) {
    return error as NetpluginError
  }
  throw new assert.AssertionError({ message: 'this should have failed' })
}
