// How the client behaves when the server does not: silence, broken bytes, refusals, deadlines. Played by the fake server.

import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, afterEach, before, beforeEach, describe, test } from 'node:test'
import { type Clock, systemClock } from '../../lib/clock.ts'
import type { NetpluginError } from '../../lib/errors.ts'
import { silentLog } from '../../lib/log.ts'
import { OvsdbClient } from './client.ts'
import { FakeServer } from './fake-server.ts'
import { comment, insert, select, update } from './operation.ts'
import { connect, failure } from './ovsdb.contract.ts'

/** A clock whose pauses end when the test says so. */
class HandClock implements Clock {
  #pauses: (() => void)[] = []
  now(): number {
    return 0
  }
  after(_ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
      this.#pauses.push(resolve)
    })
  }
  tick(): void {
    const due = this.#pauses
    this.#pauses = []
    for (const end of due) end()
  }
}

const deadline = () => AbortSignal.timeout(5_000)

describe('an OVSDB client and a troublesome server', () => {
  let dir: string
  let server: FakeServer
  let client: OvsdbClient

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'ovsdb-client-'))
  })
  after(() => rm(dir, { recursive: true, force: true }))
  beforeEach(async () => {
    server = await FakeServer.listen({ path: join(dir, 'db.sock') })
    client = await connect(server.path)
  })
  afterEach(async () => {
    client.close()
    await server.close()
  })

  const sent = (method: string) =>
    server.received.filter((message) => (message as { method?: string }).method === method)

  test('connecting where nobody listens says so, and what to do', async () => {
    const error = await failure(connect(join(dir, 'nobody.sock')))
    assert.deepEqual([error.kind, error.code], ['unavailable', 'OVSDB_UNREACHABLE'])
    assert.match(error.message, /nobody\.sock: there is no such socket; start Open vSwitch/)
  })

  test('a server that does not answer the connection is left at the deadline', async () => {
    server.intercept = () => 'ignore'
    const options = { path: server.path }
    const deps = { log: silentLog, clock: systemClock }
    const error = await failure(OvsdbClient.connect(options, deps, AbortSignal.timeout(20)))
    assert.deepEqual([error.kind, error.code], ['timeout', 'OVSDB_TIMEOUT'])
  })

  test('messages are compact JSON with ids that count', async () => {
    await client.transact([comment('hello')])
    assert.deepEqual(server.received.at(-1), {
      method: 'transact',
      params: ['Open_vSwitch', { op: 'comment', comment: 'hello' }],
      id: 2,
    })
  })

  test('an echo of the server is answered with its parameters', async () => {
    server.sendRaw('{"method":"echo","params":["a",1],"id":"probe"}')
    await client.transact([comment('so that the answer has come')])
    assert.deepEqual(
      server.received.find((message) => (message as { id?: unknown }).id === 'probe'),
      { id: 'probe', result: ['a', 1], error: null },
    )
  })

  test('a quiet server is asked for an echo, and kept when it answers', async () => {
    const clock = new HandClock()
    const quiet = await OvsdbClient.connect({ path: server.path }, { log: silentLog, clock })
    for (let echoes = 1; echoes <= 3; echoes++) {
      await quiet.transact([comment('bytes arrive')])
      // The first pause ends after these bytes, the second after none.
      for (let pause = 0; pause < 2; pause++) {
        clock.tick()
        await turn()
      }
      await quiet.transact([comment('behind the echo: once this is answered, so is the echo')])
      assert.equal(sent('echo').length, echoes)
    }
    quiet.close()
    assert.equal(await quiet.closed, undefined)
  })

  test('a server that stays silent after an echo is given up', async () => {
    const clock = new HandClock()
    const quiet = await OvsdbClient.connect({ path: server.path, idleMs: 700 }, { log: silentLog, clock })
    server.intercept = () => 'ignore'
    const hanging = failure(quiet.transact([comment('never answered')]))
    for (let round = 0; round < 3; round++) {
      clock.tick()
      await turn()
    }
    const reason = (await quiet.closed) as NetpluginError
    assert.deepEqual([reason.kind, reason.code], ['timeout', 'OVSDB_SILENT'])
    assert.match(reason.message, /did not answer for 1400 ms/)
    const error = await hanging
    assert.deepEqual([error.kind, error.code, error.cause], ['unavailable', 'OVSDB_CLOSED', reason])
  })

  test('a transaction past its deadline is cancelled, and the connection goes on', async () => {
    server.intercept = (_, params) => (JSON.stringify(params).includes('slow') ? 'ignore' : undefined)
    const error = await failure(client.transact([comment('slow')], AbortSignal.timeout(20)))
    assert.deepEqual([error.kind, error.code], ['timeout', 'OVSDB_TIMEOUT'])
    assert.deepEqual(await client.transact([comment('next')]), [{ op: 'comment' }])
    assert.deepEqual(sent('cancel'), [{ method: 'cancel', params: [2], id: null }])
  })

  test('an aborted signal sends nothing and gives its own reason', async () => {
    const count = server.received.length
    const reason = new Error('no longer needed')
    assert.equal(await failure(client.transact([comment('x')], AbortSignal.abort(reason))), reason)
    assert.equal(server.received.length, count)
  })

  test('a refused request carries what the server said', async () => {
    server.intercept = () => ({ error: 'not leader', details: 'ask another' })
    const error = await failure(client.transact([comment('x')]))
    assert.deepEqual([error.kind, error.code], ['unavailable', 'OVSDB_NOT_LEADER'])
    assert.match(error.message, /refused the transact: not leader: ask another/)
  })

  test('when the server goes, everything that waits ends with the reason', async () => {
    const replica = await client.monitor({ Bridge: ['name'] })
    const waiting = failure(replica.until((rows) => rows.find('Bridge', (row) => row.name === 'never'), deadline()))
    server.intercept = () => 'disconnect'
    const error = await failure(client.transact([comment('x')]))
    assert.equal(error.code, 'OVSDB_CLOSED')
    assert.equal(error.retryable, true)
    assert.equal(((await client.closed) as NetpluginError).code, 'OVSDB_CLOSED')
    assert.equal((await waiting).code, 'OVSDB_CLOSED')
    assert.equal((await failure(client.transact([comment('after')]))).code, 'OVSDB_CLOSED')
    assert.equal((await failure(replica.until(() => undefined, deadline()))).code, 'OVSDB_CLOSED')
  })

  for (const [what, bytes, code] of [
    ['bytes that are no JSON', 'hello', 'OVSDB_FRAMING'],
    ['broken JSON', '{"a" 1}', 'OVSDB_MESSAGE'],
    ['a message that is no JSON-RPC', '[1]', 'OVSDB_MESSAGE'],
    ['a method that is no text', '{"method":5,"params":[]}', 'OVSDB_MESSAGE'],
  ] as const) {
    test(`${what} ends the connection`, async () => {
      server.sendRaw(bytes)
      const reason = (await client.closed) as NetpluginError
      assert.deepEqual([reason.kind, reason.code], ['protocol', code])
    })
  }

  test('an update that does not fit the replica ends the connection', async () => {
    await client.monitor({ Bridge: ['name'] })
    server.sendRaw('{"method":"update3","params":["monitor-1","x",{"Port":{}}],"id":null}')
    assert.equal(((await client.closed) as NetpluginError).code, 'OVSDB_UPDATE')
  })

  test('notifications and answers that nobody waits for are ignored', async () => {
    server.sendRaw(
      '{"method":"update3","params":["gone","x",{"Port":{}}],"id":null}{"method":"locked","params":["x"],"id":null}',
    )
    server.sendRaw('{"id":999,"result":[],"error":null}{"id":"echo","result":[],"error":null}')
    assert.deepEqual(await client.transact([comment('still here')]), [{ op: 'comment' }])
  })

  test('too few results are a protocol error', async () => {
    server.intercept = () => 'ignore'
    const broken = failure(client.transact([comment('a'), select('Bridge', [], ['name'])]))
    server.sendRaw('{"id":2,"result":[{}],"error":null}')
    assert.deepEqual([(await broken).kind, (await broken).code], ['protocol', 'OVSDB_RESULT'])
  })

  test('an update in the same packet as the first rows is not lost', async () => {
    server.intercept = (method) => (method === 'monitor_cond_since' ? 'ignore' : undefined)
    const monitoring = client.monitor({ Bridge: ['name'] })
    const id = '550e8400-e29b-41d4-a716-446655440000'
    server.sendRaw(
      `{"id":2,"result":[false,"x",{}],"error":null}{"method":"update3","params":["monitor-1","x",{"Bridge":{"${id}":{"insert":{"name":"early"}}}}],"id":null}`,
    )
    const replica = await monitoring
    assert.equal((await replica.until((rows) => rows.find('Bridge', () => true), deadline())).name, 'early')
  })

  test('a listener hears of an update once, with the tables that changed, until it is removed', async () => {
    const replica = await client.monitor({ Open_vSwitch: ['external_ids', 'next_cfg'], Manager: ['target'] })
    const heard: string[][] = []
    const remove = replica.onChange((tables) => heard.push([...tables]))
    await client.transact([update('Open_vSwitch', [], { next_cfg: 5, external_ids: { a: 'b' } })])
    assert.deepEqual(heard, [['Open_vSwitch']])
    remove()
    await client.transact([update('Open_vSwitch', [], { next_cfg: 6 })])
    assert.equal(heard.length, 1)
  })

  test('a listener that throws does not harm the others, nor a reader that throws its replica', async () => {
    const replica = await client.monitor({ Open_vSwitch: ['next_cfg'] })
    let heard = 0
    replica.onChange(() => {
      throw new Error('a bad listener')
    })
    replica.onChange(() => heard++)
    const thrown = failure(
      replica.until((rows) => {
        if (rows.find('Open_vSwitch', (row) => row.next_cfg === 5)) throw new Error('a bad reader')
        return undefined
      }, deadline()),
    )
    await client.transact([update('Open_vSwitch', [], { next_cfg: 5 })])
    assert.equal(heard, 1)
    assert.equal((await thrown).message, 'a bad reader')
  })

  test('a wait for a fact ends at its deadline', async () => {
    const replica = await client.monitor({ Bridge: ['name'] })
    const error = await failure(replica.until(() => undefined, AbortSignal.timeout(20)))
    assert.deepEqual([error.kind, error.code], ['timeout', 'OVSDB_TIMEOUT'])
  })

  test('operations before a failed one leave nothing behind', async () => {
    await failure(
      client.transact([update('Open_vSwitch', [], { next_cfg: 9 }), insert('Port', { tag: 1.5 as number })]),
    )
    assert.equal([...server.rows('Open_vSwitch').values()][0]?.next_cfg, 0)
  })
})

/** One turn of the event loop, in which sockets are served. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
