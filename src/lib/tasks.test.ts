import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Fields, type Log, silentLog } from './log.ts'
import { Tasks } from './tasks.ts'

function setup() {
  const failures: Fields[] = []
  const log: Log = { ...silentLog, error: (_, fields = {}) => void failures.push(fields) }
  return { tasks: new Tasks({ log }), failures }
}

test('it is settled when the last task has ended, those begun meanwhile too', async () => {
  const { tasks } = setup()
  const order: string[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  tasks.spawn('first', async () => {
    await promise
    order.push('first')
    tasks.spawn('second', async () => {
      await Promise.resolve()
      order.push('second')
    })
  })
  const settled = tasks.settled().then(() => order.push('settled'))
  resolve()
  await settled
  assert.deepEqual(order, ['first', 'second', 'settled'])
})

test('a task that fails is told by name, and takes no other with it', async () => {
  const { tasks, failures } = setup()
  let done = false
  tasks.spawn('bad', async () => {
    throw new Error('no')
  })
  tasks.spawn('good', async () => {
    done = true
  })
  await tasks.settled()
  assert.deepEqual(failures, [{ task: 'bad', error: 'no' }])
  assert.ok(done)
})

test('a task that fails before it has begun is told as well', async () => {
  const { tasks, failures } = setup()
  tasks.spawn('worse', () => {
    throw new Error('at once')
  })
  await tasks.settled()
  assert.deepEqual(failures, [{ task: 'worse', error: 'at once' }])
})

test('without tasks it is settled', () => setup().tasks.settled())
