import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setImmediate as turn } from 'node:timers/promises'
import { FakeClock } from './fake-clock.ts'
import { IdleCollector, ownCpuMs, ownHeap } from './idle-collector.ts'

/** A collector with a heap of which half is garbage. */
async function collector(t: TestContext) {
  const clock = new FakeClock()
  const program = { size: 100, cpu: 0, collections: 0, gain: 0.5 }
  const stop = new AbortController()
  const heap = {
    size: () => program.size,
    collect: () => {
      program.collections++
      program.size *= 1 - program.gain
    },
    used: () => program.size,
  }
  const options = { everyMs: 1_000, slackBytes: 20, restMs: 50 }
  const running = new IdleCollector(options, { clock, heap, cpuMs: () => program.cpu }).run(stop.signal)
  t.after(async () => {
    stop.abort()
    await running
  })
  const pass = async () => {
    await turn()
    clock.advance(1_000)
    await turn()
  }
  return { program, pass }
}

test('garbage is collected at rest, and again only when the heap has grown', async (t) => {
  const { program, pass } = await collector(t)
  program.cpu += 500
  await pass()
  assert.equal(program.collections, 0)
  await pass()
  assert.deepEqual([program.collections, program.size], [1, 50])
  await pass()
  program.size = 69
  await pass()
  assert.equal(program.collections, 1)
  program.size = 80
  await pass()
  assert.equal(program.collections, 2)
})

test('when little is gained, it is not tried again at each look', async (t) => {
  const { program, pass } = await collector(t)
  program.gain = 0
  await pass()
  program.size = 500
  for (let look = 0; look < 11; look++) await pass()
  assert.equal(program.collections, 1)
  await pass()
  assert.equal(program.collections, 2)
})

test('the heap of a program becomes smaller', () => {
  const heap = ownHeap()
  let garbage: object[] = Array.from({ length: 500_000 }, (_, index) => ({ index }))
  const before = heap.size()
  assert.equal(garbage.length, 500_000)
  garbage = []
  heap.collect()
  assert.ok(heap.size() < before - 8 * 2 ** 20)
  assert.ok(ownCpuMs() > 0)
})
