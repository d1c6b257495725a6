import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Attachments } from './attachments.ts'

const none: ReadonlyMap<string, string> = new Map()
const inForce = (...ids: string[]) => new Map(ids.map((id) => [id, `np-${id}`]))
const bounded = () => AbortSignal.timeout(5_000)

test('who waits is answered by the pass that puts the endpoint in force, and nobody else', async () => {
  const attachments = new Attachments()
  const answered: string[] = []
  const a = attachments.whenInForce('a', bounded()).then(() => answered.push('a'))
  const b = attachments.whenInForce('b', bounded()).then(() => answered.push('b'))
  attachments.passed(inForce('b', 'c'), none, 1)
  await b
  assert.deepEqual(answered, ['b'])
  attachments.passed(inForce('a', 'b'), none, 1)
  await a
  assert.deepEqual(answered, ['b', 'a'])
})

test('what is in force already is not waited for, until a pass no longer has it', async () => {
  const attachments = new Attachments()
  attachments.passed(inForce('a'), none, 1)
  assert.equal(await attachments.whenInForce('a', AbortSignal.abort()), 'np-a')
  attachments.passed(inForce(), none, 1)
  await assert.rejects(attachments.whenInForce('a', AbortSignal.abort()), { code: 'ATTACH_TIMEOUT' })
})

test('all who wait for one endpoint are answered', async () => {
  const attachments = new Attachments()
  const both = Promise.all([attachments.whenInForce('a', bounded()), attachments.whenInForce('a', bounded())])
  attachments.passed(inForce('a'), none, 1)
  await both
})

test('a port that the switch refuses is told at once, with its reason', async () => {
  const attachments = new Attachments()
  const waiting = attachments.whenInForce('a', bounded())
  attachments.passed(inForce(), new Map([['a', 'no such device']]), 1)
  await assert.rejects(waiting, { code: 'PORT_REFUSED', message: /no such device$/ })
})

test('who runs out of time hears why the passes fail', async () => {
  const attachments = new Attachments()
  const stop = new AbortController()
  const waiting = attachments.whenInForce('a', stop.signal)
  attachments.lastError = 'Open vSwitch does not run'
  stop.abort()
  await assert.rejects(waiting, { kind: 'timeout', code: 'ATTACH_TIMEOUT', message: /: Open vSwitch does not run$/ })
})

test('one whose time ran out does not take the others with it', async () => {
  const attachments = new Attachments()
  const stop = new AbortController()
  const short = attachments.whenInForce('a', stop.signal)
  const long = attachments.whenInForce('a', bounded())
  stop.abort()
  await assert.rejects(short, { message: /did not confirm it in time/ })
  attachments.passed(inForce('a'), none, 1)
  await long
})
