// Random policies: what the flows do with connections is what the reference evaluator says of them. POLICY_SETS says how
// many sets of policies, POLICY_SEED where to start; `make truth` compares 100,000.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { World } from '../../src/core/pipeline/simulate/world.ts'
import { evaluatePolicy } from '../../src/core/policy/evaluate.ts'
import type { ClusterState, EndpointRecord } from '../../src/model/state.ts'
import { flowIdentity } from '../../src/protocols/openflow/index.ts'
import { mayReach } from '../support/cluster.ts'
import { openings, sentBy } from '../support/openings.ts'
import { numberedHosts } from './arbitrary-cluster.ts'
import { clusterWhosePoliciesChange, clusterWithPolicies } from './arbitrary-policy.ts'

const wanted = Number(process.env.POLICY_SETS ?? 250)

/** How many connections were compared, and how many of them were denied; sets of policies that had any. */
const seen = { allowed: 0, denied: 0, sets: 0 }

const families = [
  { isV6: false, openings: openings(false) },
  { isV6: true, openings: openings(true) },
]

function check(world: World, from: EndpointRecord, to: EndpointRecord, { isV6, openings }: (typeof families)[0]): void {
  const { state } = world
  const [source, destination] = sentBy(state, from, to, isV6)
  const [back, origin] = sentBy(state, to, from, isV6)
  for (const opening of openings) {
    const asked = { source: source.ip, destination: destination.ip, protocol: opening.protocol, port: opening.port }
    const verdict = evaluatePolicy(state, { tenantName: from.tenantName, ...asked })
    const expect = (journey: ReturnType<World['send']>, receivers: readonly string[], what: string) => {
      const actual = journey.deliveries.map(({ to }) => to)
      if (actual.length === receivers.length && actual.every((name, index) => name === receivers[index])) return
      const rules = `out ${verdict.egress?.key}, in ${verdict.ingress?.key}`
      const where = `${from.endpointId} to ${to.endpointId}, protocol ${opening.protocol} port ${opening.port}`
      assert.deepEqual(actual, receivers, `${what}: ${where}: ${rules}\n${journey.trace.join('\n')}`)
    }
    const first = opening.first(source, destination)
    expect(world.send(from.endpointId, first), verdict.allowed ? [to.endpointId] : [], 'the first packet')
    seen[verdict.allowed ? 'allowed' : 'denied']++
    if (!verdict.allowed) continue
    expect(world.send(to.endpointId, opening.answer(back, origin)), [from.endpointId], 'the answer')
    expect(world.send(from.endpointId, first), [to.endpointId], 'the next packet')
  }
}

/** Every pair that has a way to each other; no connection of another pair is open then. */
function checkPairs(world: World): void {
  const { state } = world
  const before = seen.allowed + seen.denied
  for (const from of state.endpoints.values()) {
    for (const to of state.endpoints.values()) {
      if (from === to) continue
      world.forgetConnections()
      for (const family of families) {
        if (mayReach(state, from.endpointId, to.endpointId, family.isV6)) check(world, from, to, family)
      }
    }
  }
  if (seen.allowed + seen.denied > before) seen.sets++
}

function checkAll(states: readonly ClusterState[]): void {
  let world: World | undefined
  for (const state of states) {
    world = new World({ state, hosts: numberedHosts(state), after: world })
    checkPairs(world)
  }
}

test('flows allow and deny what the reference evaluator does, and pass the replies of what they allow', (t) => {
  const seed = Number(process.env.POLICY_SEED ?? Date.now() % 2 ** 31)
  for (let more = 0; seen.sets < wanted; more++) {
    fc.assert(fc.property(clusterWhosePoliciesChange, checkAll), { numRuns: 100, seed: (seed + more) | 0 })
  }
  t.diagnostic(`from seed ${seed}: ${JSON.stringify(seen)}`)
  assert.ok(seen.denied > seen.sets / 2, `too little was denied: ${JSON.stringify(seen)}`)
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
