import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterState, serviceRecord } from '../../../test/support/cluster.ts'
import type { ClusterState } from '../../model/state.ts'
import { candidatesOf, LabelIndex, providersOf } from './providers.ts'

const web = { tier: 'web', zone: '1' }
const base = clusterState({
  tenants: ['red', 'blue'],
  networks: [
    { key: 'red:one', encap: { kind: 'vxlan', vni: 1 }, subnet: '10.1.0.0/24' },
    { key: 'red:two', encap: { kind: 'vxlan', vni: 2 }, subnet: '10.2.0.0/24' },
    { key: 'red:wire', encap: { kind: 'vlan', vlan: 3 }, subnet: '10.3.0.0/24' },
    { key: 'blue:one', encap: { kind: 'vxlan', vni: 4 }, subnet: '10.1.0.0/24' },
  ],
  endpoints: [
    { id: 'far', network: 'red:two', node: 'b', ipv4: '10.2.0.10', labels: web },
    { id: 'near', network: 'red:one', node: 'a', ipv4: '10.1.0.9', labels: web },
    { id: 'half', network: 'red:one', node: 'a', ipv4: '10.1.0.3', labels: { tier: 'web' } },
    { id: 'wired', network: 'red:wire', node: 'a', ipv4: '10.3.0.2', labels: web },
    { id: 'blue', network: 'blue:one', node: 'a', ipv4: '10.1.0.2', labels: web },
    { id: 'none', network: 'red:one', node: 'a', ipv4: '10.1.0.4' },
  ],
  nodes: [{ node: 'a' }, { node: 'b' }],
})

const ids = (state: ClusterState, selectors: readonly string[], network = 'one') =>
  providersOf(state, serviceRecord({ key: 'red:s', network, address: '10.1.0.100', selectors, ports: [] })).map(
    ({ endpointId }) => endpointId,
  )

test('providers have every label, are of the tenant, and can be reached; by ascending address', () => {
  assert.deepEqual(ids(base, ['tier=web']), ['half', 'near', 'far'])
  assert.deepEqual(ids(base, ['tier=web', 'zone=1']), ['near', 'far'])
  assert.deepEqual(ids(base, ['zone=1', 'tier=web'], 'wire'), ['wired'])
  assert.deepEqual(ids(base, ['tier=db']), [])
  assert.deepEqual(ids(base, ['tier=web'], 'gone'), [])
})

test('bridged networks reach themselves only', () => {
  const bridged: ClusterState = { ...base, global: { ...base.global, fwdMode: 'bridge' } }
  assert.deepEqual(ids(bridged, ['tier=web']), ['half', 'near'])
})

test('an endpoint without container serves nobody', () => {
  const endpoints = new Map(base.endpoints)
  for (const [id, record] of endpoints) if (id === 'near') endpoints.set(id, { ...record, containerId: '' })
  assert.deepEqual(ids({ ...base, endpoints }, ['zone=1']), ['far'])
})

test('an index follows endpoints that come and go', () => {
  const index = new LabelIndex()
  const service = serviceRecord({
    key: 'red:s',
    network: 'one',
    address: '10.1.0.100',
    selectors: ['zone=1'],
    ports: [],
  })
  assert.equal(index.candidatesOf(base, service).length, 2)
  const endpoints = new Map(base.endpoints)
  endpoints.delete('far')
  assert.deepEqual(
    index.candidatesOf({ ...base, endpoints }, service).map(({ endpointId }) => endpointId),
    ['near'],
  )
})

test('where the service has a probe, who does not answer at a port that it needs is a candidate only', () => {
  const endpoints = new Map(base.endpoints)
  for (const [id, record] of endpoints) if (id === 'near') endpoints.set(id, { ...record, silentPorts: [53, 8080] })
  const state = { ...base, endpoints }
  const service = (ports: readonly string[], probe?: string) =>
    serviceRecord({
      key: 'red:s',
      network: 'one',
      address: '10.1.0.100',
      selectors: ['zone=1'],
      ports,
      ...(probe === undefined ? {} : { probe }),
    })
  const names = (found: readonly { readonly endpointId: string }[]) => found.map(({ endpointId }) => endpointId)
  const probed = service(['80:8080:TCP'], 'tcp:2s:1s:3')
  assert.deepEqual(names(providersOf(state, probed)), ['far'])
  assert.deepEqual(names(candidatesOf(state, probed)), ['near', 'far'])
  assert.deepEqual(names(providersOf(state, service(['80:8080:TCP']))), ['near', 'far'], 'nobody asked')
  assert.deepEqual(names(providersOf(state, service(['53:53:UDP', '80:80:TCP'], 'tcp:2s:1s:3'))), ['near', 'far'])
})
