// Whatever is asked for, in whatever order, sensible or not: the cluster stays consistent, a refusal changes nothing, the
// store alone gives the same cluster, and what was made can be removed again.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { startTestNetmaster, type TestNetmaster } from '../../src/netmaster/testing.ts'
import { type ApiRequest, apiRequest } from '../support/api-requests.ts'
import { assertConsistent, assertLinked, assertReplays, readLists } from '../support/consistency.ts'

async function send(netmaster: TestNetmaster, { method, path, body }: ApiRequest): Promise<void> {
  const before = await netmaster.store.snapshot()
  const { status, body: said } = await netmaster.request(method, path, body)
  assert.ok(status === 200 || (status >= 400 && status < 500), `${method} ${path}: ${status} ${JSON.stringify(said)}`)
  if (status !== 200) assert.deepEqual(await netmaster.store.snapshot(), before, `${method} ${path} was refused`)
}

async function check(netmaster: TestNetmaster): Promise<void> {
  const { cluster } = netmaster.netmaster
  assertConsistent(cluster.view)
  assertLinked(await readLists(netmaster))
  await assertReplays(cluster, netmaster.store)
}

/** Deletes everything, in an order in which it can go. */
async function empty(netmaster: TestNetmaster): Promise<void> {
  for (const { endpointId, node } of netmaster.netmaster.cluster.view.endpoints.values()) {
    const body = { EndpointID: endpointId, Node: node, ReleaseAddresses: true }
    await netmaster.ok('POST', '/plugin/deleteEndpoint', body)
  }
  const order = [
    'appProfiles',
    'rules',
    'endpointGroups',
    'policys',
    'netprofiles',
    'extContractsGroups',
    'serviceLBs',
    'networks',
    'Bgps',
    'aciGws',
    'volumes',
    'volumeProfiles',
    'tenants',
  ] as const
  for (const plural of order) {
    for (const { key } of (await readLists(netmaster))[plural])
      await netmaster.ok('DELETE', `/api/v1/${plural}/${key}/`)
  }
}

test('any sequence of requests leaves objects, links, grants and the store consistent', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(apiRequest, { minLength: 20, maxLength: 80 }), async (requests) => {
      const netmaster = await startTestNetmaster()
      try {
        for (const [index, request] of requests.entries()) {
          await send(netmaster, request)
          if (index % 20 === 19) await check(netmaster)
        }
        await check(netmaster)
        await empty(netmaster)
        await check(netmaster)
        const left = (await netmaster.store.snapshot()).entries.map(({ key }) => key)
        // The settings may have been deleted on the way.
        const others = left.filter((key) => !key.startsWith('meta/') && key !== 'record/global/global')
        assert.deepEqual(others, [])
      } finally {
        await netmaster.stop()
      }
    }),
    { numRuns: 25, endOnFailure: true },
  )
})
