// Connections that are open when policies change: they go on, unless a rule says that it ends them; and what was ended must be
// allowed anew.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type End, tcp, udp } from '../../src/core/pipeline/simulate/packet.ts'
import { World } from '../../src/core/pipeline/simulate/world.ts'
import { evaluatePolicy } from '../../src/core/policy/evaluate.ts'
import type { ClusterState, EndpointRecord } from '../../src/model/state.ts'
import { mayReach } from '../support/cluster.ts'
import { sentBy } from '../support/openings.ts'
import { numberedHosts } from './arbitrary-cluster.ts'
import { clusterWhosePoliciesChange } from './arbitrary-policy.ts'

/** A port of those who connect, as systems choose them. */
const client = 40_000
const server = 80
const ack = 0x10

interface Talk {
  readonly protocol: number
  readonly open: (from: End, to: End) => ReturnType<typeof tcp>
  readonly ask: (from: End, to: End) => ReturnType<typeof tcp>
  readonly answer: (from: End, to: End) => ReturnType<typeof tcp>
}

const overTcp: Talk = {
  protocol: 6,
  open: (from, to) => tcp(from, to, { source: client, destination: server }),
  ask: (from, to) => tcp(from, to, { source: client, destination: server, flags: ack }),
  answer: (from, to) => tcp(from, to, { source: server, destination: client, flags: ack }),
}
const datagram = (from: End, to: End) => udp(from, to, { source: client, destination: server })
const overUdp: Talk = {
  protocol: 17,
  open: datagram,
  ask: datagram,
  answer: (from, to) => udp(from, to, { source: server, destination: client }),
}

const seen = { kept: 0, cut: 0, back: 0 }

interface Pair {
  readonly from: EndpointRecord
  readonly to: EndpointRecord
  readonly talk: Talk
}

function isHeard(world: World, from: EndpointRecord, to: EndpointRecord, packet: Talk['open']): boolean {
  const [source, destination] = sentBy(world.state, from, to, false)
  const { deliveries } = world.send(from.endpointId, packet(source, destination))
  return deliveries.length === 1 && deliveries[0]?.to === to.endpointId
}

function pairsOf(state: ClusterState): Pair[] {
  const endpoints = [...state.endpoints.values()]
  return endpoints.flatMap((from) =>
    endpoints
      .filter((to) => to !== from && mayReach(state, from.endpointId, to.endpointId))
      .flatMap((to) => [
        { from, to, talk: overTcp },
        { from, to, talk: overUdp },
      ]),
  )
}

/** Two at a time: those there and back would be one connection for either. */
function verdictOf(world: World, { from, to, talk }: Pair) {
  const [source, destination] = [from.ipv4, to.ipv4]
  const { tenantName } = from
  return evaluatePolicy(world.state, { tenantName, source, destination, protocol: talk.protocol, port: server })
}

/** The same endpoints, on other groups; `state`s differ in policies alone. */
function followed(pair: Pair, state: ClusterState): Pair {
  const record = ({ endpointId }: EndpointRecord) => state.endpoints.get(endpointId) as EndpointRecord
  return { ...pair, from: record(pair.from), to: record(pair.to) }
}

function checkChange(before: World, after: World, again: World): void {
  for (const world of [before, after, again]) world.forgetConnections()
  const open = pairsOf(before.state).filter((pair) => {
    const { from, to, talk } = pair
    return isHeard(before, from, to, talk.open) && isHeard(before, to, from, talk.answer)
  })
  for (const pair of open) {
    const { from, to, talk } = followed(pair, after.state)
    const { cut, allowed } = verdictOf(after, { from, to, talk })
    // UDP that nobody tracked is not known to be open.
    const expected = talk.protocol === 6 ? !cut : undefined
    const heard = isHeard(after, from, to, talk.ask)
    const what = `${from.endpointId} to ${to.endpointId}, protocol ${talk.protocol}`
    if (expected !== undefined) assert.equal(heard, expected, `${what}: cut ${cut}`)
    if (cut) assert.equal(heard, false, `${what}: cut`)
    if (allowed) assert.equal(heard, true, `${what}: allowed`)
    // Nor is what is not known to be open an answer.
    if (talk.protocol !== 6 && !heard) continue
    assert.equal(isHeard(after, to, from, talk.answer), heard, `${what}: the answer`)
    assert.equal(isHeard(after, from, to, talk.ask), heard, `${what}: the next packet`)
    seen[cut ? 'cut' : 'kept']++
    if (!cut) continue
    const last = followed(pair, again.state)
    const anew = isHeard(again, last.from, last.to, talk.ask)
    if (verdictOf(again, last).allowed) {
      assert.equal(anew, true, `${what}: allowed again`)
      seen.back++
    }
  }
}

test('a change of rules leaves open connections alone, but for those that it ends', () => {
  const change = fc.property(clusterWhosePoliciesChange, (states) => {
    const [first, second] = states
    if (first === undefined || second === undefined) return
    const world = (state: ClusterState, after?: World) =>
      new World({ state, hosts: numberedHosts(state), after, remember: true })
    const before = world(first)
    const changed = world(second, before)
    checkChange(before, changed, world(first, changed))
  })
  const isRich = () => seen.kept > 500 && seen.cut > 50 && seen.back > 50
  // What chance gives differs: until enough was seen, and no longer than makes sense.
  for (let more = 0; more === 0 || (more < 10 && !isRich()); more++) {
    fc.assert(change, { numRuns: Number(process.env.POLICY_RUNS ?? 200) })
  }
  assert.ok(isRich(), `too little was seen: ${JSON.stringify(seen)}`)
})
