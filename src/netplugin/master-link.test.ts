import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { FakeClock } from '../lib/fake-clock.ts'
import { FakeNodeClient } from './fake-node-client.ts'
import { MasterLink } from './master-link.ts'
import {
  background,
  nodeConfig,
  random,
  recordingLog,
  scratch,
  settle,
  small,
  snapshot,
  until,
  untilTime,
  withEndpoints,
} from './testing.ts'

const count = async (about: string, key: string) => [{ key: `${about} ${key} 1`, packets: 3, bytes: 300 }]

function setup(t: TestContext, dir = scratch(t)) {
  const client = new FakeNodeClient()
  const clock = new FakeClock()
  const { log, said } = recordingLog()
  const make = () => new MasterLink(nodeConfig(dir), { client, clock, log, random, bootId: 'boot-1', count })
  const link = make()
  let told = 0
  link.onChange(() => told++)
  return { client, clock, said, make, link, told: () => told, start: () => background(t, (signal) => link.run(signal)) }
}

const third = { id: 'mail', network: 'default:net', node: 'node1', ipv4: '10.1.0.3' }
const mail = () => withEndpoints(small(), third).endpoints.get('mail')!

/** A link that has this state saved, ended. */
async function saved(t: TestContext, dir: string, state = small(), epoch = 'e1'): Promise<void> {
  const { client, link, make, start } = setup(t, dir)
  const run = start()
  client.say(...snapshot(state, epoch))
  await until('in sync', () => link.inSync)
  await until('saved', () => make().state?.revision === state.revision)
  await run.stop()
}

test('a node registers with what it is, then takes the snapshot as a whole', async (t) => {
  const { client, link, told, start } = setup(t)
  const [begin, records, end] = snapshot(small())
  start()
  client.say(begin!, records!)
  await until('the stream is open', () => client.positions.length === 1)
  await settle()
  assert.equal(link.state, undefined, 'half a snapshot is no state')
  assert.equal(link.inSync, false)
  client.say(end!)
  await until('in sync', () => link.inSync)
  assert.deepEqual(client.calls, [
    {
      op: 'register',
      body: { controlAddress: '10.9.0.1', vtep: '10.0.0.1', uplinks: [], version: '1.2.3', bootId: 'boot-1' },
    },
  ])
  assert.deepEqual(link.state, small())
  assert.deepEqual(client.positions, [undefined])
  assert.equal(told(), 1)
})

test('a delta changes what it names and keeps every other record the same object', async (t) => {
  const { client, link, told, start } = setup(t)
  start()
  client.say(...snapshot(small()))
  await until('in sync', () => link.inSync)
  const before = link.state!
  client.say({ type: 'delta', revision: 2, changes: [{ kind: 'endpoint', key: 'db', value: null }] })
  await until('the delta', () => link.state?.revision === 2)
  assert.deepEqual([...link.state!.endpoints.keys()], ['web'])
  assert.equal(link.state!.endpoints.get('web'), before.endpoints.get('web'))
  assert.equal(link.state!.networks, before.networks)
  assert.equal(told(), 2)
})

test('after the stream broke, it registers again and goes on from where it was', async (t) => {
  const { client, clock, link, start } = setup(t)
  start()
  client.say(...snapshot(small()))
  await until('in sync', () => link.inSync)
  client.breakStream()
  await untilTime('another stream', clock, 50, () => client.positions.length === 2)
  assert.deepEqual(client.ops(), ['register', 'register'])
  assert.deepEqual(client.positions[1], { epoch: 'e1', revision: 1 })
  client.say({ type: 'resume', version: 1, epoch: 'e1', revision: 1 })
  client.say({ type: 'delta', revision: 2, changes: [{ kind: 'endpoint', key: 'mail', value: mail() }] })
  await until('the delta', () => link.state?.endpoints.has('mail') === true)
})

test('while netmaster is away everything is kept, and it is tried again', async (t) => {
  const { client, clock, link, start } = setup(t)
  start()
  client.say(...snapshot(small()))
  await until('in sync', () => link.inSync)
  client.setAway(true)
  client.breakStream()
  await untilTime('five tries', clock, 100, () => client.calls.length >= 6)
  assert.equal(link.state?.endpoints.size, 2)
  assert.ok(link.inSync, 'what it knows is still worth acting on')
  client.setAway(false)
  await untilTime('back', clock, 100, () => client.positions.length === 2)
})

test('a snapshot that breaks off is forgotten: it is asked for again from the old position', async (t) => {
  const { client, clock, link, start } = setup(t)
  start()
  client.say(...snapshot(small()))
  await until('in sync', () => link.inSync)
  // Another store: netmaster was set up anew. Its stream breaks after the records.
  const [begin, records] = snapshot(withEndpoints(small()), 'e2')
  client.breakStream()
  await untilTime('second stream', clock, 50, () => client.positions.length === 2)
  client.say(begin!, records!)
  await settle()
  client.breakStream()
  await untilTime('third stream', clock, 50, () => client.positions.length === 3)
  assert.deepEqual(client.positions[2], { epoch: 'e1', revision: 1 })
  assert.equal(link.state?.endpoints.size, 2)
  client.say(...snapshot(withEndpoints(small()), 'e2'))
  await until('the new store', () => link.state?.endpoints.size === 0)
  client.breakStream()
  await untilTime('fourth stream', clock, 50, () => client.positions.length === 4)
  assert.deepEqual(client.positions[3], { epoch: 'e2', revision: 2 })
})

test('an end without a beginning is no empty cluster', async (t) => {
  const { client, clock, link, start } = setup(t)
  start()
  client.say(...snapshot(small()))
  await until('in sync', () => link.inSync)
  client.say({ type: 'end', revision: 9 })
  await untilTime('another stream', clock, 50, () => client.positions.length === 2)
  assert.deepEqual(link.state, small())
})

test('the last state is known after a restart, but nothing may be removed by it', async (t) => {
  const dir = scratch(t)
  await saved(t, dir)
  const { client, link, start } = setup(t, dir)
  assert.deepEqual(link.state, small())
  assert.equal(link.inSync, false)
  start()
  await until('the stream is open', () => client.positions.length === 1)
  assert.deepEqual(client.positions, [{ epoch: 'e1', revision: 1 }])
  assert.equal(link.inSync, false)
  client.say({ type: 'resume', version: 1, epoch: 'e1', revision: 1 })
  await until('in sync', () => link.inSync)
  assert.deepEqual(link.state, small())
})

test('each change is on disk before any time has passed', async (t) => {
  const { client, make, start } = setup(t)
  start()
  client.say(...snapshot(small()))
  for (const revision of [2, 3]) {
    client.say({ type: 'delta', revision, changes: [{ kind: 'endpoint', key: 'mail', value: mail() }] })
    await until('saved', () => make().state?.revision === revision)
  }
})

test('a state of another store is saved, although its revision is the same', async (t) => {
  const dir = scratch(t)
  await saved(t, dir)
  await saved(t, dir, { ...small(), endpoints: new Map() }, 'e2')
  const { link, make } = setup(t, dir)
  assert.equal(link.state?.endpoints.size, 0)
  assert.equal(make().state?.revision, 1)
})

const begin = (version: number) => `{"type":"begin","version":${version},"epoch":"e1","revision":7}`

for (const [what, content] of [
  ['empty', ''],
  ['torn', `${begin(1)}\n{"type":"records","chan`],
  ['of a version too new', `${begin(3)}\n{"type":"end","revision":7}\n`],
  ['not what was written', `${begin(1)}\n{"type":"records","changes":[null,5]}\n{"type":"end","revision":7}\n`],
] as const) {
  test(`a saved state that is ${what} is as good as none`, (t) => {
    const dir = scratch(t)
    setup(t, dir)
    writeFileSync(join(dir, 'state', 'state.ndjson'), content)
    assert.equal(setup(t, dir).link.state, undefined)
  })
}

test('netmaster hears each 3 s how far the node is, and at once when that grew', async (t) => {
  const { client, clock, link, start } = setup(t)
  start()
  await settle()
  assert.deepEqual(client.heartbeats, [], 'none before there is a state')
  client.say(...snapshot(small()))
  await untilTime('the first', clock, 1_000, () => client.heartbeats.length === 1)
  assert.deepEqual(client.heartbeats[0], { bootId: 'boot-1', appliedRevision: 0, endpoints: 1, problems: [] })
  link.applied(1)
  await until('the second, without waiting', () => client.heartbeats.length === 2)
  assert.deepEqual(client.heartbeats[1], { bootId: 'boot-1', appliedRevision: 1, endpoints: 1, problems: [] })
  link.applied(1)
  await settle()
  assert.equal(client.heartbeats.length, 2, 'nothing new')
  clock.advance(3_000)
  await until('the third', () => client.heartbeats.length === 3)
})

test('what the node has counted is told when netmaster asks', async (t) => {
  const { client, link, start } = setup(t)
  start()
  client.say(...snapshot(small()), { type: 'ask', id: 7, about: 'policy', key: 'red:p' })
  await until('answered', () => client.calls.some(({ op }) => op === 'counts'))
  assert.deepEqual(client.calls.at(-1)?.body, { id: 7, counts: [{ key: 'policy red:p 1', packets: 3, bytes: 300 }] })
  assert.equal(link.inSync, true)
})
