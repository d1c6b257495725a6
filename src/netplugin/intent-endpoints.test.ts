import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { FakeRuntime } from '../drivers/runtime/fake.ts'
import { FakeClock } from '../lib/fake-clock.ts'
import type { ClusterState } from '../model/state.ts'
import { FakeNodeClient, refusal, unreachable } from './fake-node-client.ts'
import { IntentEndpoints } from './intent-endpoints.ts'
import { RunningContainers } from './running-containers.ts'
import { background, random, recordingLog, settle, small, until, untilTime } from './testing.ts'
import { attachedTo, intended, runningContainer, withIntended } from './testing-intents.ts'

function setup(t: TestContext, state: ClusterState = withIntended(intended())) {
  const client = new FakeNodeClient()
  const runtime = new FakeRuntime()
  const clock = new FakeClock()
  const { log, lines, said } = recordingLog()
  const world = { state, inSync: true, looks: 0 }
  const running: RunningContainers = new RunningContainers({ changed: () => intents.containersChanged() })
  const intents: IntentEndpoints = new IntentEndpoints(
    { node: 'node1' },
    {
      client,
      runtime,
      running,
      clock,
      log,
      random,
      state: () => world.state,
      inSync: () => world.inSync,
      refOf: (id) => (id === 'docker-net' ? { tenant: 'default', network: 'net', group: '' } : undefined),
      lookAgain: () => void world.looks++,
    },
  )
  const enter = (next: ClusterState) => {
    world.state = next
    intents.stateChanged()
  }
  background(t, (signal) => intents.run(signal))
  const list = (...ids: string[]) =>
    running.takeAll(
      ids.map((id) => runningContainer(id)),
      running.ask(),
    )
  const ops = (op: string) => client.calls.filter((call) => call.op === op).map(({ body }) => body)
  return { client, runtime, clock, lines, said, world, running, intents, enter, list, ops }
}

const bound = intended({ node: 'node1', containerId: 'c1' })

test('a container that runs when the intent comes is given the endpoint', async (t) => {
  const { list, enter, ops } = setup(t, small())
  list('c1')
  await settle()
  assert.deepEqual(ops('createEndpoint'), [])
  enter(withIntended(intended()))
  await until('claimed', () => ops('createEndpoint').length === 1)
  assert.deepEqual(ops('createEndpoint'), [
    {
      TenantName: 'default',
      NetworkName: 'net',
      EndpointID: 'net.default-web',
      ConfigEP: { Container: 'web', Host: 'node1', AttachUUID: 'c1' },
      ContainerID: 'c1',
      Labels: {},
    },
  ])
})

test('a container that starts after the intent is given the endpoint, and the agent looks', async (t) => {
  const { running, list, ops, world } = setup(t)
  list()
  await settle()
  const before = world.looks
  running.take(runningContainer('c1'), running.ask())
  await until('claimed', () => ops('createEndpoint').length === 1)
  assert.ok(world.looks > before)
})

test('nothing is claimed or released before Docker has told of all containers', async (t) => {
  const { enter, ops, running, list } = setup(t)
  running.take(runningContainer('c1'), running.ask())
  enter(withIntended(bound, intended({ endpointId: 'net.default-db', containerName: 'db' })))
  await settle()
  assert.deepEqual([ops('createEndpoint'), ops('updateEndpoint')], [[], []])
  list()
  await until('released', () => ops('updateEndpoint').length === 1)
})

test("nothing is claimed or released by a state that may not be netmaster's newest", async (t) => {
  const { enter, ops, world, list } = setup(t, withIntended(bound))
  world.inSync = false
  list()
  await settle()
  assert.deepEqual(ops('updateEndpoint'), [])
  world.inSync = true
  enter(withIntended({ ...bound }))
  await until('released', () => ops('updateEndpoint').length === 1)
})

test('the end of a container is told until netmaster has heard of it', async (t) => {
  const { client, list, running, ops, clock, enter } = setup(t, withIntended(bound))
  list('c1')
  client.trouble = () => unreachable()
  running.ended('c1')
  await untilTime('tried again', clock, 50, () => ops('updateEndpoint').length > 2)
  client.trouble = () => undefined
  const before = ops('updateEndpoint').length
  await untilTime('told', clock, 50, () => ops('updateEndpoint').length > before)
  assert.deepEqual(ops('updateEndpoint').at(-1), { EndpointID: 'net.default-web', Event: 'die', ContainerID: 'c1' })
  enter(withIntended(intended()))
  const told = ops('updateEndpoint').length
  for (let at = 0; at < 100; at++) {
    clock.advance(1_000)
    await settle()
  }
  assert.equal(ops('updateEndpoint').length, told)
})

test('a refused claim is said once and tried again later, or when the endpoint changes', async (t) => {
  const { client, list, ops, clock, enter, lines } = setup(t)
  client.trouble = () => refusal()
  list('c1')
  await until('asked', () => ops('createEndpoint').length === 1)
  enter({ ...withIntended(intended()), revision: 9 })
  await settle()
  assert.equal(ops('createEndpoint').length, 1)
  enter(withIntended(intended({ binding: { alias: '', host: 'node1', attachUuid: '' } })))
  await until('asked again', () => ops('createEndpoint').length === 2)
  assert.equal(lines.filter(({ level }) => level === 'warn').length, 2)
  await untilTime('tried after a while', clock, 1_000, () => ops('createEndpoint').length === 3)
})

test("a container on Docker's network of the same name is taken off it, then given the endpoint", async (t) => {
  const { runtime, running, ops, said } = setup(t)
  const container = runningContainer('c1', { attachments: [attachedTo('docker-net')] })
  runtime.putContainer(container, 'start')
  running.takeAll([container], running.ask())
  await until('taken off', () => said(/taken off/))
  assert.deepEqual(ops('createEndpoint'), [])
  running.take((await runtime.container('c1'))!, running.ask())
  await until('claimed', () => ops('createEndpoint').length === 1)
})

test('places are namespaces of containers that run here and have an endpoint', (t) => {
  const elsewhere = intended({ endpointId: 'net.default-db', containerName: 'db', node: 'node2', containerId: 'c1' })
  const { intents, list, running } = setup(t, withIntended(bound, elsewhere, intended({ endpointId: 'net.default-x' })))
  assert.deepEqual([...intents.places()], [])
  list('c1')
  assert.deepEqual([...intents.places()], [['net.default-web', '/proc/c1/ns/net']])
  running.ended('c1')
  assert.deepEqual([...intents.places()], [])
})
