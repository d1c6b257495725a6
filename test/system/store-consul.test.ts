// The contract of stores over a real Consul, where there is one.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { openStore } from '../../src/drivers/store/index.ts'
import { testStore } from '../../src/drivers/store/store.contract.ts'
import { NetpluginError } from '../../src/lib/errors.ts'
import { ConsulServer, findConsul } from '../support/consul.ts'

const program = findConsul()
const deps = { newEpoch: () => 'epoch-of-a-test' }

if (program === undefined) {
  test('the contract of stores over a real Consul', {
    skip: 'no program consul: tools/setup.sh consul fetches it',
  }, () => {})
} else {
  let consul: ConsulServer
  before(async () => {
    consul = await ConsulServer.start(program)
  })
  after(() => consul.close())

  testStore({
    name: 'consul store',
    open: () => openStore({ ...consul.target(), historyLimit: 20 }, deps),
    merges: true,
    leaseMs: 10_000,
  })

  test('a Consul that does not answer is told, server by server', async () => {
    const target = { ...consul.target(), endpoints: ['127.0.0.1:1'] }
    await assert.rejects(openStore(target, deps), (error) => {
      assert.ok(error instanceof NetpluginError)
      assert.match(error.message, /^Consul does not answer \(127\.0\.0\.1:1: .*ECONNREFUSED.*--consul-endpoints$/)
      return error.code === 'STORE_UNREACHABLE'
    })
    const store = await openStore({ ...target, endpoints: ['127.0.0.1:1', consul.endpoint] }, deps)
    await store.close()
  })
}
