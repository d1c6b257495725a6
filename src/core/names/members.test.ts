import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterState, endpointRecord } from '../../../test/support/cluster.ts'
import { copyOfMap, putInto } from '../../lib/map-changes.ts'
import type { ClusterState, EndpointRecord } from '../../model/state.ts'
import { type Member, MemberDiff, memberOf } from './members.ts'

const empty = clusterState({ tenants: [], networks: [], nodes: [], endpoints: [] })
const record = (id: string, network: string, more: Partial<EndpointRecord> = {}): EndpointRecord => ({
  ...endpointRecord({ id, network, node: 'a', ipv4: '10.0.0.1' }),
  ...more,
})

function state(...records: readonly EndpointRecord[]): ClusterState {
  return { ...empty, endpoints: new Map(records.map((item) => [item.endpointId, item])) }
}

function edited(before: ClusterState, key: string, value: EndpointRecord | undefined): ClusterState {
  const endpoints = copyOfMap(before.endpoints)
  putInto(endpoints, key, value)
  return { ...before, endpoints }
}

test('a member has what names need of an endpoint', () => {
  const containerId = 'c'.repeat(64)
  assert.deepEqual(
    memberOf(record('e', 'red:front', { containerId, containerName: 'Web', aliases: ['www'], groupName: 'g' })),
    {
      key: 'e',
      tenant: 'red',
      network: 'front',
      ipv4: '10.0.0.1',
      ipv6: '',
      service: '',
      ports: [],
      group: 'g',
      names: ['Web', 'c'.repeat(12), 'www'],
    },
  )
})

test('an endpoint that waits for its container is no member', () => {
  assert.equal(memberOf(record('e', 'red:front', { origin: 'intent', containerId: '' })), undefined)
})

test('changes are what is new since the call before, of the tenants that are wanted', () => {
  const changes = new MemberDiff()
  const keys = (from: ClusterState, tenants: readonly string[]) => {
    const { set, gone } = changes.changes(from, tenants, [])
    return { set: set.map(({ key }) => key), gone }
  }
  const first = state(record('r', 'red:n'), record('b', 'blue:n'))
  assert.deepEqual(keys(first, ['red']), { set: ['r'], gone: [] })
  assert.deepEqual(keys(first, ['red']), { set: [], gone: [] })
  const more = edited(first, 'r2', record('r2', 'red:n'))
  assert.deepEqual(keys(more, ['red']), { set: ['r2'], gone: [] })
  assert.deepEqual(keys(more, ['blue', 'red']), { set: ['b'], gone: [] })
  const fewer = edited(more, 'r', undefined)
  assert.deepEqual(keys(fewer, ['blue', 'red']), { set: [], gone: ['r'] })
  assert.deepEqual(keys(fewer, ['blue']), { set: [], gone: ['r2'] })
  assert.deepEqual(keys(fewer, []), { set: [], gone: ['b'] })
})

test('a record that changed in what names do not need is nothing new', () => {
  const changes = new MemberDiff()
  const before = state(record('e', 'red:n'))
  changes.changes(before, ['red'], [])
  const moved = edited(before, 'e', record('e', 'red:n', { node: 'b' }))
  assert.deepEqual(changes.changes(moved, ['red'], []), { set: [], gone: [] })
  const renamed = edited(moved, 'e', record('e', 'red:n', { containerName: 'other' }))
  assert.equal(changes.changes(renamed, ['red'], []).set.length, 1)
})

test('what is no container comes, changes and goes as well', () => {
  const changes = new MemberDiff()
  const cluster = state(record('e', 'red:n'))
  const service = (tenant: string, ipv4: string): Member => ({
    key: `service ${tenant}:shop`,
    tenant,
    network: 'n',
    ipv4,
    ipv6: '',
    service: 'shop',
    ports: ['tcp/80'],
    group: '',
    names: [],
  })
  const keys = (others: readonly Member[]) => {
    const { set, gone } = changes.changes(cluster, ['red'], others)
    return { set: set.map(({ key }) => key), gone }
  }
  assert.deepEqual(keys([service('red', '10.0.0.9'), service('blue', '10.0.0.9')]), {
    set: ['e', 'service red:shop'],
    gone: [],
  })
  assert.deepEqual(keys([service('red', '10.0.0.9')]), { set: [], gone: [] })
  assert.deepEqual(keys([service('red', '10.0.0.8')]), { set: ['service red:shop'], gone: [] })
  assert.deepEqual(keys([]), { set: [], gone: ['service red:shop'] })
})
