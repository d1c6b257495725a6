// The rendered flows in a real Open vSwitch: it takes them, reports them as they were sent, and does with packets what
// the simulator says (`ofproto/trace`). One bridge plays every host of every scenario: all of them number ports alike.

import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import fc from 'fast-check'
import { FlowSets } from '../../src/core/pipeline/flow-sets.ts'
import { fieldsOf, packetOf, type SimPacket, tcp } from '../../src/core/pipeline/simulate/packet.ts'
import { type Step, World } from '../../src/core/pipeline/simulate/world.ts'
import { SimSwitch, simulate } from '../../src/core/pipeline/simulate.ts'
import { planAllFlows } from '../../src/core/plan/flows.ts'
import { explain } from '../../src/core/why/why.ts'
import { systemClock } from '../../src/lib/clock.ts'
import { silentLog } from '../../src/lib/log.ts'
import type { ClusterState } from '../../src/model/state.ts'
import {
  type Action,
  canonicalFlow,
  type Flow,
  type Match,
  OpenFlowConnection,
} from '../../src/protocols/openflow/index.ts'
import { numberedHosts } from '../properties/arbitrary-cluster.ts'
import { clusterWithPolicies } from '../properties/arbitrary-policy.ts'
import { reachabilityText } from '../scenarios/golden.ts'
import { readStory, sendProbe, storyNames } from '../scenarios/story.ts'
import { mayReach } from '../support/cluster.ts'
import { type OpenVswitch, startOpenVswitch } from '../support/open-vswitch.ts'
import { openings, sentBy } from '../support/openings.ts'
import { flowText, parsePorts, tracedOutputs } from './datapath-actions.ts'

const stories = join(import.meta.dirname, '../scenarios')
const bridge = 'np-int'
const tunnelPort = 1
const lastPort = 18
/** Packets per node that are compared; probes come first, then those of pings. */
const mostPackets = 60

let dir = ''
let ovs: OpenVswitch
let connection: OpenFlowConnection
let ports: ReadonlyMap<number, number>
let compared = 0

before(async () => {
  dir = await mkdtemp(join(tmpdir(), 'pipeline-oracle-'))
  ovs = await startOpenVswitch(join(dir, 'ovs'), { log: silentLog })
  await ovs.vsctl(...bridgeArguments())
  await bringUpUnderlay()
  ports = parsePorts(await ovs.appctl('dpif/show'), bridge)
  connection = await OpenFlowConnection.connect(
    { path: join(ovs.runDir, `${bridge}.mgmt`) },
    { log: silentLog, clock: systemClock },
  )
})

after(async () => {
  connection?.close()
  await ovs?.stop()
  await rm(dir, { recursive: true, force: true })
})

function bridgeArguments(): string[] {
  const words = ['add-br', bridge, '--', 'set', 'bridge', bridge, 'datapath_type=netdev', 'fail_mode=secure']
  words.push('--', 'add-br', 'underlay', '--', 'set', 'bridge', 'underlay', 'datapath_type=netdev')
  words.push('--', 'add-port', 'underlay', 'wire', '--', 'set', 'interface', 'wire', 'type=internal')
  for (let port = 1; port <= lastPort; port++) {
    const name = port === tunnelPort ? 'np-vxlan' : `p${port}`
    const type = port === tunnelPort ? ['type=vxlan', 'options:remote_ip=flow', 'options:key=flow'] : ['type=internal']
    words.push('--', 'add-port', bridge, name, '--', 'set', 'interface', name, `ofport_request=${port}`, ...type)
  }
  return words
}

/** Tunnels need a way to their other ends, or the switch drops what goes into them. */
async function bringUpUnderlay(): Promise<void> {
  await ovs.inside('ip', 'address', 'add', '192.0.2.200/24', 'dev', 'underlay')
  await ovs.inside('ip', 'link', 'set', 'underlay', 'up')
  await ovs.appctl('ovs/route/add', '192.0.2.0/24', 'underlay')
  for (const host of [1, 2, 3]) {
    await ovs.appctl('tnl/neigh/set', 'underlay', `192.0.2.${host}`, `02:00:00:00:00:0${host}`)
  }
}

async function load(flows: readonly Flow[]): Promise<void> {
  const held = new Set((await connection.meters()).map(({ id }) => id))
  const meters = new Set(flows.flatMap(({ meter }) => (meter === undefined || held.has(meter) ? [] : [meter])))
  await connection.send([...meters].map((id) => ({ op: 'add-meter', meter: { id, rate: 1_000, burst: 250 } })))
  const desired = new FlowSets(new Map([['all', new Map([['test', flows]])]]))
  await connection.bundle(planAllFlows(desired, await connection.flows(), { remove: true }))
  const left = planAllFlows(desired, await connection.flows(), { remove: true })
  assert.deepEqual(left, [], 'the switch reports other flows than it was sent')
}

/**
 * Behind a `ct` the trace takes the tunnel end a flow has set for the one the packet came to, and would not send it there.
 * Packets do not have that trouble: test/system/policy.test.ts sends them.
 */
const falseSelf = 'Not tunneling to our own address'

/** Simulator and switch, side by side. */
async function compare(flows: readonly Flow[], step: Pick<Step, 'inPort' | 'packet'>): Promise<void> {
  const text = flowText(step.inPort, step.packet)
  const trace = await ovs.appctl('ofproto/trace', bridge, text)
  const expected = simulate(new SimSwitch({ flows }), step)
  const strip = ({ port, packet }: { readonly port: unknown; readonly packet: SimPacket }) => {
    const { tun_src: _source, ...rest } = packetOf(fieldsOf(packet))
    return port === tunnelPort ? { port, packet: rest } : { port, packet: withoutTunnel(rest) }
  }
  const actual = tracedOutputs(trace, step.packet, ports)
  // Copies for the agent's log leave no port.
  const leaving = expected.outputs.filter(({ port }) => port !== 'controller')
  const possible = leaving.filter(({ port }) => port !== tunnelPort || !trace.includes(falseSelf))
  assert.deepEqual(actual.map(strip), possible.map(strip), `${text}\n${trace}\n${expected.trace.join('\n')}`)
  compared++
}

function withoutTunnel({ tun_id: _id, tun_dst: _dst, ...rest }: SimPacket): SimPacket {
  return rest
}

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
        const flows = [...story.world.host(node).flows.values()].flat()
        await load(flows)
        const here = [...steps.values()].filter((step) => step.node === node).slice(0, mostPackets)
        for (const step of here) await compare(flows, step)
      }
    })
  }
  assert.ok(compared >= 200, `only ${compared} packets were compared`)
})

test('a real switch decides conjunctions as the simulator does', async () => {
  const flows = conjunctions()
  await load(flows)
  for (const source of [1, 2, 3, 4, 5]) {
    for (const destination of [80, 443, 8080, 22]) {
      const from = { mac: '02:00:00:00:00:01', ip: `10.0.0.${source}` }
      const to = { mac: '02:00:00:00:00:02', ip: '10.0.0.9' }
      await compare(flows, { inPort: 2, packet: tcp(from, to, { source: 30000, destination }) })
    }
  }
})

/** Every opening of every pair, as the switches on its way see it. */
function policySteps(state: ClusterState): Step[] {
  const steps = new Map<string, Step>()
  const onStep = (step: Step) => void steps.set(`${step.node} ${flowText(step.inPort, step.packet)}`, step)
  const world = new World({ state, hosts: numberedHosts(state), onStep })
  for (const from of state.endpoints.values()) {
    for (const to of state.endpoints.values()) {
      if (from === to || from.tenantName !== to.tenantName) continue
      for (const { first } of openings(false)) world.send(from.endpointId, first(...sentBy(state, from, to, false)))
    }
  }
  return [...steps.values()]
}

test('a real switch decides random policies as the simulator does', async () => {
  const before = compared
  const states = fc
    .sample(clusterWithPolicies, { numRuns: 40, seed: 5 })
    .filter((state) => policySteps(state).length > 20)
  for (const state of states.slice(0, 10)) {
    const world = new World({ state, hosts: numberedHosts(state) })
    const steps = policySteps(state)
    for (const node of world.nodes) {
      const flows = [...world.host(node).flows.values()].flat()
      await load(flows)
      for (const step of steps.filter((one) => one.node === node).slice(0, mostPackets)) await compare(flows, step)
    }
  }
  assert.ok(compared - before >= 200, `only ${compared - before} packets were compared`)
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
      await load([...world.host(node).flows.values()].flat())
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
        const trace = await ovs.appctl('ofproto/trace', bridge, flowText(step.inPort, step.packet))
        const passed = tracedOutputs(trace, step.packet, ports).length > 0 || trace.includes(falseSelf)
        assert.equal(passed, action === 'allow', `${JSON.stringify(answer, null, 1)}\n${trace}`)
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
