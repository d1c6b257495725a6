import assert from 'node:assert/strict'
import { test } from 'node:test'
import { hash53 } from './hash.ts'

test('hashes never change: names of links and cookies of flows on running hosts are made of them', () => {
  assert.deepEqual(['', 'a', 'netplugin', 'ünïcode'].map(hash53), [
    1710847644904867n,
    7810902598939875n,
    6393355233814566n,
    8739188292849013n,
  ])
})

test('a hash has at most 53 bits, and uses them', () => {
  let ones = 0n
  let zeros = 0n
  for (let count = 0; count < 200; count++) {
    const hash = hash53(`text ${count}`)
    assert.ok(hash >= 0n && hash < 1n << 53n)
    ones |= hash
    zeros |= ~hash
  }
  assert.equal(ones, (1n << 53n) - 1n)
  assert.equal(zeros & ((1n << 53n) - 1n), (1n << 53n) - 1n)
})

test('texts that differ a little differ in the hash', () => {
  const seen = new Set<bigint>()
  for (let count = 0; count < 20_000; count++) seen.add(hash53(count.toString(36).padStart(64, '0')))
  assert.equal(seen.size, 20_000)
  assert.notEqual(hash53('ab'), hash53('ba'))
})
