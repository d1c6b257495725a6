// Several clients at once, over HTTP, on the embedded store: whatever they ask for in whatever order, the cluster stays
// consistent, nobody is answered with a fault of the server, and a netmaster that starts anew on the store says the same.

import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { overlaps } from '../../src/core/allocate/intervals.ts'
import { openStore } from '../../src/drivers/store/index.ts'
import { FakeClock } from '../../src/lib/fake-clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import { seedCluster } from '../../src/netmaster/bootstrap.ts'
import { startTestNetmaster, type TestNetmaster } from '../../src/netmaster/testing.ts'
import { type ApiRequest, apiRequest } from '../support/api-requests.ts'
import {
  assertConsistent,
  assertLinked,
  assertReplays,
  type Lists,
  type Plural,
  plurals,
} from '../support/consistency.ts'

const clients = 6

async function open(directory: string): Promise<TestNetmaster> {
  const deps = { newEpoch: () => 'epoch', clock: new FakeClock(), log: silentLog }
  return startTestNetmaster({ store: await openStore({ kind: 'sqlite', directory }, deps) })
}

/** One after another; answers the status codes. */
async function send(base: string, requests: readonly ApiRequest[]): Promise<number[]> {
  const statuses: number[] = []
  for (const { method, path, body } of requests) {
    const response = await fetch(`${base}${path}`, {
      method,
      headers: { accept: 'application/json', ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(10_000),
    })
    const text = await response.text()
    assert.ok(response.status < 500, `${method} ${path} ${JSON.stringify(body)}: ${response.status} ${text}`)
    statuses.push(response.status)
  }
  return statuses
}

/** Everything that a client can read. */
async function everything({ ok }: TestNetmaster): Promise<{ readonly lists: Lists; readonly inspected: unknown[] }> {
  const inspected = [await ok('GET', '/api/v1/endpoints/')]
  // The settings are there unless somebody has deleted them.
  for (const { key } of (await ok('GET', '/api/v1/globals/')) as { key: string }[]) {
    inspected.push(await ok('GET', `/api/v1/inspect/globals/${key}/`))
  }
  const lists: [Plural, readonly { readonly key: string }[]][] = []
  for (const plural of plurals) {
    const list = (await ok('GET', `/api/v1/${plural}/`)) as { key: string }[]
    lists.push([plural, list])
    for (const { key } of list) inspected.push(await ok('GET', `/api/v1/inspect/${plural}/${key}/`))
  }
  return { lists: Object.fromEntries(lists) as Lists, inspected }
}

/** What inspection counts is what there is, and networks of a tenant share no address. */
async function assertCounted({ ok, netmaster }: TestNetmaster): Promise<void> {
  const { view } = netmaster.cluster
  const operOf = async (path: string) => {
    const { Oper } = (await ok('GET', `/api/v1/inspect/${path}/`)) as { Oper: Record<string, number> }
    return Oper
  }
  const endpoints = [...view.endpoints.values()]
  for (const tenant of view.tenants.keys()) {
    const { totalNetworks = 0, totalEPGs = 0, totalEndpoints = 0 } = await operOf(`tenants/${tenant}`)
    const members = endpoints.filter(({ tenantName }) => tenantName === tenant)
    const expected = [view.networksOf(tenant).size, view.groupsOf(tenant).size, members.length]
    assert.deepEqual([totalNetworks, totalEPGs, totalEndpoints], expected)
    const claims = [...view.networksOf(tenant).keys()].map((key) => view.addresses(key).addressing.ipv4.claimed)
    for (const [index, claim] of claims.entries()) {
      assert.ok(!claims.slice(index + 1).some((other) => overlaps(claim, other)), `networks of ${tenant} overlap`)
    }
  }
  for (const key of view.networks.keys()) {
    const { numEndpoints = 0, allocatedAddressesCount = 0 } = await operOf(`networks/${key}`)
    const members = endpoints.filter(({ tenantName, networkName }) => `${tenantName}:${networkName}` === key)
    assert.deepEqual([numEndpoints, allocatedAddressesCount], [members.length, view.addresses(key).size])
  }
}

test('clients that get into each other’s way leave a consistent cluster, which a restart reads back', async () => {
  const answered = new Map<number, number>()
  const script = fc.array(apiRequest, { minLength: 30, maxLength: 60 })
  await fc.assert(
    fc.asyncProperty(fc.array(script, { minLength: clients, maxLength: clients }), async (scripts) => {
      const directory = mkdtempSync(join(tmpdir(), 'netmaster-clients-'))
      let netmaster = await open(directory)
      try {
        const base = `http://${await netmaster.netmaster.start({ host: '127.0.0.1', port: 0 })}`
        const statuses = await Promise.all(scripts.map((requests) => send(base, requests)))
        for (const status of statuses.flat()) answered.set(status, (answered.get(status) ?? 0) + 1)
        const { cluster } = netmaster.netmaster
        assertConsistent(cluster.view)
        await assertReplays(cluster, netmaster.store)
        await assertCounted(netmaster)
        // As at each start: the settings and the default tenant, where a client removed them.
        await seedCluster(cluster, { netMode: 'vxlan', fwdMode: 'routing' })
        const before = await everything(netmaster)
        assertLinked(before.lists)
        await netmaster.stop()
        netmaster = await open(directory)
        assertConsistent(netmaster.netmaster.cluster.view)
        assert.deepEqual(await everything(netmaster), before)
      } finally {
        await netmaster.stop()
        rmSync(directory, { recursive: true })
      }
    }),
    { numRuns: 8, endOnFailure: true },
  )
  // Where nearly all are refused, or nearly none, little was tried.
  const total = [...answered.values()].reduce((sum, n) => sum + n, 0)
  const accepted = answered.get(200) ?? 0
  assert.ok(accepted > total / 10 && accepted < (total * 9) / 10, JSON.stringify([...answered]))
})
