import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Clock } from '../lib/clock.ts'
import { until } from './wait.ts'

/** Time passes only while somebody waits. */
function steppedClock(): Clock & { readonly waited: number[] } {
  const waited: number[] = []
  let now = 0
  return {
    waited,
    now: () => now,
    after: (ms) => {
      now += ms
      waited.push(ms)
      return Promise.resolve()
    },
  }
}

const options = { what: 'the kettle', timeoutMs: 1000, everyMs: 100 }
const never = new AbortController().signal

test('waiting ends with the first value there is', async () => {
  const clock = steppedClock()
  const answers = [undefined, undefined, 'hot']
  assert.equal(await until(() => answers.shift(), options, { clock }, never), 'hot')
  assert.deepEqual(clock.waited, [100, 100])
})

test('a fact that never comes is named when the time is over', async () => {
  const clock = steppedClock()
  await assert.rejects(
    until(() => undefined, options, { clock }, never),
    {
      kind: 'timeout',
      code: 'WAIT_TIMEOUT',
      message: 'waited 1 s for the kettle',
    },
  )
  assert.equal(clock.now(), 1000)
})

test('waiting ends at once when its signal aborts', async () => {
  const stop = new AbortController()
  stop.abort(new Error('enough'))
  await assert.rejects(
    until(() => undefined, options, { clock: steppedClock() }, stop.signal),
    /enough/,
  )
})
