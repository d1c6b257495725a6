import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { FakeRuntime } from '../drivers/runtime/fake.ts'
import { FakeClock } from '../lib/fake-clock.ts'
import { DockerNetworkIds } from './docker-network-ids.ts'
import { scratch } from './testing.ts'

const ref = { tenant: 'default', network: 'n', group: '' }
const bounded = () => AbortSignal.timeout(5_000)

function setup(t: TestContext) {
  const path = join(scratch(t), 'ids.json')
  const runtime = new FakeRuntime()
  const make = () => new DockerNetworkIds({ path, driver: 'netplugin' }, { runtime, clock: new FakeClock() })
  return { path, runtime, make }
}

const create = (runtime: FakeRuntime, name: string, driver: string, options: Record<string, string>) =>
  runtime.createNetwork({
    name,
    driver,
    ipamDriver: driver,
    subnet: '10.0.0.0/8',
    labels: {},
    options,
    ipamOptions: {},
  })

test('what was learnt is known after a restart, without asking Docker', async (t) => {
  const { runtime, make } = setup(t)
  await make().learn('id', ref)
  runtime.setUp(false)
  const restarted = make()
  assert.ok(restarted.has('id'))
  assert.deepEqual(await restarted.resolve('id', bounded()), ref)
})

test('what was forgotten stays forgotten', async (t) => {
  const { make } = setup(t)
  const networkIds = make()
  await networkIds.learn('id', ref)
  await networkIds.learn('other', ref)
  await networkIds.forget('id')
  await networkIds.forget('never known')
  assert.deepEqual([make().has('id'), make().has('other')], [false, true])
})

test('an unknown network is asked of Docker once, and then known', async (t) => {
  const { path, runtime, make } = setup(t)
  const id = await create(runtime, 'n', 'netplugin', { tenant: 'default', network: 'n' })
  const networkIds = make()
  assert.equal(networkIds.has(id), false)
  assert.deepEqual(await networkIds.resolve(id, bounded()), ref)
  assert.deepEqual(JSON.parse(readFileSync(path, 'utf8')), { [id]: ref })
  runtime.setUp(false)
  assert.deepEqual(await networkIds.resolve(id, bounded()), ref)
})

test('a network of another driver, and one that does not say what it is, stay unknown', async (t) => {
  const { runtime, make } = setup(t)
  const foreign = await create(runtime, 'a', 'bridge', { network: 'n' })
  const silent = await create(runtime, 'b', 'netplugin', {})
  for (const id of [foreign, silent])
    await assert.rejects(make().resolve(id, bounded()), { kind: 'not-found', code: 'DOCKER_NETWORK_UNKNOWN' })
})

test('while Docker is away an unknown network is an error, not a wait', async (t) => {
  const { runtime, make } = setup(t)
  runtime.setUp(false)
  await assert.rejects(make().resolve('id', bounded()), { code: 'DOCKER_NETWORK_UNKNOWN' })
})

test('a file that cannot be read is as good as none', async (t) => {
  const { path, make } = setup(t)
  for (const content of ['', '{"id":', 'null', '7', '{"id":null}', '{"id":{"tenant":1}}', '["x"]']) {
    writeFileSync(path, content)
    assert.equal(make().has('id'), false, content)
  }
})
