import assert from 'node:assert/strict'
import { test } from 'node:test'
import { asError, asNetpluginError, errorKinds, NetpluginError, raise, unreachable } from './errors.ts'

test('trying again helps when something was away, late or garbled, and only then', () => {
  const retryable = errorKinds.filter((kind) => new NetpluginError(kind, 'X', 'x').retryable)
  assert.deepEqual(retryable, ['unavailable', 'timeout', 'protocol'])
  assert.equal(new NetpluginError('conflict', 'X', 'x', { retryable: true }).retryable, true)
})

test('an error keeps its cause and its details', () => {
  const cause = new Error('below')
  const error = new NetpluginError('invalid', 'BAD', 'bad', { cause, details: { at: 1 } })
  assert.equal(error.cause, cause)
  assert.deepEqual(error.details, { at: 1 })
  assert.equal(error.name, 'NetpluginError')
  assert.equal('cause' in new NetpluginError('invalid', 'BAD', 'bad'), false)
})

test('a problem becomes an error', () => {
  assert.throws(() => raise({ kind: 'exhausted', code: 'FULL', message: 'full', details: { pool: 'p' } }), {
    kind: 'exhausted',
    code: 'FULL',
    message: 'full',
    details: { pool: 'p' },
  })
})

test('whatever is thrown becomes an error that can be told', () => {
  assert.equal(asError('text').message, 'text')
  assert.equal(asError(undefined).message, 'undefined')
  const own = new NetpluginError('conflict', 'X', 'x')
  assert.equal(asNetpluginError(own), own)
  const other = asNetpluginError(new TypeError('no function'))
  assert.deepEqual(
    [other.kind, other.code, other.message, other.retryable],
    ['internal', 'INTERNAL', 'no function', false],
  )
  assert.ok(other.cause instanceof TypeError)
})

test('what types rule out is an error when it happens all the same', () => {
  assert.throws(() => unreachable({ kind: 'new' } as never), { code: 'UNREACHABLE', message: /"kind":"new"/ })
})
