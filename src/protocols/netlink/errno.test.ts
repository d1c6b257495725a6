import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errnoName, systemError } from './errno.ts'

test('an error number becomes a code, a kind and a sentence', () => {
  const error = systemError('create the veth vp1', 17)
  assert.equal(error.code, 'NETLINK_EEXIST')
  assert.equal(error.kind, 'conflict')
  assert.equal(error.retryable, false)
  assert.match(error.message, /^cannot create the veth vp1: .+ \(EEXIST\)$/)
  assert.deepEqual(error.details, { errno: 17 })
})

test('the words of the kernel are part of the sentence', () => {
  assert.match(systemError('x', 22, 'Invalid prefix.').message, /: Invalid prefix \(EINVAL\)$/)
})

test('missing rights say what to do', () => {
  const error = systemError('x', 1)
  assert.equal(error.kind, 'forbidden')
  assert.match(error.message, /run as root/)
})

test('what may pass is retryable', () => {
  for (const errno of [16, 105, 12]) assert.equal(systemError('x', errno).retryable, true, errnoName(errno))
})

test('unknown numbers keep their number', () => {
  assert.equal(systemError('x', 524).code, 'NETLINK_ERRNO_524')
})
