import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FakeClock } from '../../lib/fake-clock.ts'
import { MemoryStore } from './memory.ts'
import { testStore } from './store.contract.ts'

testStore({
  name: 'memory store',
  open: async () => new MemoryStore({ historyLimit: 20 }, { newEpoch: () => 'epoch-of-a-test' }),
  leaseMs: 20,
})

const open = (clock: FakeClock) => new MemoryStore({ historyLimit: 20 }, { newEpoch: () => 'epoch-of-a-test', clock })
const keys = async (store: MemoryStore) => (await store.snapshot()).entries.map(({ key }) => key)

test('memory store: another one on the same data ends with leases of its own', async () => {
  const clock = new FakeClock()
  const one = open(clock)
  const two = one.another()
  const lease = await one.lease(1_000)
  const other = await two.lease(1_000)
  await one.commit({ expect: [], put: [{ key: 'one', value: 1, lease: lease.id }], delete: [] })
  await two.commit({ expect: [], put: [{ key: 'two', value: 2, lease: other.id }], delete: [] })
  assert.deepEqual(await keys(two), ['one', 'two'])
  await two.close()
  assert.deepEqual(await keys(one), ['one'])
})

test('memory store: the leases of one that was killed end after their time, of one that is not heard at once', async () => {
  const clock = new FakeClock()
  const one = open(clock)
  const two = one.another()
  const lease = await two.lease(1_000)
  await two.commit({ expect: [], put: [{ key: 'two', value: 2, lease: lease.id }], delete: [] })
  two.abandon()
  clock.advance(999)
  assert.deepEqual(await keys(one), ['two'])
  clock.advance(1)
  await Promise.resolve()
  assert.deepEqual(await keys(one), [])
  const own = await one.lease(1_000)
  await one.commit({ expect: [], put: [{ key: 'one', value: 1, lease: own.id }], delete: [] })
  one.expire(own.id)
  assert.deepEqual([await keys(one), own.lost.aborted], [[], true])
})
