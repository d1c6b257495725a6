// Hosts that are lost do not count; those that are back do, and unchanged maps stay the same.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mapChanges } from '../lib/map-changes.ts'
import { applyChanges } from '../model/apply-changes.ts'
import { type Change, type ClusterState, emptyState } from '../model/state.ts'
import { LostHosts } from './lost-hosts.ts'

const node = (name: string, lost?: number): Change => {
  const value = { node: name, controlAddress: '10.0.0.1', vtep: '192.0.2.1', bootId: '', version: '' }
  return { kind: 'node', key: name, value: lost === undefined ? value : { ...value, lost } }
}
const endpoint = (id: string, on: string) =>
  ({ kind: 'endpoint', key: id, value: { endpointId: id, node: on } }) as Change

const shown = ({ endpoints, nodes }: ClusterState) => ({
  endpoints: [...endpoints.keys()].join(' '),
  tunnels: [...nodes.values()].filter(({ vtep }) => vtep !== '').map((each) => each.node),
})

test('endpoints and tunnel ends of lost hosts are left out; this host is never lost to itself', () => {
  const lost = new LostHosts({ node: 'own' })
  const all = [node('own', 1), node('a'), node('b'), endpoint('1', 'own'), endpoint('2', 'a'), endpoint('3', 'b')]
  const first = applyChanges(emptyState, 1, all)
  assert.equal(lost.without(first), first)
  const second = applyChanges(first, 2, [node('b', 5)])
  assert.deepEqual(shown(lost.without(second)), { endpoints: '1 2', tunnels: ['own', 'a'] })
  assert.equal(lost.without(second).endpoints, lost.without(second).endpoints)
  const before = lost.without(second).endpoints
  const third = applyChanges(second, 3, [
    endpoint('4', 'a'),
    endpoint('5', 'b'),
    { kind: 'endpoint', key: '2', value: null },
  ])
  const after = lost.without(third).endpoints
  assert.deepEqual([...after.keys()], ['1', '4'])
  assert.deepEqual(
    mapChanges(before, after).map(({ key }) => key),
    ['4', '2'],
  )
  const fourth = applyChanges(third, 4, [node('b')])
  assert.equal(lost.without(fourth), fourth)
})
