// Network profiles as the agent keeps them: meters come before the flows that use them and go after, a change of a rate
// touches no flow, and what somebody else did to a meter is put right.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterState, type Intent, type NetprofileIntent } from '../../test/support/cluster.ts'
import type { ClusterState } from '../model/state.ts'
import { auditMs } from './schedule.ts'
import { smallCluster } from './testing.ts'
import { startAgent } from './testing-agent.ts'

let revision = 1

/** `web` in a group with this profile; undefined: in a group without one. */
function limited(profile: Omit<NetprofileIntent, 'key'> | undefined, endpoints?: Intent['endpoints']): ClusterState {
  const web = { id: 'web', network: 'default:net', group: 'g', node: 'node1', ipv4: '10.1.0.1' }
  const state = clusterState({
    ...smallCluster,
    groups: [{ key: 'default:g', network: 'net', ...(profile === undefined ? {} : { netProfile: 'p' }) }],
    netprofiles: profile === undefined ? [] : [{ key: 'default:p', ...profile }],
    endpoints: endpoints ?? [web],
  })
  return { ...state, revision: ++revision }
}

const tenMegabits = { rate: 10_485, burst: 2_622 }

test('an endpoint of a limited group is limited, live, until it is not any more', async (t) => {
  const agent = await startAgent(t, limited({ bandwidth: '10 Mbps' }))
  await agent.attachments.whenInForce('web', AbortSignal.timeout(10_000))
  await agent.inForce()
  const meters = () => agent.openFlow.meters().map(({ rate, burst }) => ({ rate, burst }))
  assert.deepEqual(meters(), [tenMegabits, tenMegabits])
  const flows = agent.flows()
  assert.equal(flows.filter((flow) => flow.includes('meter:')).length, 2)

  await agent.enter(limited({ bandwidth: '1 Mbps', burst: 100 }))
  assert.deepEqual(meters(), [
    { rate: 1_048, burst: 800 },
    { rate: 1_048, burst: 800 },
  ])
  assert.deepEqual(agent.flows(), flows, 'connections go on through the same flows')

  await agent.enter(limited({ dscp: 46 }))
  assert.deepEqual(meters(), [])
  assert.ok(agent.flows().some((flow) => flow.includes('set_field:46->ip_dscp')))
  await agent.enter(limited(undefined))
  assert.ok(!agent.flows().some((flow) => /meter:|ip_dscp/.test(flow)))
  assert.equal(agent.said(/pass failed/), false)
})

test('with an endpoint go its meters', async (t) => {
  const agent = await startAgent(t, limited({ bandwidth: '10 Mbps' }))
  await agent.inForce()
  await agent.lookUntil('its meters', () => agent.openFlow.meters().length === 2)
  await agent.enter(limited({ bandwidth: '10 Mbps' }, []))
  assert.deepEqual(agent.openFlow.meters(), [])
})

test('a new agent, and one that does not know everything yet, keeps the meters that it finds', async (t) => {
  const agent = await startAgent(t, undefined)
  agent.openFlow.commit([{ op: 'add-meter', meter: { id: 600, rate: 1, burst: 1 } }])
  agent.world.mayRemove = false
  await agent.enter(limited({ bandwidth: '10 Mbps' }))
  assert.equal(agent.openFlow.meters().length, 3)
  agent.world.mayRemove = true
  agent.agent.lookAgain()
  await agent.lookUntil('the meter that nobody wants to go', () => agent.openFlow.meters().length === 2)
})

test('a meter that was changed or deleted by hand is put right within seconds', async (t) => {
  const agent = await startAgent(t, limited({ bandwidth: '10 Mbps' }))
  await agent.inForce()
  await agent.lookUntil('its meters', () => agent.openFlow.meters().length === 2)
  const [flows, [first, second]] = [agent.flows(), agent.openFlow.meters()]
  assert.ok(first && second)
  agent.openFlow.commit([{ op: 'modify-meter', meter: { ...first, rate: 1 } }])
  agent.openFlow.commit([{ op: 'delete-meter', id: second.id }])
  assert.notDeepEqual(agent.flows(), flows, 'its flow went with it')
  const byId = () => new Map(agent.openFlow.meters().map((meter) => [meter.id, meter]))
  await agent.lookUntil('flows as before', () => agent.flows().join() === flows.join())
  assert.deepEqual([byId().get(first.id), byId().get(second.id)], [first, second])
})

test('a meter that was changed by hand alone is put right with the next look for drift', async (t) => {
  const agent = await startAgent(t, limited({ bandwidth: '10 Mbps' }))
  await agent.inForce()
  await agent.lookUntil('its meters', () => agent.openFlow.meters().length === 2)
  const [first] = agent.openFlow.meters()
  assert.ok(first)
  agent.openFlow.commit([{ op: 'modify-meter', meter: { ...first, rate: 1 } }])
  await agent.pass(auditMs)
  assert.equal(agent.openFlow.meters().find(({ id }) => id === first.id)?.rate, first.rate)
})

test('where the datapath has no meters endpoints work without a limit, are marked, and the log says so', async (t) => {
  const agent = await startAgent(t, undefined)
  agent.openFlow.maxMeter = 0
  await agent.enter(limited({ bandwidth: '10 Mbps', dscp: 46 }))
  await agent.attachments.whenInForce('web', AbortSignal.timeout(10_000))
  assert.deepEqual(agent.openFlow.meters(), [])
  assert.ok(agent.flows().some((flow) => flow.includes('set_field:46->ip_dscp')))
  assert.equal(agent.said(/no meters in this datapath/), true)
})

test('a switch that forgot everything is given the meters again', async (t) => {
  const agent = await startAgent(t, limited({ bandwidth: '10 Mbps' }))
  await agent.inForce()
  await agent.lookUntil('its meters', () => agent.openFlow.meters().length === 2)
  const flows = agent.flows()
  agent.openFlow.restart()
  await agent.lookUntil('all again', () => agent.flows().join() === flows.join())
  assert.equal(agent.openFlow.meters().length, 2)
})
