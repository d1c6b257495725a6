import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { clusterState, endpointRecord, nodeRecord, tenant } from '../../test/support/cluster.ts'
import { applyChanges } from './apply-changes.ts'
import { listRecords } from './record-list.ts'
import { type Change, type ClusterState, defaultGlobal, emptyState } from './state.ts'

const state = clusterState({
  tenants: ['t'],
  networks: [{ key: 't:n', encap: { kind: 'vxlan', vni: 1 }, subnet: '10.0.0.0/8' }],
  endpoints: [{ id: 'a', network: 't:n', node: 'x', ipv4: '10.0.0.1' }],
  nodes: [{ node: 'x', vtep: '192.0.2.1' }],
})
const endpoint = (id: string, ipv4: string): Change => ({
  kind: 'endpoint',
  key: id,
  value: endpointRecord({ id, network: 't:n', node: 'x', ipv4 }),
})

test('a record is put, replaced and deleted; the old state stays as it was', () => {
  const added = applyChanges(state, 2, [endpoint('b', '10.0.0.2')])
  assert.deepEqual([...added.endpoints.keys()], ['a', 'b'])
  const replaced = applyChanges(added, 3, [endpoint('b', '10.0.0.3')])
  assert.equal(replaced.endpoints.get('b')?.ipv4, '10.0.0.3')
  const removed = applyChanges(replaced, 4, [{ kind: 'endpoint', key: 'b', value: null }])
  assert.deepEqual([...removed.endpoints.keys()], ['a'])
  assert.equal(added.endpoints.get('b')?.ipv4, '10.0.0.2')
  assert.deepEqual(
    [state, added, replaced, removed].map(({ revision }) => revision),
    [1, 2, 3, 4],
  )
})

test('changes count in order', () => {
  const changes: Change[] = [endpoint('b', '10.0.0.2'), { kind: 'endpoint', key: 'b', value: null }]
  assert.equal(applyChanges(state, 2, changes).endpoints.has('b'), false)
  assert.equal(applyChanges(state, 2, changes.toReversed()).endpoints.has('b'), true)
})

test('a map without a change is the same map, a record without a change the same record', () => {
  const next = applyChanges(state, 2, [endpoint('b', '10.0.0.2')])
  for (const name of ['global', 'tenants', 'networks', 'groups', 'nodes'] as const)
    assert.equal(next[name], state[name])
  assert.notEqual(next.endpoints, state.endpoints)
  assert.equal(next.endpoints.get('a'), state.endpoints.get('a'))
})

test('every kind of record has its map', () => {
  const group = {
    tenantName: 't',
    groupName: 'g',
    networkName: 'n',
    groupId: 1,
    ipPool: '',
    policies: [],
    extContractsGrps: [],
    netProfile: '',
    cfgdTag: '',
  }
  const global = { ...defaultGlobal, fwdMode: 'bridge' as const }
  const network = state.networks.get('t:n')!
  const next = applyChanges(emptyState, 5, [
    { kind: 'global', key: 'global', value: global },
    { kind: 'tenant', key: 't', value: tenant('t', 1) },
    { kind: 'network', key: 't:n', value: network },
    { kind: 'group', key: 't:g', value: group },
    { kind: 'node', key: 'x', value: nodeRecord('x', '192.0.2.1') },
    endpoint('a', '10.0.0.1'),
  ])
  assert.deepEqual(next, { ...state, revision: 5, global, groups: new Map([['t:g', group]]) })
})

test('objects have a map for each kind; the maps of other kinds stay the same', () => {
  const policy = { tenantName: 't', policyName: 'p' }
  const added = applyChanges(state, 2, [{ kind: 'policy', key: 't:p', value: policy }])
  assert.equal(added.objects.policy.get('t:p'), policy)
  assert.equal(added.objects.rule, state.objects.rule)
  assert.equal(state.objects.policy.size, 0)
  const removed = applyChanges(added, 3, [{ kind: 'policy', key: 't:p', value: null }])
  assert.deepEqual(removed.objects, state.objects)
  assert.equal(applyChanges(added, 3, [endpoint('b', '10.0.0.2')]).objects, added.objects)
})

test('a kind of a later version is left out', () => {
  const change: unknown = { kind: 'later', key: 'x', value: {} }
  assert.deepEqual(applyChanges(state, 1, [change as Change]), state)
})

test('a state made of the list of its records is the same state', () => {
  const changed = applyChanges(state, 1, [{ kind: 'policy', key: 't:p', value: { tenantName: 't', policyName: 'p' } }])
  assert.deepEqual(applyChanges(emptyState, 1, listRecords(changed)), changed)
  assert.deepEqual(
    [...new Set(listRecords(changed).map(({ kind }) => kind))],
    ['global', 'tenant', 'network', 'policy', 'node', 'endpoint'],
  )
})

test('global settings are never deleted, and what is not there can be deleted', () => {
  const next = applyChanges(state, 2, [
    { kind: 'global', key: 'global', value: null },
    { kind: 'tenant', key: 'none', value: null },
  ])
  assert.equal(next.global, state.global)
  assert.deepEqual(next.tenants, state.tenants)
})

test('many changes at once give what the same changes give one by one', () => {
  const key = fc.constantFrom('a', 'b', 'c')
  const change = fc
    .tuple(key, fc.option(fc.nat({ max: 255 })))
    .map(
      ([id, last]): Change =>
        last === null ? { kind: 'endpoint', key: id, value: null } : endpoint(id, `10.0.0.${last}`),
    )
  fc.assert(
    fc.property(fc.array(change, { maxLength: 12 }), (changes) => {
      const once = applyChanges(state, 2, changes)
      const each = changes.reduce((next: ClusterState, one) => applyChanges(next, 2, [one]), state)
      assert.deepEqual(each.endpoints, once.endpoints)
    }),
  )
})
