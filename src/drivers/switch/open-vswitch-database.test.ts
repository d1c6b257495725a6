import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import type { DesiredBridge } from '../../core/plan/database.ts'
import { systemClock } from '../../lib/clock.ts'
import { NetpluginError } from '../../lib/errors.ts'
import { silentLog } from '../../lib/log.ts'
import { FakeServer } from '../../protocols/ovsdb/fake-server.ts'
import { playSwitch } from '../../protocols/ovsdb/fake-switch.ts'
import { insert, mutate, named, remove } from '../../protocols/ovsdb/index.ts'
import { OpenVswitchDatabase } from './open-vswitch-database.ts'

const deps = { log: silentLog, clock: systemClock }
const deadline = () => AbortSignal.timeout(5_000)

function bridge(name: string, ports: readonly string[], options: Readonly<Record<string, string>> = {}): DesiredBridge {
  const type = Object.keys(options).length === 0 ? '' : 'vxlan'
  return {
    name,
    datapathType: 'netdev',
    failMode: 'secure',
    protocols: ['OpenFlow14'],
    ports: new Map(ports.map((port) => [port, { name: port, mark: {}, interfaces: [{ name: port, type, options }] }])),
  }
}

describe('the database half of the switch driver', () => {
  let dir: string
  let server: FakeServer
  let database: OpenVswitchDatabase
  let endSwitch: () => void

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'switch-database-'))
  })
  after(() => rm(dir, { recursive: true, force: true }))
  beforeEach(async () => {
    server = await FakeServer.listen({ path: join(dir, 'db.sock') })
    endSwitch = playSwitch(server, { hasDevice: (name) => name !== 'missing' })
    database = await connect()
  })
  afterEach(async () => {
    endSwitch()
    database.close()
    await server.close()
  })

  const connect = (settleMs = 5_000) =>
    OpenVswitchDatabase.connect({ path: server.path, owner: 'node1', settleMs }, deps)

  test('after apply every port has its number, or its error', async () => {
    await database.apply([bridge('br', ['web', 'missing'])], { remove: true }, deadline())
    const { ofPorts, errors } = database.facts('br')
    assert.deepEqual([...ofPorts.keys()].sort(), ['br', 'web'])
    assert.match(errors.get('missing') ?? '', /No such device/)
  })

  test('what is as desired costs nothing', async () => {
    await database.apply([bridge('br', ['web'])], { remove: true }, deadline())
    const before = server.received.length
    await database.apply([bridge('br', ['web'])], { remove: true }, deadline())
    assert.equal(server.received.length, before)
  })

  test('a tunnel with new options is gone in the switch before it comes back', async () => {
    await database.apply([bridge('br', ['tun'], { key: '1' })], { remove: true }, deadline())
    const taken: string[] = []
    server.onCommit((changes) => {
      if (!changes.some(({ table, now, old }) => table === 'Open_vSwitch' && now?.cur_cfg !== old?.cur_cfg)) return
      const present = [...server.rows('Interface').values()].find((row) => row.name === 'tun')
      taken.push(JSON.stringify(present?.options ?? 'gone'))
    })
    await database.apply([bridge('br', ['tun'], { key: '2' })], { remove: true }, deadline())
    assert.deepEqual(taken, ['"gone"', '{"key":"2"}'])
  })

  test('a port whose name is taken is an error of that port, and the others work', async () => {
    addForeign('theirs', 'web')
    await database.apply([bridge('br', ['web', 'db'])], { remove: true }, deadline())
    const { ofPorts, errors } = database.facts('br')
    assert.deepEqual([...ofPorts.keys()].sort(), ['br', 'db'])
    assert.match(errors.get('web') ?? '', /port web of bridge theirs/)
  })

  test('a bridge whose name is taken is an error, after the other bridges were made', async () => {
    addForeign('theirs', 'x')
    await assert.rejects(
      database.apply([bridge('br', ['db']), bridge('theirs', [])], { remove: true }, deadline()),
      (error) => error instanceof NetpluginError && error.code === 'BRIDGE_TAKEN' && error.kind === 'conflict',
    )
    assert.deepEqual([...database.facts('br').ofPorts.keys()], ['br', 'db'])
  })

  test('a switch that does not take the change is named', async () => {
    endSwitch()
    const impatient = await connect(30)
    await assert.rejects(impatient.apply([bridge('br', [])], { remove: true }, deadline()), {
      kind: 'timeout',
      code: 'SWITCH_SILENT',
      message: 'ovs-vswitchd did not take configuration 1 within 30 ms; is it running?',
    })
    impatient.close()
  })

  test('the deadline of the caller is kept', async () => {
    endSwitch()
    await assert.rejects(database.apply([bridge('br', [])], { remove: true }, AbortSignal.timeout(20)), {
      code: 'OVSDB_TIMEOUT',
    })
  })

  test('a database that nobody initialised is named', async () => {
    server.transact([remove('Open_vSwitch', [])])
    await assert.rejects(database.apply([bridge('br', [])], { remove: true }, deadline()), { code: 'OVSDB_EMPTY' })
  })

  test('changes of others are heard, the counters of the switch are not', async () => {
    await database.apply([bridge('br', ['web'])], { remove: true }, deadline())
    let heard = 0
    database.onChange(() => heard++)
    server.transact([mutate('Open_vSwitch', [], [['next_cfg', '+=', 1]])])
    server.transact([mutate('Interface', [['name', '==', 'web']], [['external_ids', 'insert', { a: 'b' }]])])
    // Served in order: once this is done, both have come, and so have our change and the switch's answer to it.
    await database.apply([bridge('br', ['web', 'db'])], { remove: true }, deadline())
    assert.equal(heard, 3)
  })

  test('when the server goes, apply fails with a retryable error and closed resolves', async () => {
    server.intercept = () => 'disconnect'
    await assert.rejects(database.apply([bridge('br', [])], { remove: true }, deadline()), { retryable: true })
    assert.ok((await database.closed) instanceof NetpluginError)
  })

  function addForeign(name: string, port: string): void {
    server.transact([
      insert('Interface', { name, type: 'internal' }, 'i'),
      insert('Port', { name, interfaces: [named('i')] }, 'p'),
      insert('Interface', { name: port }, 'j'),
      insert('Port', { name: port, interfaces: [named('j')] }, 'q'),
      insert('Bridge', { name, ports: [named('p'), named('q')] }, 'b'),
      mutate('Open_vSwitch', [], [['bridges', 'insert', [named('b')]]]),
    ])
  }
})
