// Whatever way a state was reached, what follows from it is the same, and incremental work gives what cold work gives.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { NodeCompiler, portNames } from '../../src/core/compile/compile-node.ts'
import type { NodeNetwork } from '../../src/core/compile/node-network.ts'
import type { SwitchFacts } from '../../src/core/pipeline/facts.ts'
import type { FlowSets } from '../../src/core/pipeline/flow-sets.ts'
import { Renderer } from '../../src/core/pipeline/render.ts'
import { applyChanges } from '../../src/model/apply-changes.ts'
import { listRecords } from '../../src/model/record-list.ts'
import { type Change, type ClusterState, emptyState } from '../../src/model/state.ts'
import { canonicalFlow, flowIdentity } from '../../src/protocols/openflow/index.ts'
import { endpointRecord } from '../support/cluster.ts'
import { clusterWithPolicies as cluster } from './arbitrary-policy.ts'

const node = 'node1'
const runs = { numRuns: 150 }

/** Ports of all endpoints there may be: a port's number does not depend on how a state was reached. */
const facts: SwitchFacts = {
  ofPorts: new Map([
    ['np-vxlan', 1],
    ['np-host', 2],
    ['np-to-uplink', 3],
    ...Array.from({ length: 12 }, (_, index): [string, number] => [portNames(`ep${index}`).portName, 11 + index]),
  ]),
  nameservers: ['10.1.0.1', '10.1.0.254', '198.51.100.53'],
}

function cold(state: ClusterState): { readonly network: NodeNetwork; readonly flows: FlowSets } {
  const network = new NodeCompiler(node).compile(state)
  return { network, flows: new Renderer().render(network, facts) }
}

function assertSame(actual: ReturnType<typeof cold>, expected: ReturnType<typeof cold>): void {
  assert.deepEqual(actual.network, expected.network)
  assert.deepEqual(actual.flows, expected.flows)
}

/** A way to the state: through another state, with changes repeated, in any order, in batches of any size. */
function wayTo(state: ClusterState, through: ClusterState): fc.Arbitrary<Change[][]> {
  const wanted = listRecords(state)
  const keys = new Set(wanted.map(({ kind, key }) => `${kind} ${key}`))
  const before = listRecords(through)
  const gone = before
    .filter(({ kind, key }) => kind !== 'global' && !keys.has(`${kind} ${key}`))
    .map(({ kind, key }): Change => ({ kind, key, value: null }))
  return fc
    .record({
      first: shuffled(before),
      last: shuffled([...wanted, ...gone, ...wanted]),
      size: fc.integer({ min: 1, max: 7 }),
    })
    .map(({ first, last, size }) => batches([...first, ...last], size))
}

function shuffled(changes: readonly Change[]): fc.Arbitrary<Change[]> {
  return fc.shuffledSubarray([...changes], { minLength: changes.length, maxLength: changes.length })
}

function batches(changes: readonly Change[], size: number): Change[][] {
  const result: Change[][] = []
  for (let at = 0; at < changes.length; at += size) result.push(changes.slice(at, at + size))
  return result
}

test('any order, repetition and splitting of changes gives the same network and flows', () => {
  const ways = fc
    .tuple(cluster, cluster)
    .chain(([state, through]) => fc.record({ state: fc.constant(state), way: wayTo(state, through) }))
  fc.assert(
    fc.property(ways, ({ state, way }) => {
      const compiler = new NodeCompiler(node)
      const renderer = new Renderer()
      let reached: ClusterState = emptyState
      for (const batch of way) {
        reached = applyChanges(reached, state.revision, batch)
        const network = compiler.compile(reached)
        assertSame({ network, flows: renderer.render(network, facts) }, cold(reached))
      }
      assertSame(cold(reached), cold(state))
    }),
    { numRuns: 80 },
  )
})

test('equal inputs give the very same arrays', () => {
  fc.assert(
    fc.property(cluster, (state) => {
      const compiler = new NodeCompiler(node)
      const renderer = new Renderer()
      const before = renderer.render(compiler.compile(state), facts)
      const later = { ...state, revision: state.revision + 1, endpoints: new Map(state.endpoints) }
      const after = renderer.render(compiler.compile(later), { ...facts, ofPorts: new Map(facts.ofPorts) })
      assert.equal(after, before)
    }),
    runs,
  )
})

test('one more endpoint changes its own flows and at most those of its network', () => {
  fc.assert(
    fc.property(cluster, fc.nat(), fc.boolean(), (state, pick, isLocal) => {
      const keys = [...state.networks.keys()]
      const network = keys[pick % keys.length] ?? ''
      const where = isLocal ? node : 'node2'
      const compiler = new NodeCompiler(node)
      const renderer = new Renderer()
      const before = renderer.render(compiler.compile(state), facts)
      const added = endpointRecord({ id: 'ep11', network, node: where, ipv4: '10.1.0.99' })
      const grown = applyChanges(state, 2, [{ kind: 'endpoint', key: 'ep11', value: added }])
      const after = new Map(renderer.render(compiler.compile(grown), facts))
      for (const [owner, flows] of before) {
        const ofNetwork = [`network ${network}`, `multicast ${network}`]
        if (!ofNetwork.includes(owner)) assert.ok(after.get(owner) === flows, `${owner} was rendered again`)
      }
    }),
    runs,
  )
})

test('no two owners have the same flow, and equal cookies mean equal flows', () => {
  fc.assert(
    fc.property(cluster, (state) => {
      const owners = new Map<string, string>()
      const texts = new Map<bigint, string>()
      for (const [owner, flows] of cold(state).flows) {
        for (const flow of flows) {
          const key = flowIdentity(flow)
          assert.equal(owners.get(key), undefined, `${owner} and ${owners.get(key)} both have ${key}`)
          owners.set(key, owner)
          const text = canonicalFlow(flow)
          assert.equal(texts.get(flow.cookie) ?? text, text)
          texts.set(flow.cookie, text)
        }
      }
    }),
    runs,
  )
})
