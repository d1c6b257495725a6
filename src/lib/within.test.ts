import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from './fake-clock.ts'
import { within } from './within.ts'

const never = (limit: AbortSignal) =>
  new Promise<never>((_, reject) => {
    if (limit.aborted) reject(limit.reason)
    limit.addEventListener('abort', () => reject(limit.reason))
  })

test('what takes longer is ended by the clock, and by the signal', async () => {
  const clock = new FakeClock()
  const late = within(2_000, { clock }, never)
  clock.advance(2_000)
  await assert.rejects(late, { code: 'TOO_LATE', message: 'not done within 2 s' })
  const gone = new AbortController()
  const cut = within(2_000, { clock, signal: gone.signal }, never)
  gone.abort(new Error('gone'))
  await assert.rejects(cut, /gone/)
  await assert.rejects(within(2_000, { clock, signal: gone.signal }, never), /gone/)
})

test('what is done in time leaves no timer', async () => {
  const clock = new FakeClock()
  assert.equal(await within(2_000, { clock }, async () => 7), 7)
  await Promise.resolve()
  assert.equal(clock.waiting, 0)
})
