import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeRuntime } from './fake.ts'
import { runtimeContract } from './runtime.contract.ts'

runtimeContract(
  'fake runtime',
  async () => {
    const runtime = new FakeRuntime()
    return {
      runtime,
      startContainer: async (name, networkName, alias) =>
        runtime.startContainer(name, networkName, { ipv4: '10.91.0.1', mac: '02:02:0a:5b:00:01', aliases: [alias] }).id,
      removeContainer: async (id) => runtime.removeContainer(id),
    }
  },
  { driver: 'test', ipamDriver: 'test' },
)

test('a fake runtime that is down answers nothing and ends its watches', async () => {
  const runtime = new FakeRuntime()
  const watching = runtime.watch(() => {}, { opened: () => {} }, AbortSignal.timeout(5_000))
  runtime.setUp(false)
  await watching
  await assert.rejects(runtime.version(), { kind: 'unavailable' })
})
