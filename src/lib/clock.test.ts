// The system's clock, the one of tests, and sleeping until woken.

import assert from 'node:assert/strict'
import { getEventListeners } from 'node:events'
import { test } from 'node:test'
import { systemClock } from './clock.ts'
import { FakeClock } from './fake-clock.ts'
import { Wakeup } from './wakeup.ts'

test("the system's clock waits at least as long as it is told", async () => {
  const before = performance.now()
  await systemClock.after(15)
  // Timers of Node may be up to 1 ms early.
  assert.ok(performance.now() - before >= 14)
})

for (const [name, clock] of [
  ["the system's clock", systemClock],
  ['the clock of tests', new FakeClock()],
] as const) {
  test(`${name} ends a wait when its signal aborts, with the signal's reason`, async () => {
    const stop = new AbortController()
    const waiting = clock.after(60_000, stop.signal)
    stop.abort(new Error('enough'))
    await assert.rejects(waiting, /enough/)
    await assert.rejects(clock.after(60_000, stop.signal), /enough/)
    assert.equal(getEventListeners(stop.signal, 'abort').length, 0)
  })
}

test('a wait that is over leaves nothing on its signal', async () => {
  const stop = new AbortController()
  await systemClock.after(1, stop.signal)
  assert.equal(getEventListeners(stop.signal, 'abort').length, 0)
})

test('in tests time goes on when told, and wakes the earliest first', async () => {
  const clock = new FakeClock()
  const order: string[] = []
  const waits = [clock.after(20).then(() => order.push('late')), clock.after(10).then(() => order.push('early'))]
  assert.equal(clock.waiting, 2)
  clock.advance(9)
  await Promise.resolve()
  assert.deepEqual(order, [])
  clock.advance(11)
  await Promise.all(waits)
  assert.deepEqual(order, ['early', 'late'])
})

test('a wake reaches everybody who waits, and nobody who comes later', async () => {
  const wakeup = new Wakeup()
  const stop = new AbortController()
  const both = Promise.all([wakeup.wait(stop.signal), wakeup.wait(stop.signal)])
  wakeup.wake()
  await both
  let woken = false
  const third = wakeup.wait(stop.signal).then(() => {
    woken = true
  })
  await Promise.resolve()
  assert.equal(woken, false)
  stop.abort()
  await third
  await wakeup.wait(stop.signal)
  assert.equal(getEventListeners(stop.signal, 'abort').length, 0)
})

test('a wait with a limit ends by wake, by time or by abort, and leaves no timer', async () => {
  const wakeup = new Wakeup()
  const clock = new FakeClock()
  const stop = new AbortController()
  const ends: (() => void)[] = [() => wakeup.wake(), () => clock.advance(1_000), () => stop.abort()]
  for (const end of ends) {
    const waiting = wakeup.waitAtMost(1_000, { clock }, stop.signal)
    end()
    await waiting
    assert.equal(clock.waiting, 0)
  }
})
