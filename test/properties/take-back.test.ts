// Whatever a transaction changes can be taken back: the tables are then as before, with all that was worked out of them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isProblem } from '../../src/model/body.ts'
import type { Decide } from '../../src/netmaster/decision.ts'
import { inverseOf } from '../../src/netmaster/speculation.ts'
import type { Tables, View } from '../../src/netmaster/tables.ts'
import { startTestNetmaster } from '../../src/netmaster/testing.ts'
import { apiRequest } from '../support/api-requests.ts'

const sorted = (all: Iterable<unknown>) => [...all].map((each) => JSON.stringify(each)).sort()

function everything(tables: Tables): unknown {
  const networks = [...tables.networks.keys()].sort().map((key) => ({
    key,
    free: tables.addresses(key).describe(''),
    pools: sorted(tables.addresses(key).pools()),
    endpoints: sorted(tables.endpointsIn(key).keys()),
    groups: sorted(tables.groupsIn(key).keys()),
  }))
  const tenants = [...tables.tenants.keys()].sort().map((key) => ({
    key,
    networks: sorted(tables.networksOf(key).keys()),
    groups: sorted(tables.groupsOf(key).keys()),
    policies: sorted(tables.referrers('policy', 'tenant', key).keys()),
  }))
  const reservations = sorted(tables.reservations)
  const weight = tables.ruleWeights.all
  return { records: sorted(tables.records()), grants: sorted(tables.grants()), networks, tenants, reservations, weight }
}

function assertTakenBack<R>(view: View, decide: Decide<R>): ReturnType<Decide<R>> {
  const decision = decide(view)
  if (isProblem(decision)) return decision
  const tables = view.copy()
  const before = everything(tables)
  const inverse = inverseOf(tables, decision)
  tables.apply(decision.records, decision.grants)
  tables.apply(inverse.records, inverse.grants)
  assert.deepEqual(everything(tables), before)
  return decision
}

test('every transaction can be taken back', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(apiRequest, { minLength: 20, maxLength: 80 }), async (requests) => {
      const { netmaster, request, stop } = await startTestNetmaster()
      const { cluster } = netmaster
      const transact = cluster.transact.bind(cluster)
      cluster.transact = (decide, fence) => transact((view) => assertTakenBack(view, decide), fence)
      for (const { method, path, body } of requests) {
        const { status } = await request(method, path, body)
        assert.notEqual(status, 500, `${method} ${path} ${JSON.stringify(body)}`)
      }
      await stop()
    }),
    { numRuns: 30 },
  )
})
