// Services as the agent keeps them: groups come with the flows that use them and go after, what somebody else did to one is put
// right, and what is refused has its meter.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterState, type EndpointIntent } from '../../test/support/cluster.ts'
import { refusalMeter } from '../core/pipeline/features/profile.ts'
import type { ClusterState } from '../model/state.ts'
import { smallCluster } from './testing.ts'
import { startAgent } from './testing-agent.ts'

let revision = 1

/** `client` here, a service, and so many providers elsewhere. */
function served(providers: number): ClusterState {
  const elsewhere = Array.from(
    { length: providers },
    (_, index): EndpointIntent => ({
      id: `p${index}`,
      network: 'default:net',
      node: 'node2',
      ipv4: `10.1.0.${10 + index}`,
      labels: { tier: 'web' },
    }),
  )
  const state = clusterState({
    ...smallCluster,
    services: [
      { key: 'default:web', network: 'net', address: '10.1.0.100', selectors: ['tier=web'], ports: ['80:8080:tcp'] },
    ],
    endpoints: [{ id: 'client', network: 'default:net', node: 'node1', ipv4: '10.1.0.1' }, ...elsewhere],
  })
  return { ...state, revision: ++revision }
}

test('a service has a group with a bucket for each provider, until nobody serves it', async (t) => {
  const agent = await startAgent(t, served(2))
  await agent.inForce()
  const buckets = () => agent.openFlow.groups().map((group) => group.buckets.length)
  const withGroups = () => agent.openFlow.flows().filter(({ actions }) => actions.some(({ type }) => type === 'group'))
  await agent.lookUntil('the group', () => buckets().length === 1)
  assert.deepEqual([buckets(), withGroups().length], [[2], 1])
  const [group] = agent.openFlow.groups()
  await agent.enter(served(3))
  assert.deepEqual(buckets(), [3])
  assert.equal(agent.openFlow.groups()[0]?.id, group?.id, 'its number stays')
  await agent.enter(served(0))
  assert.deepEqual([buckets(), withGroups().length], [[], 0])
  assert.deepEqual(
    agent.openFlow.meters().map(({ id }) => id),
    [refusalMeter],
  )
  assert.equal(agent.said(/pass failed/), false)
})

test('a group that somebody spoilt is put right, and one of somebody else is left alone', async (t) => {
  const agent = await startAgent(t, served(2))
  await agent.inForce()
  await agent.lookUntil('the group', () => agent.openFlow.groups().length === 1)
  const [group] = agent.openFlow.groups()
  assert.ok(group)
  agent.openFlow.tables.apply({ op: 'put-group', group: { ...group, buckets: group.buckets.slice(0, 1) } })
  agent.openFlow.tables.apply({ op: 'add-group', group: { id: 7, type: 'all', buckets: [] } })
  await agent.lookUntil('the group as it was', () =>
    agent.openFlow.groups().some(({ id, buckets }) => id === group.id && buckets.length === 2),
  )
  assert.ok(agent.openFlow.groups().some(({ id }) => id === 7))
})
