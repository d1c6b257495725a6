import assert from 'node:assert/strict'
import { test } from 'node:test'
import { auditMs, countAfterMs, Schedule, settleMs, tidyAfterMs } from './schedule.ts'

const start = 1_000_000

/** A schedule after its first pass, which did everything. */
function begun(): Schedule {
  const schedule = new Schedule()
  schedule.begin(start)
  schedule.tidied()
  return schedule
}

test('the first pass is due at once, looks for drift and tidies', () => {
  const schedule = new Schedule()
  assert.equal(schedule.pauseMs(start, true), 0)
  assert.deepEqual(schedule.begin(start), { audit: true, compare: true, tidy: true, count: true })
})

test('while nothing may be removed, tidying stays due but wakes nobody', () => {
  const schedule = new Schedule()
  schedule.begin(start)
  assert.equal(schedule.pauseMs(start, false), auditMs)
  assert.equal(schedule.pauseMs(start, true), 0)
  assert.deepEqual(schedule.begin(start + 1), { audit: false, compare: false, tidy: true, count: false })
})

test('drift is looked for every five seconds, also when passes come without end', () => {
  const schedule = begun()
  const found = { audits: 0, compared: 0 }
  for (let now = start + 10; now <= start + 24 * auditMs; now += 10) {
    const { audit, compare } = schedule.begin(now)
    if (audit) found.audits++
    if (compare) found.compared++
  }
  assert.deepEqual(found, { audits: 24, compared: 2 })
})

test('what an endpoint left behind is removed a moment later, together with what comes meanwhile', () => {
  const schedule = begun()
  schedule.leftBehind(start + 100)
  schedule.leftBehind(start + 200)
  assert.equal(schedule.begin(start + 100 + tidyAfterMs - 1).tidy, false)
  assert.equal(schedule.pauseMs(start + 100, true), tidyAfterMs)
  assert.equal(schedule.begin(start + 100 + tidyAfterMs).tidy, true)
  schedule.tidied()
  assert.equal(schedule.begin(start + 101 + tidyAfterMs).tidy, false)
})

test('what counts follows a moment after the first rule for which nothing counts', () => {
  const schedule = begun()
  schedule.uncounted(start + 10)
  schedule.uncounted(start + 20)
  assert.equal(schedule.begin(start + 9 + countAfterMs).count, false)
  assert.equal(schedule.pauseMs(start + 10, true), countAfterMs)
  assert.equal(schedule.begin(start + 10 + countAfterMs).count, true)
  assert.equal(schedule.pauseMs(start + 10 + countAfterMs, true), 0, 'until it is done')
  schedule.counted()
  assert.equal(schedule.begin(start + 11 + countAfterMs).count, false)
})

test('several events make one look, which does not wait for them to end', () => {
  const schedule = begun()
  schedule.changed(start + 10)
  schedule.changed(start + 10 + settleMs - 1)
  assert.equal(schedule.pauseMs(start + 10, true), settleMs)
  schedule.begin(start + 10 + settleMs)
  assert.equal(schedule.pauseMs(start + 10 + settleMs, true), auditMs - 10 - settleMs)
})

test('a pass that failed leaves the tidying due', () => {
  const schedule = begun()
  schedule.leftBehind(start)
  assert.equal(schedule.begin(start + tidyAfterMs).tidy, true)
  assert.equal(schedule.begin(start + tidyAfterMs + 1).tidy, true)
})

test('a clock that is set back puts nothing off', () => {
  const schedule = begun()
  schedule.leftBehind(start)
  schedule.changed(start)
  const back = start - 3_600_000
  assert.equal(schedule.pauseMs(back, true), settleMs)
  schedule.begin(back)
  assert.equal(schedule.pauseMs(back, true), tidyAfterMs)
  assert.equal(schedule.pauseMs(back, false), auditMs)
  assert.deepEqual(schedule.begin(back + auditMs), { audit: true, compare: false, tidy: true, count: true })
})
