import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { FakeClock } from '../lib/fake-clock.ts'
import { systemFiles } from '../lib/files.ts'
import { nextStart } from './session-file.ts'
import { recordingLog, scratch } from './testing.ts'

function setup(t: TestContext) {
  const path = join(scratch(t), 'session.json')
  const clock = new FakeClock()
  clock.advance(1_000_000)
  const { log, said } = recordingLog()
  return { path, clock, said, log }
}

test('each start is higher than the one before, at the same time and when the clock went back', async (t) => {
  const { path, clock, log } = setup(t)
  const first = await nextStart(path, { clock, log })
  assert.equal(await nextStart(path, { clock, log }), first + 1)
  assert.equal(await nextStart(path, { clock: new FakeClock(), log }), first + 2)
})

test('without its file, or with nonsense in it, a start is as high as the clock', async (t) => {
  const { path, clock, log } = setup(t)
  const now = Math.floor(clock.now() / 1000)
  for (const nonsense of ['', '7', '{"start":"x"}', '{"start":1e300}', '{"start":0.5}']) {
    writeFileSync(path, nonsense)
    assert.equal(await nextStart(path, { clock, log }), now, nonsense)
  }
})

test('a full disk is said, and keeps nobody from starting', async (t) => {
  const { path, clock, log, said } = setup(t)
  const replace = () => Promise.reject(new Error('no space left on device'))
  await nextStart(path, { clock, log, files: { ...systemFiles, replace } })
  assert.ok(said(/start not saved/))
})
