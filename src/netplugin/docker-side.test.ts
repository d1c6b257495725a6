import assert from 'node:assert/strict'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { FakeRuntime } from '../drivers/runtime/fake.ts'
import type { RuntimeContainer } from '../drivers/runtime/runtime.ts'
import { FakeClock } from '../lib/fake-clock.ts'
import type { ClusterState, EndpointRecord } from '../model/state.ts'
import { DockerNetworks } from './docker-networks.ts'
import { DockerSide } from './docker-side.ts'
import { FakeNodeClient, refusal } from './fake-node-client.ts'
import { Outbox } from './outbox.ts'
import { RunningContainers } from './running-containers.ts'
import { background, random, recordingLog, scratch, settle, small, until, untilTime } from './testing.ts'

function setup(t: TestContext) {
  const runtime = new FakeRuntime()
  const client = new FakeNodeClient()
  const clock = new FakeClock()
  const { log, said } = recordingLog()
  const world: { state: ClusterState | undefined; mayRemove: boolean; ours: boolean } = {
    state: small(),
    mayRemove: true,
    ours: true,
  }
  const reported: number[] = []
  const running = new RunningContainers({ changed: () => {} })
  const side = new DockerSide(
    { node: 'node1' },
    {
      runtime,
      networks: new DockerNetworks({ driver: 'netplugin' }, { runtime, log }),
      client,
      outbox: new Outbox(join(scratch(t), 'outbox.json'), { client, clock, log, random }),
      running,
      clock,
      log,
      random,
      state: () => world.state,
      mayRemove: () => world.mayRemove,
      onNetworks: (revision) => void reported.push(revision),
      isOurs: () => world.ours,
      lookAgain: () => {},
    },
  )
  const enter = (state: ClusterState) => {
    world.state = state
    side.stateChanged()
  }
  const start = async () => {
    const run = background(t, (signal) => side.run(signal))
    await settle()
    return run
  }
  const updates = () => client.calls.filter(({ op }) => op === 'updateEndpoint').map(({ body }) => body)
  const gaveUp = () => client.calls.filter(({ op }) => op === 'deleteEndpoint').map(({ body }) => body)
  return { runtime, client, clock, world, reported, running, side, enter, start, updates, gaveUp, said }
}

const later = (state: ClusterState, more: Partial<ClusterState>): ClusterState => ({
  ...state,
  ...more,
  revision: state.revision + 1,
})

const renamed = (state: ClusterState, more: Partial<EndpointRecord>) =>
  later(state, { endpoints: new Map(state.endpoints).set('web', { ...state.endpoints.get('web')!, ...more }) })

const named = (container: RuntimeContainer, more: object = {}) => ({
  EndpointID: 'web',
  Event: 'start',
  ContainerID: container.id,
  ContainerName: 'web',
  Aliases: [],
  Labels: {},
  ...more,
})

test('Docker has the networks of the state, then the revision is reported', async (t) => {
  const { runtime, world, reported, enter, start } = setup(t)
  world.state = undefined
  await start()
  assert.deepEqual(reported, [])
  enter(small())
  await until('reported', () => reported.length === 1)
  assert.deepEqual(reported, [1])
  assert.equal((await runtime.networks({})).length, 3)
})

test('a change that is not about networks is reported at once', async (t) => {
  const { reported, enter, start } = setup(t)
  await start()
  const state = small()
  enter(state)
  await settle()
  reported.length = 0
  enter({ ...state, revision: 9 })
  assert.deepEqual(reported, [9], 'without waiting for anything')
})

test('a network that goes is removed, its revision reported when it has gone', async (t) => {
  const { runtime, reported, enter, start } = setup(t)
  await start()
  const networks = new Map(small().networks)
  networks.delete('default:isle')
  enter(later(small(), { networks }))
  await until('reported', () => reported.includes(2))
  assert.deepEqual(
    (await runtime.networks({})).map(({ name }) => name),
    ['net', 'net/blue'],
  )
})

test('a Docker network that somebody removed by hand is made again', async (t) => {
  const { runtime, start } = setup(t)
  await start()
  await runtime.removeNetwork('isle')
  await settle()
  assert.equal((await runtime.networks({})).length, 3)
})

test('a host without Docker is not waited for, and gets its networks when Docker comes', async (t) => {
  const { runtime, clock, reported, start, said } = setup(t)
  runtime.setUp(false)
  await start()
  assert.deepEqual(reported, [1])
  assert.ok(said(/Docker networks not up to date/))
  runtime.setUp(true)
  let count = 0
  await untilTime('networks', clock, 100, () => {
    void runtime.networks({}).then((networks) => {
      count = networks.length
    })
    return count === 3
  })
})

test('the name of a container that starts is told, its aliases and labels with it', async (t) => {
  const { runtime, start, updates } = setup(t)
  await start()
  const container = runtime.startContainer('web', 'net', { endpointId: 'web', aliases: ['w3', 'www'] })
  await until('told', () => updates().length === 1)
  assert.deepEqual(updates(), [named(container, { Aliases: ['w3', 'www'] })])
})

test('containers that run already are told of at the start', async (t) => {
  const { runtime, start, updates } = setup(t)
  const driver = { driver: 'netplugin', ipamDriver: 'netplugin', labels: {}, options: {}, ipamOptions: {} }
  await runtime.createNetwork({ name: 'net', subnet: '10.1.0.0/16', ...driver })
  const container = runtime.startContainer('web', 'net', { endpointId: 'web', aliases: ['w3'] })
  await start()
  assert.deepEqual(updates(), [named(container, { Aliases: ['w3'] })])
})

test('what the cluster knows already is not told again', async (t) => {
  const { runtime, clock, enter, start, updates } = setup(t)
  await start()
  const container = runtime.startContainer('web', 'net', { endpointId: 'web' })
  await until('told', () => updates().length === 1)
  enter(renamed(small(), { containerId: container.id, containerName: 'web' }))
  clock.advance(30_000)
  await settle()
  runtime.putContainer(container, 'start')
  await settle()
  assert.equal(updates().length, 1)
})

test('a new name is told', async (t) => {
  const { runtime, enter, start, updates } = setup(t)
  await start()
  const container = runtime.startContainer('web', 'net', { endpointId: 'web' })
  await until('told', () => updates().length === 1)
  enter(renamed(small(), { containerId: container.id, containerName: 'web' }))
  runtime.putContainer({ ...container, name: 'shop' }, 'rename')
  await until('told', () => updates().length === 2)
  assert.deepEqual(updates()[1], named(container, { ContainerName: 'shop' }))
})

test("containers on networks of others are nobody's business", async (t) => {
  const { runtime, world, start, updates } = setup(t)
  await start()
  world.ours = false
  runtime.startContainer('other', 'net', { endpointId: 'unknown' })
  runtime.startContainer('stopped', 'net', { endpointId: '' })
  await settle()
  assert.deepEqual(updates(), [])
  // One that the cluster knows is ours, whatever this process has learnt of Docker's networks.
  runtime.startContainer('web', 'net', { endpointId: 'web' })
  await until('told', () => updates().length === 1)
})

test('a name that netmaster could not hear is told when it can', async (t) => {
  const { runtime, client, clock, start, updates } = setup(t)
  await start()
  client.setAway(true)
  runtime.startContainer('web', 'net', { endpointId: 'web' })
  await until('tried', () => updates().length > 0)
  await settle()
  client.setAway(false)
  client.calls.length = 0
  const since = clock.now()
  await untilTime('told', clock, 500, () => updates().length === 1)
  assert.ok(clock.now() - since <= 10_000, `told after ${clock.now() - since} ms`)
})

test('an endpoint that is gone meanwhile is no trouble', async (t) => {
  const { runtime, client, start, said, updates } = setup(t)
  await start()
  client.trouble = () => refusal('not-found')
  runtime.startContainer('web', 'net', { endpointId: 'web' })
  await until('told', () => updates().length === 1)
  await settle()
  assert.equal(said(/containers not compared/), false)
})

test('an endpoint that Docker does not have is given up after ten seconds, with its addresses', async (t) => {
  const { clock, world, start, gaveUp } = setup(t)
  world.state = renamed(small(), { containerId: '' })
  await start()
  clock.advance(9_999)
  await settle()
  assert.deepEqual(gaveUp(), [], 'Docker may be about to have it')
  clock.advance(1)
  await until('given up', () => gaveUp().length === 1)
  assert.deepEqual(gaveUp(), [{ EndpointID: 'web', ReleaseAddresses: true }])
})

test('an endpoint that Docker has at the second look is kept, and its grace begins anew', async (t) => {
  const { runtime, clock, world, start, gaveUp } = setup(t)
  world.state = renamed(small(), { containerId: '' })
  await start()
  const container = runtime.startContainer('web', 'net', { endpointId: 'web' })
  clock.advance(30_000)
  await settle()
  runtime.removeContainer(container.id)
  clock.advance(30_000)
  await settle()
  assert.deepEqual(gaveUp(), [], 'missed once')
  clock.advance(30_000)
  await until('given up', () => gaveUp().length === 1)
})

test('an endpoint of a container that ended unheard is given up as soon as everything is known', async (t) => {
  const { world, start, enter, gaveUp } = setup(t)
  world.mayRemove = false
  const known = renamed(small(), { containerId: 'gone' })
  world.state = known
  await start()
  assert.deepEqual(gaveUp(), [])
  world.mayRemove = true
  enter(later(known, {}))
  await until('given up', () => gaveUp().length === 1)
})

test('an endpoint of a container that is starting, or goes on with another endpoint, is waited for', async (t) => {
  const { runtime, clock, world, start, gaveUp } = setup(t)
  world.mayRemove = false
  await start()
  const starting = runtime.startContainer('web', 'net', { endpointId: 'web' })
  runtime.putContainer({ ...starting, running: false }, 'create')
  world.state = renamed(small(), { containerId: starting.id })
  world.mayRemove = true
  clock.advance(30_000)
  await settle()
  assert.deepEqual(gaveUp(), [], 'Docker has it, although the container does not run yet')
  runtime.putContainer({ ...starting, attachments: [] }, 'start')
  clock.advance(30_000)
  await settle()
  assert.deepEqual(gaveUp(), [], 'it runs')
  runtime.putContainer({ ...starting, running: false, attachments: [] }, 'die')
  clock.advance(9_999)
  await settle()
  assert.deepEqual(gaveUp(), [], 'not looked for')
  clock.advance(1)
  await until('given up', () => gaveUp().length === 1)
})

test('a container whose endpoint the cluster gave up is named in the log, once', async (t) => {
  const { runtime, clock, start, said } = setup(t)
  await start()
  runtime.startContainer('web', 'net', { endpointId: 'web' })
  runtime.startContainer('stray', 'net', { endpointId: 'unknown' })
  clock.advance(30_000)
  await settle()
  assert.equal(said(/gave up its endpoint/), false, 'it may be about to be told')
  await untilTime('said', clock, 500, () => said(/gave up its endpoint/))
})

test('nothing is given up while Docker is away, or while netmaster has not told everything', async (t) => {
  const { runtime, clock, world, start, gaveUp } = setup(t)
  world.mayRemove = false
  await start()
  for (let look = 0; look < 3; look++) {
    clock.advance(30_000)
    await settle()
  }
  assert.deepEqual(gaveUp(), [])
  world.mayRemove = true
  runtime.setUp(false)
  for (let look = 0; look < 3; look++) {
    clock.advance(30_000)
    await settle()
  }
  assert.deepEqual(gaveUp(), [])
})

test('when Docker ends its events they are listened to again', async (t) => {
  const { runtime, clock, start, updates } = setup(t)
  await start()
  runtime.setUp(false)
  await settle()
  runtime.setUp(true)
  clock.advance(5_000)
  await settle()
  runtime.startContainer('web', 'net', { endpointId: 'web' })
  await untilTime('told', clock, 100, () => updates().length === 1)
})
