// Random policies: what the flows do with connections is what the reference evaluator says of them.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { World } from '../../src/core/pipeline/simulate/world.ts'
import { evaluatePolicy } from '../../src/core/policy/evaluate.ts'
import type { EndpointRecord } from '../../src/model/state.ts'
import { flowIdentity } from '../../src/protocols/openflow/index.ts'
import { mayReach } from '../support/cluster.ts'
import { openings, sentBy } from '../support/openings.ts'
import { numberedHosts } from './arbitrary-cluster.ts'
import { clusterWithPolicies } from './arbitrary-policy.ts'

/** How many connections were compared, and how many of them were denied. */
const seen = { allowed: 0, denied: 0 }

function check(world: World, from: EndpointRecord, to: EndpointRecord, isV6: boolean): void {
  const { state } = world
  for (const opening of openings(isV6)) {
    const [source, destination] = sentBy(state, from, to, isV6)
    const asked = { source: source.ip, destination: destination.ip, protocol: opening.protocol, port: opening.port }
    const verdict = evaluatePolicy(state, { tenantName: from.tenantName, ...asked })
    const { deliveries, trace } = world.send(from.endpointId, opening.first(source, destination))
    const why = () =>
      `${from.endpointId} to ${to.endpointId}, protocol ${opening.protocol} port ${opening.port}: out ${verdict.egress?.key}, in ${verdict.ingress?.key}\n${trace.join('\n')}`
    const receivers = verdict.allowed ? [to.endpointId] : []
    assert.deepEqual(
      deliveries.map((delivery) => delivery.to),
      receivers,
      why(),
    )
    seen[verdict.allowed ? 'allowed' : 'denied']++
    if (!verdict.allowed) continue
    const [back, origin] = sentBy(state, to, from, isV6)
    const answer = world.send(to.endpointId, opening.answer(back, origin))
    const answered = answer.deliveries.map((delivery) => delivery.to)
    assert.deepEqual(answered, [from.endpointId], `the answer\n${answer.trace.join('\n')}`)
    const again = world.send(from.endpointId, opening.first(source, destination))
    assert.deepEqual(
      again.deliveries.map((delivery) => delivery.to),
      [to.endpointId],
      why(),
    )
  }
}

test('flows allow and deny what the reference evaluator does, and pass the replies of what they allow', () => {
  const numRuns = Number(process.env.POLICY_RUNS ?? 100)
  fc.assert(
    fc.property(clusterWithPolicies, (state) => {
      for (const from of state.endpoints.values()) {
        for (const to of state.endpoints.values()) {
          const meet = (isV6: boolean) => mayReach(state, from.endpointId, to.endpointId, isV6)
          if (from === to || !meet(false)) continue
          // No connection of another pair is open in it.
          const world = new World({ state, hosts: numberedHosts(state) })
          for (const isV6 of [false, true]) if (meet(isV6)) check(world, from, to, isV6)
        }
      }
    }),
    { numRuns },
  )
  assert.ok(seen.allowed > 500 && seen.denied > 200, `too little was seen: ${JSON.stringify(seen)}`)
})

test('no two flows of a node have the same table, priority and match', () => {
  fc.assert(
    fc.property(clusterWithPolicies, (state) => {
      const world = new World({ state, hosts: numberedHosts(state) })
      for (const node of world.nodes) {
        const identities = [...world.host(node).flows.values()].flat().map(flowIdentity)
        assert.equal(new Set(identities).size, identities.length)
      }
    }),
    { numRuns: 150 },
  )
})
