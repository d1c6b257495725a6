// Plans of flows, carried out on a flow table in memory, end at what was wanted.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NodeCompiler } from '../../src/core/compile/compile-node.ts'
import { isOf } from '../../src/core/pipeline/cookies.ts'
import { FlowSets } from '../../src/core/pipeline/flow-sets.ts'
import { Renderer } from '../../src/core/pipeline/render.ts'
import { planAllFlows, planFlowChanges } from '../../src/core/plan/flows.ts'
import type { ClusterState } from '../../src/model/state.ts'
import { canonicalise, type Flow, flowIdentity, type Modification } from '../../src/protocols/openflow/index.ts'
import { numberedFacts } from './arbitrary-cluster.ts'
import { clusterWithPolicies as cluster } from './arbitrary-policy.ts'

const node = 'node1'
const runs = { numRuns: 150 }

/** By identity, as a switch would hold and report them. */
type Table = ReadonlyMap<string, Flow>

function tableOf(flows: Iterable<Flow>): Table {
  return new Map([...flows].map((flow) => [flowIdentity(flow), canonicalise(flow)]))
}

function carryOut(table: Table, plan: readonly Modification[]): Table {
  const after = new Map(table)
  for (const step of plan) {
    if (step.op === 'add-flow') after.set(flowIdentity(step.flow), canonicalise(step.flow))
    else if (step.op === 'delete-flow') assert.ok(after.delete(flowIdentity(step)), 'deletes a flow that is not there')
    else assert.fail(`unexpected ${step.op}`)
  }
  return after
}

function cookies(table: Table): ReadonlyMap<string, bigint> {
  return new Map([...table].map(([key, flow]) => [key, flow.cookie]))
}

function flowsOf(sets: FlowSets): Flow[] {
  return [...sets.values()].flat()
}

/** Two states in the life of one agent, rendered by the same renderer as it would. */
function life(first: ClusterState, second: ClusterState): { readonly before: FlowSets; readonly after: FlowSets } {
  const compiler = new NodeCompiler(node)
  const renderer = new Renderer()
  const render = (state: ClusterState) => renderer.render(compiler.compile(state), numberedFacts(state, node))
  return { before: render(first), after: render(second) }
}

test('the plan of changes leads from what was applied to what is wanted, and then there is nothing to do', () => {
  fc.assert(
    fc.property(cluster, cluster, (first, second) => {
      const { before, after } = life(first, second)
      const plan = planFlowChanges(after, before, { remove: true })
      assert.deepEqual(cookies(carryOut(tableOf(flowsOf(before)), plan)), cookies(tableOf(flowsOf(after))))
      assert.deepEqual(planFlowChanges(after, after, { remove: true }), [])
    }),
    runs,
  )
})

test('the plan of changes touches no flow that stays', () => {
  fc.assert(
    fc.property(cluster, cluster, (first, second) => {
      const { before, after } = life(first, second)
      const old = cookies(tableOf(flowsOf(before)))
      for (const step of planFlowChanges(after, before, { remove: true })) {
        if (step.op === 'add-flow') assert.notEqual(old.get(flowIdentity(step.flow)), step.flow.cookie)
      }
    }),
    runs,
  )
})

/** What somebody may find in a switch: some of the flows, some with another cookie, some that do something else, and strangers. */
function found(wanted: readonly Flow[], foreign: readonly Flow[], picks: readonly number[]): Flow[] {
  const flows: Flow[] = []
  for (const [index, flow] of wanted.entries()) {
    const pick = picks[index % picks.length] ?? 0
    if (pick === 1) flows.push(flow)
    else if (pick === 2) flows.push({ ...flow, cookie: flow.cookie ^ 1n, actions: [] })
    else if (pick === 3) flows.push({ ...flow, actions: [{ type: 'output', port: 77 }] })
  }
  const known = tableOf(flows)
  return [...flows, ...foreign.filter((flow) => !known.has(flowIdentity(flow)))].map(canonicalise)
}

const picks = fc.array(fc.nat({ max: 3 }), { minLength: 1, maxLength: 20 })

test('the plan against what was read back leads to what is wanted, whatever was there', () => {
  fc.assert(
    fc.property(cluster, cluster, picks, (first, second, choice) => {
      const { before, after } = life(first, second)
      const actual = found(flowsOf(after), flowsOf(before), choice)
      const reached = carryOut(tableOf(actual), planAllFlows(after, actual, { remove: true }))
      assert.deepEqual(reached, tableOf(flowsOf(after)))
      assert.deepEqual(planAllFlows(after, reached.values(), { remove: true }), [])
    }),
    runs,
  )
})

test('flows that share a cookie are told apart all the same', () => {
  fc.assert(
    fc.property(cluster, cluster, picks, (first, second, choice) => {
      const { before, after } = life(first, second)
      // Of cookies as they are hardly two are the same.
      const crowded = (flows: readonly Flow[]) =>
        flows.map((flow) => ({ ...flow, cookie: flow.cookie & ~0xff_ffff_fffen }))
      const sets = new FlowSets(new Map([['all', new Map([['all', crowded(flowsOf(after))]])]]))
      const actual = found(flowsOf(sets), crowded(flowsOf(before)), choice)
      const reached = carryOut(tableOf(actual), planAllFlows(sets, actual, { remove: true }))
      assert.deepEqual(reached, tableOf(flowsOf(sets)))
    }),
    runs,
  )
})

test('nothing is removed while it is not known to be unwanted', () => {
  fc.assert(
    fc.property(cluster, cluster, picks, (first, second, choice) => {
      const { before, after } = life(first, second)
      const actual = found(flowsOf(after), flowsOf(before), choice)
      const careful = planAllFlows(after, actual, { remove: false })
      const changes = planFlowChanges(after, before, { remove: false })
      assert.ok([...careful, ...changes].every(({ op }) => op === 'add-flow'))
      const reached = cookies(carryOut(tableOf(actual), careful))
      const isAdmission = ({ table, cookie }: Flow) => table === 0 && isOf('endpoint', cookie)
      const others = flowsOf(after).filter((flow) => !isOf('policy', flow.cookie) && !isAdmission(flow))
      for (const [key, cookie] of cookies(tableOf(others))) assert.equal(reached.get(key), cookie)
      if (!actual.some(({ cookie }) => isOf('base', cookie))) return
      const admitted = careful.filter((step) => step.op === 'add-flow' && isAdmission(step.flow))
      assert.deepEqual(admitted, [], 'admitted before it is known which policy it has')
    }),
    runs,
  )
})

test('a port is admitted last and closed first', () => {
  fc.assert(
    fc.property(cluster, cluster, (first, second) => {
      const { before, after } = life(first, second)
      const plan = planFlowChanges(after, before, { remove: true })
      const added = plan.flatMap((step) => (step.op === 'add-flow' ? [step.flow.table] : []))
      const removed = plan.flatMap((step) => (step.op === 'delete-flow' ? [step.table] : []))
      assert.deepEqual(
        added,
        [...added].sort((a, b) => b - a),
      )
      assert.deepEqual(
        removed,
        [...removed].sort((a, b) => a - b),
      )
    }),
    runs,
  )
})

test('until all is known the policy in force stays, but a switch that forgot everything gets what is remembered', () => {
  fc.assert(
    fc.property(cluster, cluster, (first, second) => {
      const { before, after } = life(first, second)
      const policy = (table: Table) => cookies(new Map([...table].filter(([, { cookie }]) => isOf('policy', cookie))))
      const inForce = tableOf(flowsOf(before))
      const plan = planAllFlows(after, inForce.values(), { remove: false })
      assert.deepEqual(policy(carryOut(inForce, plan)), policy(inForce))
      const fresh = carryOut(new Map(), planAllFlows(after, [], { remove: false }))
      assert.deepEqual(cookies(fresh), cookies(tableOf(flowsOf(after))))
    }),
    runs,
  )
})
