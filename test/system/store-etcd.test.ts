// The contract of stores over a real etcd with TLS, client certificates and users; and what is said when it cannot be used.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { openStore, type StoreTarget } from '../../src/drivers/store/index.ts'
import { testStore } from '../../src/drivers/store/store.contract.ts'
import { NetpluginError } from '../../src/lib/errors.ts'
import { EtcdCluster } from '../support/etcd.ts'

const password = 'a word of a test'
let etcd: EtcdCluster

before(async () => {
  etcd = await EtcdCluster.start({ members: 1, password })
})
after(() => etcd.close())

const deps = { newEpoch: () => 'epoch-of-a-test' }

testStore({
  name: 'etcd store',
  open: () => openStore({ ...etcd.target(), historyLimit: 20 }, deps),
  leaseMs: 2_000,
})

test('a token that etcd no longer knows is replaced, for calls and watches', async () => {
  const store = await openStore(etcd.target(), deps)
  const { revision } = await store.snapshot()
  const seen: unknown[] = []
  const ended = new AbortController()
  const watching = (async () => {
    for await (const { changes } of store.watch(revision, ended.signal)) seen.push(changes[0]?.value)
  })()
  const write = (value: number) => store.commit({ expect: [], put: [{ key: 'a', value }], delete: [] })
  await write(1)
  // Tokens live in the member's memory.
  await etcd.kill(0)
  etcd.restart(0)
  await etcd.healthy()
  assert.ok((await write(2)).ok)
  const until = performance.now() + 15_000
  while (seen.length < 2 && performance.now() < until) await delay(20)
  assert.deepEqual(seen, [1, 2])
  ended.abort()
  await watching
  await store.close()
})

async function refused(target: StoreTarget): Promise<string> {
  const error = await openStore(target, deps).then(
    () => assert.fail('it was opened'),
    (thrown: unknown) => thrown,
  )
  assert.ok(error instanceof NetpluginError, String(error))
  return `${error.kind} ${error.code}: ${error.message}`
}

test('what is wrong with certificates or user is said, with the flag to look at', async () => {
  const target = etcd.target()
  const { tls = {}, user: _, ...rest } = target
  const stranger = await refused({ ...target, tls: { ...tls, ca: etcd.certificates.strangerCa } })
  assert.match(stranger, /^unavailable STORE_UNREACHABLE: .*certificate.*--store-ca/)
  assert.match(
    await refused({ ...target, tls: { ca: etcd.certificates.ca } }),
    /--store-ca, --store-cert and --store-key/,
  )
  const { tls: _tls, ...plain } = target
  assert.match(await refused(plain), /^unavailable STORE_UNREACHABLE/)
  assert.match(
    await refused({ ...target, tls: { ...tls, key: Buffer.from('no key') } }),
    /^invalid STORE_TLS: .*--store-key/,
  )
  const wrong = { name: 'root', password: 'wrong' }
  assert.match(await refused({ ...target, user: wrong }), /^unauthorized STORE_UNAUTHORIZED: .*--store-password-file/)
  assert.match(await refused({ ...rest, tls }), /^unauthorized STORE_UNAUTHORIZED: .*--store-user/)
  assert.match(
    await refused({ ...target, user: { name: 'nobody', password } }),
    /^forbidden STORE_FORBIDDEN: .*etcdctl role/,
  )
})
