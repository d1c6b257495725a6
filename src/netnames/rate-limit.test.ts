import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { RateLimit } from './rate-limit.ts'

const options = { perSecond: 10, maxKeys: 3, tellEveryMs: 1_000 }

test("a second's worth may come at once, then as many as the rate, each key for itself", () => {
  const limit = new RateLimit(options)
  const allowed = (key: string, now: number, tries: number) =>
    Array.from({ length: tries }, () => limit.check(key, now)).filter((verdict) => verdict === 'allowed').length
  assert.equal(allowed('a', 0, 30), 10)
  assert.equal(allowed('b', 0, 30), 10)
  assert.equal(allowed('a', 500, 30), 5)
  assert.equal(allowed('a', 60_000, 30), 10)
})

test('a key over its limit is told of now and then', () => {
  const limit = new RateLimit({ ...options, perSecond: 1 })
  assert.deepEqual(
    [0, 1, 2, 900, 1_001].map((now) => limit.check('a', now)),
    ['allowed', 'limited-tell', 'limited', 'limited', 'allowed'],
  )
  assert.equal(limit.check('a', 1_002), 'limited-tell')
})

test('without a rate everything is allowed', () => {
  const limit = new RateLimit({ ...options, perSecond: 0 })
  for (let index = 0; index < 100; index++) assert.equal(limit.check('a', 0), 'allowed')
})

test('in any time no more pass than the rate and what may come at once', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: -50, max: 200 }), { maxLength: 200 }), (steps) => {
      const limit = new RateLimit(options)
      let now = 1_000_000
      let forward = 0
      let allowed = 0
      for (const step of steps) {
        now += step
        forward += Math.max(0, step)
        if (limit.check('a', now) === 'allowed') allowed += 1
      }
      assert.ok(allowed <= 10 + (forward * 10) / 1000 + 1e-6, `${allowed} in ${forward} ms`)
    }),
  )
})

test('keys are forgotten rather than kept without end', () => {
  const limit = new RateLimit({ ...options, perSecond: 1 })
  limit.check('a', 0)
  assert.notEqual(limit.check('a', 0), 'allowed')
  for (const key of ['b', 'c', 'd']) assert.equal(limit.check(key, 0), 'allowed')
  assert.equal(limit.check('a', 0), 'allowed')
})
