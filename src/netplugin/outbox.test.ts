import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { FakeClock } from '../lib/fake-clock.ts'
import { FakeNodeClient, refusal, unreachable } from './fake-node-client.ts'
import { type Detachment, Outbox } from './outbox.ts'
import { background, random, recordingLog, scratch, settle, until, untilTime } from './testing.ts'

const gone = (EndpointID: string): Detachment => ({ op: 'delete-endpoint', request: { EndpointID } })
const freed = (IPv4Address: string): Detachment => ({ op: 'release-address', request: { IPv4Address } })
const bounded = () => AbortSignal.timeout(5_000)

function setup(t: TestContext, path = join(scratch(t), 'outbox.json')) {
  const client = new FakeNodeClient()
  const clock = new FakeClock()
  const { log, said } = recordingLog()
  const make = () => new Outbox(path, { client, clock, log, random })
  return { client, clock, said, path, make, outbox: make() }
}

const bodies = (client: FakeNodeClient) => client.calls.map((call) => call.body)

test('while netmaster answers, a detachment is delivered before the call returns', async (t) => {
  const { client, outbox, make } = setup(t)
  await outbox.deliver(gone('a'), bounded())
  assert.deepEqual(client.calls, [{ op: 'deleteEndpoint', body: { EndpointID: 'a' } }])
  assert.equal(make().detached.size, 0)
})

test('while netmaster is away the call returns all the same, and the endpoint counts as detached', async (t) => {
  const { client, outbox } = setup(t)
  client.setAway(true)
  await outbox.deliver(gone('a'), bounded())
  await outbox.deliver(freed('10.0.0.1'), bounded())
  assert.deepEqual([...outbox.detached], ['a'])
})

test('what waits is delivered in order once netmaster is back, and nothing overtakes it', async (t) => {
  const { client, clock, outbox } = setup(t)
  client.setAway(true)
  await outbox.deliver(gone('a'), bounded())
  client.setAway(false)
  // Netmaster is back, but `a` waits still.
  await outbox.deliver(freed('10.0.0.1'), bounded())
  await outbox.deliver(gone('b'), bounded())
  client.calls.length = 0
  background(t, (signal) => outbox.run(signal))
  await untilTime('all delivered', clock, 100, () => client.calls.length === 3)
  assert.deepEqual(bodies(client), [{ EndpointID: 'a' }, { IPv4Address: '10.0.0.1' }, { EndpointID: 'b' }])
  await until('nothing is detached any more', () => outbox.detached.size === 0)
})

test('it is tried again and again, with growing pauses', async (t) => {
  const { client, clock, outbox } = setup(t)
  client.setAway(true)
  await outbox.deliver(gone('a'), bounded())
  background(t, (signal) => outbox.run(signal))
  const tries: number[] = []
  client.trouble = () => {
    tries.push(clock.now())
    return tries.length < 8 ? unreachable() : undefined
  }
  await untilTime('delivered', clock, 50, () => outbox.detached.size === 0)
  const pauses = tries.slice(1).map((at, index) => at - (tries[index] ?? 0))
  assert.ok(
    pauses.every((pause, index) => pause >= (pauses[index - 1] ?? 0)),
    `pauses of ${pauses} ms`,
  )
  assert.ok(pauses.at(-1)! <= 3_000, `pauses of ${pauses} ms`)
})

test('who needs what waits to be delivered has it tried at once, and goes on whatever comes of it', async (t) => {
  const { client, clock, outbox } = setup(t)
  await outbox.hasten(AbortSignal.abort())
  client.setAway(true)
  await outbox.deliver(gone('a'), bounded())
  background(t, (signal) => outbox.run(signal))
  await until('it waits after a failure', () => clock.waiting > 0)
  client.calls.length = 0
  await outbox.hasten(bounded())
  assert.deepEqual([bodies(client), [...outbox.detached]], [[{ EndpointID: 'a' }], ['a']], 'still away')
  client.setAway(false)
  await outbox.hasten(bounded())
  assert.deepEqual([...outbox.detached], [], 'without waiting for the next time')
})

test('what was not delivered when the program was killed is delivered by the next one', async (t) => {
  const { client, clock, outbox, make } = setup(t)
  client.setAway(true)
  await outbox.deliver(gone('a'), bounded())
  await outbox.deliver(gone('b'), bounded())
  client.setAway(false)
  client.calls.length = 0
  const next = make()
  assert.deepEqual([...next.detached], ['a', 'b'])
  background(t, (signal) => next.run(signal))
  await untilTime('all delivered', clock, 100, () => next.detached.size === 0)
  assert.deepEqual(bodies(client), [{ EndpointID: 'a' }, { EndpointID: 'b' }])
  await untilFileIsEmpty(make)
})

test('a program that is ended while it waits for an answer forgets nothing', async (t) => {
  const { client, outbox, make } = setup(t)
  client.setAway(true)
  await outbox.deliver(gone('a'), bounded())
  client.trouble = () => 'no answer'
  const run = background(t, (signal) => outbox.run(signal))
  await until('asked', () => client.calls.length === 2)
  await run.stop()
  assert.deepEqual([...make().detached], ['a'])
})

test('a caller whose time runs out leaves the detachment for later', async (t) => {
  const { client, outbox, make } = setup(t)
  client.trouble = () => 'no answer'
  await outbox.deliver(gone('a'), AbortSignal.timeout(5))
  assert.deepEqual([...make().detached], ['a'])
})

test("a refusal is the caller's to know, and is not kept", async (t) => {
  const { client, outbox, make } = setup(t)
  client.trouble = () => refusal()
  await assert.rejects(outbox.deliver(gone('a'), bounded()), { code: 'NO' })
  assert.equal(make().detached.size, 0)
})

test('what netmaster refuses later is given up, so that what follows is delivered', async (t) => {
  const { client, clock, outbox, said } = setup(t)
  client.setAway(true)
  await outbox.deliver(gone('a'), bounded())
  await outbox.deliver(gone('b'), bounded())
  client.trouble = ({ body }) => (JSON.stringify(body).includes('"a"') ? refusal() : undefined)
  background(t, (signal) => outbox.run(signal))
  await untilTime('both are settled', clock, 100, () => outbox.detached.size === 0)
  assert.ok(said(/netmaster refused a detachment/))
})

test('it wakes for what comes while there was nothing to do', async (t) => {
  const { client, clock, outbox } = setup(t)
  background(t, (signal) => outbox.run(signal))
  await settle()
  client.setAway(true)
  await outbox.deliver(gone('a'), bounded())
  client.setAway(false)
  await untilTime('delivered', clock, 100, () => outbox.detached.size === 0)
})

test('what is in the file and no detachment is passed over', (t) => {
  const { path, make } = setup(t)
  writeFileSync(path, '[null, 7, {"op":"x"}, {"op":"delete-endpoint","request":{"EndpointID":"a"}}]')
  assert.deepEqual([...make().detached], ['a'])
  writeFileSync(path, '[{"op":"delete-endp')
  assert.deepEqual([...make().detached], [])
})

async function untilFileIsEmpty(make: () => Outbox): Promise<void> {
  await until('the file is empty', () => make().detached.size === 0)
}
