// Network profiles come, change and go: after each change the switch has exactly the meters that its flows use, no step
// is refused on the way, and the order of what happened before does not show.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NodeCompiler } from '../../src/core/compile/compile-node.ts'
import { desiredMeters, meterNumbersEnd } from '../../src/core/pipeline/features/profile.ts'
import { FlowSets } from '../../src/core/pipeline/flow-sets.ts'
import { Renderer } from '../../src/core/pipeline/render.ts'
import { planAllFlows, planFlowChanges } from '../../src/core/plan/flows.ts'
import { planMeters } from '../../src/core/plan/meters.ts'
import type { ClusterState } from '../../src/model/state.ts'
import { FakeTables } from '../../src/protocols/openflow/fake-tables.ts'
import { canonicalFlow, type Meter, type Modification } from '../../src/protocols/openflow/index.ts'
import { clusterState, type NetprofileIntent } from '../support/cluster.ts'
import { numberedFacts } from './arbitrary-cluster.ts'

const node = 'node1'
const groups = ['a', 'b', 'c']

const profile: fc.Arbitrary<Omit<NetprofileIntent, 'key'>> = fc.record({
  bandwidth: fc.constantFrom('', '', '1 Mbps', '10 Mbps', '2 Gbps'),
  burst: fc.constantFrom(0, 0, 2, 80),
  dscp: fc.constantFrom(0, 0, 10, 46),
})

const number = fc.nat({ max: 5 })

/** Two profiles, which groups have which, and which endpoints are there and in which group. */
const cluster: fc.Arbitrary<ClusterState> = fc
  .record({
    profiles: fc.tuple(profile, profile),
    of: fc.array(number, { minLength: 3, maxLength: 3 }),
    members: fc.array(number, { maxLength: 6 }),
    isVlan: fc.boolean(),
  })
  .map(({ profiles, of, members, isVlan }) =>
    clusterState({
      tenants: ['red'],
      networks: [
        {
          key: 'red:net',
          encap: isVlan ? { kind: 'vlan', vlan: 5 } : { kind: 'vxlan', vni: 5 },
          subnet: '10.1.0.0/24',
        },
      ],
      netprofiles: profiles.map((given, index) => ({ ...given, key: `red:p${index}` })),
      groups: groups.map((name, index) => {
        const choice = of[index] ?? 0
        return { key: `red:${name}`, network: 'net', ...(choice < 2 ? { netProfile: `p${choice}` } : {}) }
      }),
      endpoints: members.map((choice, index) => {
        const group = groups[choice]
        return {
          id: `e${index}`,
          network: 'red:net',
          node: choice === 5 ? 'node2' : node,
          ipv4: `10.1.0.${index + 1}`,
          ...(group === undefined ? {} : { group }),
        }
      }),
      nodes: [
        { node, vtep: '192.0.2.1' },
        { node: 'node2', vtep: '192.0.2.2' },
      ],
    }),
  )

interface Desired {
  readonly flows: FlowSets
  readonly meters: ReadonlyMap<number, Meter>
}

function renderWith(compiler: NodeCompiler, renderer: Renderer, state: ClusterState): Desired {
  const [network, facts] = [compiler.compile(state), numberedFacts(state, node)]
  return { flows: renderer.render(network, facts), meters: desiredMeters(network, facts) }
}

/** As the agent does it: meters, flows, and then meters that are left over. */
function carryOut(tables: FakeTables, { before, after }: ReturnType<typeof planMeters>, flows: Modification[]): void {
  for (const step of [...before, ...flows, ...after]) {
    assert.equal(tables.apply(step), undefined, `refused: ${JSON.stringify(step, (_, v) => String(v))}`)
  }
}

function assertHolds(tables: FakeTables, { flows, meters }: Desired): void {
  const wanted = [...flows.values()].flat()
  assert.deepEqual(tables.flows().map(canonicalFlow).sort(), wanted.map(canonicalFlow).sort())
  assert.deepEqual(new Map(tables.meters().map((meter) => [meter.id, meter])), new Map(meters))
  const used = wanted.flatMap(({ meter }) => meter ?? [])
  assert.deepEqual([...meters.keys()].sort(), used.sort(), 'each meter has one flow')
}

test('whatever changes, the switch ends with the wanted flows and meters, as one that starts anew', () => {
  let limited = 0
  fc.assert(
    fc.property(fc.array(cluster, { minLength: 2, maxLength: 6 }), (states) => {
      const [compiler, renderer, tables] = [new NodeCompiler(node), new Renderer(), new FakeTables()]
      let applied: Desired = { flows: new FlowSets(new Map()), meters: new Map() }
      for (const state of states) {
        const desired = renderWith(compiler, renderer, state)
        assert.deepEqual(desired, renderWith(new NodeCompiler(node), new Renderer(), state))
        const meters = planMeters(desired.meters, applied.meters.values(), { remove: true })
        carryOut(tables, meters, planFlowChanges(desired.flows, applied.flows, { remove: true }))
        assertHolds(tables, desired)
        limited += desired.meters.size
        applied = desired
      }
    }),
    { numRuns: 150 },
  )
  assert.ok(limited > 100)
})

const foreign: fc.Arbitrary<Meter> = fc.record({
  id: fc.oneof(fc.integer({ min: 1, max: 40 }), fc.integer({ min: meterNumbersEnd, max: meterNumbersEnd + 9 })),
  rate: fc.nat(),
  burst: fc.nat(),
})

test('whatever meters are found, ours end as wanted, those beyond our numbers stay, and then nothing is left to do', () => {
  fc.assert(
    fc.property(cluster, fc.uniqueArray(foreign, { selector: ({ id }) => id }), (state, found) => {
      const tables = new FakeTables()
      for (const meter of found) tables.apply({ op: 'add-meter', meter })
      const desired = renderWith(new NodeCompiler(node), new Renderer(), state)
      const careful = planMeters(desired.meters, tables.meters(), { remove: false })
      assert.deepEqual(careful.after, [], 'nothing is removed before it is known to be unwanted')
      const plan = planMeters(desired.meters, tables.meters(), { remove: true })
      carryOut(tables, plan, planAllFlows(desired.flows, [], { remove: true }))
      const ours = tables.meters().filter(({ id }) => id < meterNumbersEnd)
      const others = tables.meters().filter(({ id }) => id >= meterNumbersEnd)
      assert.deepEqual(new Map(ours.map((meter) => [meter.id, meter])), new Map(desired.meters))
      assert.deepEqual(
        others,
        found.filter(({ id }) => id >= meterNumbersEnd),
      )
      assert.deepEqual(planMeters(desired.meters, tables.meters(), { remove: true }), { before: [], after: [] })
    }),
    { numRuns: 150 },
  )
})
