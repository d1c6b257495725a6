import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterState, type Intent, netprofileRecord } from '../../../test/support/cluster.ts'
import type { ClusterState } from '../../model/state.ts'
import { NodeCompiler } from './compile-node.ts'

const intent: Intent = {
  tenants: ['red'],
  networks: [{ key: 'red:net', encap: { kind: 'vxlan', vni: 1 }, subnet: '10.1.0.0/24' }],
  netprofiles: [
    { key: 'red:slow', bandwidth: '10 Mbps', burst: 80, dscp: 46 },
    { key: 'red:marked', dscp: 10 },
    { key: 'red:empty', burst: 80 },
  ],
  groups: [
    { key: 'red:web', network: 'net', netProfile: 'slow' },
    { key: 'red:db', network: 'net', netProfile: 'marked' },
    { key: 'red:log', network: 'net', netProfile: 'empty' },
    { key: 'red:free', network: 'net' },
  ],
  endpoints: [
    { id: 'web', network: 'red:net', group: 'web', node: 'n1', ipv4: '10.1.0.1' },
    { id: 'db', network: 'red:net', group: 'db', node: 'n1', ipv4: '10.1.0.2' },
    { id: 'log', network: 'red:net', group: 'log', node: 'n1', ipv4: '10.1.0.3' },
    { id: 'free', network: 'red:net', group: 'free', node: 'n1', ipv4: '10.1.0.4' },
    { id: 'none', network: 'red:net', node: 'n1', ipv4: '10.1.0.5' },
    { id: 'there', network: 'red:net', group: 'web', node: 'n2', ipv4: '10.1.0.6' },
  ],
  nodes: [{ node: 'n1' }, { node: 'n2' }],
}

const profiles = (state: ClusterState, compiler = new NodeCompiler('n1')) =>
  Object.fromEntries([...compiler.compile(state).local].map(([id, { profile }]) => [id, profile]))

const slow = { rate: 10_485, burst: 80, dscp: 46 }

test('endpoints have what the profile of their group says, and nothing where it says nothing', () => {
  assert.deepEqual(profiles(clusterState(intent)), {
    web: slow,
    db: { rate: 0, burst: 0, dscp: 10 },
    log: undefined,
    free: undefined,
    none: undefined,
  })
})

test('the profiles of others are not of interest', () => {
  const there = new NodeCompiler('n1').compile(clusterState(intent)).remote.get('there')
  assert.ok(there !== undefined && !('profile' in there))
})

test('a profile that is changed, and a group that gets another or none, change their endpoints and no others', () => {
  const compiler = new NodeCompiler('n1')
  const state = clusterState(intent)
  const before = compiler.compile(state).local
  const changed = new Map(state.objects.netprofile).set('red:slow', netprofileRecord({ key: 'red:slow', dscp: 1 }))
  const edited = { ...state, objects: { ...state.objects, netprofile: changed } }
  const after = compiler.compile(edited).local
  assert.deepEqual(after.get('web')?.profile, { rate: 0, burst: 0, dscp: 1 })
  for (const id of ['db', 'log', 'free', 'none']) assert.equal(after.get(id), before.get(id))
  const group = state.groups.get('red:web')
  assert.ok(group !== undefined)
  const inGroup = (netProfile: string) => ({
    ...edited,
    groups: new Map(state.groups).set('red:web', { ...group, netProfile }),
  })
  assert.equal(profiles(inGroup('marked'), compiler).web?.dscp, 10)
  assert.equal(profiles(inGroup(''), compiler).web, undefined)
  assert.deepEqual(profiles(state, compiler).web, slow)
})

test('a profile or group that is not there limits nobody', () => {
  const state = clusterState(intent)
  const without = { ...state, objects: { ...state.objects, netprofile: new Map() } }
  assert.equal(profiles(without).web, undefined)
  assert.equal(profiles({ ...state, groups: new Map() }).web, undefined)
})
