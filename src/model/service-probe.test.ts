import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { formatProbe, parseProbe } from './service-probe.ts'

test('what is left out of a probe is as usual', () => {
  assert.deepEqual(parseProbe('tcp'), { intervalMs: 2_000, timeoutMs: 1_000, failures: 3 })
  assert.deepEqual(parseProbe('TCP:500ms'), { intervalMs: 500, timeoutMs: 500, failures: 3 })
  assert.deepEqual(parseProbe('tcp:1m:5s'), { intervalMs: 60_000, timeoutMs: 5_000, failures: 3 })
  assert.deepEqual(parseProbe('tcp:1h:50ms:100'), { intervalMs: 3_600_000, timeoutMs: 50, failures: 100 })
})

test('what is no probe is none', () => {
  const texts = ['', 'udp', 'tcp:', 'tcp:2', 'tcp:499ms', 'tcp:2h', 'tcp:1s:2s', 'tcp:1s:49ms', 'tcp:1s:1s:0']
  for (const text of [...texts, 'tcp:1s:1s:101', 'tcp:1s:1s:x', 'tcp:1s:1s:3:4', 'tcp:-1s', 'tcp:1e3s']) {
    assert.equal(parseProbe(text), undefined, text)
  }
})

test('a probe survives its text, and any text is a probe or none', () => {
  const probes = fc
    .record({
      intervalMs: fc.integer({ min: 500, max: 3_600_000 }),
      part: fc.double({ min: 0, max: 1, noNaN: true }),
      failures: fc.integer({ min: 1, max: 100 }),
    })
    .map(({ intervalMs, part, failures }) => {
      return { intervalMs, timeoutMs: Math.max(50, Math.floor(intervalMs * part)), failures }
    })
  fc.assert(fc.property(probes, (probe) => assert.deepEqual(parseProbe(formatProbe(probe)), probe)))
  fc.assert(
    fc.property(fc.string(), (text) => {
      const probe = parseProbe(text)
      if (probe !== undefined) assert.deepEqual(parseProbe(formatProbe(probe)), probe)
    }),
  )
})
