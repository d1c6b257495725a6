// The rendered flows in a real Open vSwitch: it takes them, reports them as they were sent, and does with packets what
// the simulator says (`ofproto/trace`).

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { desiredGroups } from '../../src/core/pipeline/features/service-groups.ts'
import { tcp } from '../../src/core/pipeline/simulate/packet.ts'
import { type Step, World } from '../../src/core/pipeline/simulate/world.ts'
import { explain } from '../../src/core/why/why.ts'
import type { ClusterState } from '../../src/model/state.ts'
import { type Action, canonicalFlow, type Flow, type Match } from '../../src/protocols/openflow/index.ts'
import { numberedHosts } from '../properties/arbitrary-cluster.ts'
import { clusterWithPolicies } from '../properties/arbitrary-policy.ts'
import { reachabilityText } from '../scenarios/golden.ts'
import { readStory, sendProbe, storyNames } from '../scenarios/story.ts'
import { mayReach } from '../support/cluster.ts'
import { openings, sentBy } from '../support/openings.ts'
import { flowText } from './datapath-actions.ts'
import { OracleSwitch, traceable } from './oracle-switch.ts'

const stories = join(import.meta.dirname, '../scenarios')
/** Packets per node that are compared; probes come first, then those of pings. */
const mostPackets = 60

let oracle: OracleSwitch

before(async () => {
  oracle = await OracleSwitch.start()
})

after(async () => {
  await oracle?.stop()
})

/** Conjunctions that overlap, share members, lose to plain flows, and one whose deciding flow is missing. */
function conjunctions(): Flow[] {
  const flow = (priority: number, match: Match, actions: readonly Action[]): Flow => {
    const bare = { table: 0, priority, cookie: 0n, match, actions }
    return { ...bare, cookie: BigInt(`0x${createHash('sha1').update(canonicalFlow(bare)).digest('hex').slice(0, 12)}`) }
  }
  const source = (host: number) => ({ eth_type: 0x0800, ipv4_src: `10.0.0.${host}` })
  const port = (number: number) => ({ eth_type: 0x0800, ip_proto: 6, tcp_dst: number })
  const part = (id: number, clause: number): Action => ({ type: 'conjunction', id, clause, of: 2 })
  const out = (to: number): Action => ({ type: 'output', port: to })
  return [
    flow(20, source(1), [part(7, 0)]),
    flow(20, source(2), [part(7, 0), part(10, 0)]),
    flow(20, port(80), [part(7, 1)]),
    flow(20, port(443), [part(7, 1)]),
    flow(20, port(22), [part(10, 1)]),
    flow(20, { conj_id: 7, eth_type: 0x0800 }, [out(11)]),
    flow(20, { conj_id: 10, eth_type: 0x0800 }, [out(14)]),
    flow(30, source(2), [part(8, 0)]),
    flow(30, source(3), [part(8, 0)]),
    flow(30, port(443), [part(8, 1)]),
    flow(30, { conj_id: 8 }, []),
    flow(25, { ...source(1), ip_proto: 6, tcp_dst: 443 }, [out(13)]),
    flow(40, source(1), [part(9, 0)]),
    flow(40, port(8080), [part(9, 1)]),
    flow(0, {}, [out(12)]),
  ]
}

test('a real switch does what the simulator says', async (t) => {
  for (const name of storyNames(stories)) {
    await t.test(name, async () => {
      const steps = new Map<string, Step>()
      const remember = (step: Step) => {
        const key = `${step.node} ${flowText(step.inPort, step.packet)}`
        if (!steps.has(key)) steps.set(key, step)
      }
      const story = readStory(stories, name, remember)
      for (const probe of story.probes) sendProbe(story.world, probe)
      reachabilityText(story.world)
      for (const node of story.world.nodes) {
        const { flows: sets, network } = story.world.host(node)
        const flows = [...sets.values()].flat()
        const groups = traceable(desiredGroups(network.services))
        await oracle.load(flows, groups)
        const here = [...steps.values()].filter((step) => step.node === node).slice(0, mostPackets)
        for (const step of here) await oracle.compare(flows, step, groups)
      }
    })
  }
  assert.ok(oracle.compared >= 200, `only ${oracle.compared} packets were compared`)
})

test('a real switch decides conjunctions as the simulator does', async () => {
  const flows = conjunctions()
  await oracle.load(flows)
  for (const source of [1, 2, 3, 4, 5]) {
    for (const destination of [80, 443, 8080, 22]) {
      const from = { mac: '02:00:00:00:00:01', ip: `10.0.0.${source}` }
      const to = { mac: '02:00:00:00:00:02', ip: '10.0.0.9' }
      await oracle.compare(flows, { inPort: 2, packet: tcp(from, to, { source: 30000, destination }) })
    }
  }
})

/** The answer to `why` for every opening of every pair in one network or routed, with the switches on its way. */
function answeredSteps(state: ClusterState) {
  const found = []
  let steps: Step[] = []
  const world = new World({ state, hosts: numberedHosts(state), onStep: (step) => void steps.push(step) })
  for (const from of state.endpoints.values()) {
    for (const to of state.endpoints.values()) {
      if (from === to || from.tenantName !== to.tenantName || !mayReach(state, from.endpointId, to.endpointId)) continue
      for (const { protocol, port, first } of openings(false)) {
        const [source, destination] = [from, to].map((record) => ({ kind: 'endpoint', record }) as const)
        if (source === undefined || destination === undefined) continue
        const asked = { tenantName: from.tenantName, family: 'ipv4', source, destination, protocol, port } as const
        steps = []
        world.send(from.endpointId, first(...sentBy(state, from, to, false)))
        found.push({ answer: explain(state, asked), steps, hosts: [from.node, to.node] as const })
      }
    }
  }
  return found
}

test('what why answers is what a real switch does, by the flow that why names', async () => {
  const seen = { allow: 0, deny: 0, same: 0 }
  for (const state of fc.sample(clusterWithPolicies, { numRuns: 100, seed: 11 })) {
    const world = new World({ state, hosts: numberedHosts(state) })
    const asked = answeredSteps(state)
    if (asked.length < 20) continue
    for (const node of world.nodes) {
      await oracle.load([...world.host(node).flows.values()].flat())
      const here = asked.flatMap(({ steps, ...one }) =>
        steps.filter((step) => step.node === node).map((step) => ({ ...one, step })),
      )
      for (const { answer, hosts, step } of here.slice(0, mostPackets)) {
        const judges = [
          ...(hosts[0] === node && answer.sender !== undefined ? [answer.sender] : []),
          ...(hosts[1] === node && answer.receiver !== undefined ? [answer.receiver] : []),
        ]
        // The packet of a VLAN is heard by every host, and is for one.
        if (judges.length === 0) continue
        const action = judges.some((judge) => judge.action === 'deny') ? 'deny' : 'allow'
        // Most packets pass: enough of them are soon seen.
        if (seen[action] > 60) continue
        const trace = await oracle.trace(step)
        assert.equal(
          oracle.passes(trace, step.packet),
          action === 'allow',
          `${JSON.stringify(answer, null, 1)}\n${trace}`,
        )
        const reached = judges.slice(0, judges[0]?.action === 'deny' ? 1 : 2)
        for (const { flow } of reached) {
          if (flow === undefined) continue
          // Of rules that apply alike any may be the one that the switch found.
          assert.match(trace, new RegExp(`^ *${flow.table}\\..* priority ${flow.priority}, `, 'm'), flow.text)
          if (trace.includes(`cookie ${flow.cookie}`)) seen.same++
          seen[action]++
        }
      }
    }
    if (seen.allow > 60 && seen.deny > 60) break
  }
  assert.ok(seen.same > 0.8 * (seen.allow + seen.deny), `other flows decide: ${JSON.stringify(seen)}`)
  assert.ok(seen.allow > 60 && seen.deny > 60, `too little was seen: ${JSON.stringify(seen)}`)
})
