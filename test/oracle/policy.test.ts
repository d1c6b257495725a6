// Random policies in a real Open vSwitch: reference evaluator, simulator and switch (`ofproto/trace`) agree about who may
// open what. ORACLE_SETS says how many sets of policies, ORACLE_SEED where to start; `make truth` compares 1,000.

import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { type Step, World } from '../../src/core/pipeline/simulate/world.ts'
import { evaluatePolicy } from '../../src/core/policy/evaluate.ts'
import type { ClusterState } from '../../src/model/state.ts'
import { numberedHosts } from '../properties/arbitrary-cluster.ts'
import { clusterWithPolicies } from '../properties/arbitrary-policy.ts'
import { mayReach } from '../support/cluster.ts'
import { type Opening, openings, sentBy } from '../support/openings.ts'
import { OracleSwitch } from './oracle-switch.ts'

const wanted = Number(process.env.ORACLE_SETS ?? 1_000)
const firstSeed = Number(process.env.ORACLE_SEED ?? Date.now() % 2 ** 31)
/** Openings of a set that are traced: as many that are denied as that are allowed, where there are. */
const mostOfAVerdict = 4

interface Asked {
  readonly from: string
  readonly to: string
  readonly isV6: boolean
  readonly opening: Opening
}

const seen = { sets: 0, allowed: 0, denied: 0 }

let oracle: OracleSwitch

before(async () => {
  oracle = await OracleSwitch.start()
})

after(async () => {
  await oracle?.stop()
})

/** Every opening of every pair with a way to each other, by what the reference evaluator says of it. */
function judged(state: ClusterState): { readonly allowed: readonly Asked[]; readonly denied: readonly Asked[] } {
  const found: { readonly allowed: Asked[]; readonly denied: Asked[] } = { allowed: [], denied: [] }
  for (const from of state.endpoints.values()) {
    for (const to of state.endpoints.values()) {
      for (const isV6 of [false, true]) {
        if (from === to || !mayReach(state, from.endpointId, to.endpointId, isV6)) continue
        const [source, destination] = isV6 ? [from.ipv6, to.ipv6] : [from.ipv4, to.ipv4]
        for (const opening of openings(isV6)) {
          const { protocol, port } = opening
          const { tenantName } = from
          const { allowed } = evaluatePolicy(state, { tenantName, source, destination, protocol, port })
          const asked = { from: from.endpointId, to: to.endpointId, isV6, opening }
          found[allowed ? 'allowed' : 'denied'].push(asked)
        }
      }
    }
  }
  return found
}

/** Some of them, spread over all. */
function handful(asked: readonly Asked[]): readonly Asked[] {
  const stride = Math.max(1, Math.floor(asked.length / mostOfAVerdict))
  return asked.filter((_, index) => index % stride === stride - 1).slice(0, mostOfAVerdict)
}

/** What the simulator makes of an opening is what the evaluator says; the switches on its way, for the real one. */
function simulated(state: ClusterState, asked: readonly Asked[], isAllowed: boolean): readonly Step[] {
  const steps: Step[] = []
  const world = new World({ state, hosts: numberedHosts(state), onStep: (step) => void steps.push(step) })
  for (const { from, to, isV6, opening } of asked) {
    const [source, destination] = [state.endpoints.get(from), state.endpoints.get(to)]
    assert.ok(source && destination)
    world.forgetConnections()
    const journey = world.send(from, opening.first(...sentBy(state, source, destination, isV6)))
    const receivers = journey.deliveries.map((delivery) => delivery.to)
    assert.deepEqual(receivers, isAllowed ? [to] : [], journey.trace.join('\n'))
    seen[isAllowed ? 'allowed' : 'denied']++
  }
  return steps
}

async function check(state: ClusterState): Promise<void> {
  const { allowed, denied } = judged(state)
  if (denied.length === 0) return
  const steps = [...simulated(state, handful(denied), false), ...simulated(state, handful(allowed), true)]
  const world = new World({ state, hosts: numberedHosts(state) })
  for (const [node, here] of Map.groupBy(steps, (step) => step.node)) {
    const flows = [...world.host(node).flows.values()].flat()
    await oracle.load(flows)
    for (const step of here) await oracle.compare(flows, step)
  }
  seen.sets++
}

test('evaluator, simulator and a real switch agree about random policies', async (t) => {
  for (let seed = firstSeed; seen.sets < wanted; seed++) {
    const [state] = fc.sample(clusterWithPolicies, { numRuns: 1, seed: seed | 0 })
    assert.ok(state)
    try {
      await check(state)
    } catch (error) {
      throw new Error(`again: ORACLE_SEED=${seed} ORACLE_SETS=1 node --test test/oracle/policy.test.ts`, {
        cause: error,
      })
    }
  }
  t.diagnostic(`from seed ${firstSeed}: ${JSON.stringify(seen)}, ${oracle.compared} packets traced`)
  assert.ok(seen.allowed > seen.sets && seen.denied > seen.sets, `too little was seen: ${JSON.stringify(seen)}`)
})
