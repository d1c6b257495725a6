import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterState, endpointRecord } from '../../../test/support/cluster.ts'
import type { ClusterState, EndpointRecord } from '../../model/state.ts'
import { NameIndex } from './names.ts'

const empty = clusterState({ tenants: [], networks: [], nodes: [], endpoints: [] })

function container(id: string, ipv4: string, more: Partial<EndpointRecord> = {}): EndpointRecord {
  const record = endpointRecord({ id, network: 'red:front', node: 'a', ipv4 })
  return { ...record, containerId: `${id}-0123456789abcdef`, ...more }
}

function state(...records: readonly EndpointRecord[]): ClusterState {
  return { ...empty, endpoints: new Map(records.map((record) => [record.endpointId, record])) }
}

/** What a name leads to, asked in a network; `red:front` unless told. */
function at(cluster: ClusterState, name: string, network = 'red:front'): readonly string[] | undefined {
  return new NameIndex()
    .names(cluster, network)
    .addressesOf(name)
    ?.map(({ ipv4 }) => ipv4)
}

function nameOf(cluster: ClusterState, address: string, network = 'red:front'): string | undefined {
  return new NameIndex().names(cluster, network).nameOf(address)
}

test('a container is found by name, alias and the short form of its id, whatever the case', () => {
  const cluster = state(container('Web', '10.0.0.1', { aliases: ['w3', 'WEB'] }))
  for (const name of ['web', 'WEB', 'w3', 'W3', 'web-01234567', 'web.']) {
    assert.deepEqual(at(cluster, name), ['10.0.0.1'], name)
  }
  for (const name of ['', '.', 'we', 'web-0123456789abcdef']) assert.equal(at(cluster, name), undefined, name)
})

test('a name that several containers have gives all their addresses', () => {
  const pool = { aliases: ['pool'] }
  assert.deepEqual(at(state(container('a', '10.0.0.1', pool), container('b', '10.0.0.2', pool)), 'pool'), [
    '10.0.0.1',
    '10.0.0.2',
  ])
})

test('a group is all its members, and comes before a container of its name', () => {
  const members = { groupName: 'Web' }
  const cluster = state(
    container('a', '10.0.0.1', members),
    container('b', '10.0.0.2', members),
    container('web', '10.0.0.3'),
  )
  assert.deepEqual(at(cluster, 'web'), ['10.0.0.1', '10.0.0.2'])
  assert.deepEqual(at(state(container('web', '10.0.0.3')), 'web'), ['10.0.0.3'])
})

test('groups and containers of other networks of the tenant are found with the name of their network', () => {
  const back = (id: string, ipv4: string, networkName = 'back') =>
    container(id, ipv4, { networkName, groupName: 'db', aliases: [`${id}.alias`] })
  const cluster = state(
    container('web', '10.0.0.1'),
    back('one', '10.1.0.1'),
    back('two', '10.1.0.2'),
    back('three', '10.2.0.1', 'far.Back'),
    { ...back('foreign', '10.1.0.1'), tenantName: 'blue' },
  )
  assert.deepEqual(at(cluster, 'db.back'), ['10.1.0.1', '10.1.0.2'])
  assert.deepEqual(at(cluster, 'DB.Back.'), ['10.1.0.1', '10.1.0.2'])
  assert.deepEqual(at(cluster, 'two.back'), ['10.1.0.2'])
  assert.deepEqual(at(cluster, 'two.alias.back'), ['10.1.0.2'])
  assert.deepEqual(at(cluster, 'db.far.back'), ['10.2.0.1'])
  assert.deepEqual(at(cluster, 'db.back', 'red:back'), ['10.1.0.1', '10.1.0.2'])
  assert.deepEqual(at(cluster, 'db', 'red:back'), ['10.1.0.1', '10.1.0.2'])
  assert.deepEqual(at(cluster, 'db.back', 'red:nobody-yet'), ['10.1.0.1', '10.1.0.2'])
  for (const name of ['db', 'foreign.back', 'db.nowhere', '.back', 'back'])
    assert.equal(at(cluster, name), undefined, name)
  assert.deepEqual([nameOf(cluster, '10.1.0.2'), nameOf(cluster, '10.2.0.1')], ['two.back', 'three.far.Back'])
  assert.equal(nameOf(cluster, '10.1.0.1', 'blue:back'), 'foreign')
})

test('an address leads back to the name, as it is written', () => {
  const cluster = state(container('Web', '10.0.0.1', { ipv6: 'fd00::1' }))
  assert.deepEqual([nameOf(cluster, '10.0.0.1'), nameOf(cluster, 'fd00::1')], ['Web', 'Web'])
  assert.equal(nameOf(cluster, '10.0.0.2'), undefined)
})

test('an endpoint whose container is not known yet has no name', () => {
  const cluster = state(container('x', '10.0.0.1', { containerName: '', containerId: '' }))
  assert.deepEqual([at(cluster, ''), at(cluster, 'x'), nameOf(cluster, '10.0.0.1')], [undefined, undefined, undefined])
})

test('an endpoint of an intent has no name until a container has it', () => {
  const endpoint = container('x', '10.0.0.1', { origin: 'intent', groupName: 'g' })
  assert.deepEqual(at(state(endpoint), 'g'), ['10.0.0.1'])
  assert.deepEqual(
    [at(state({ ...endpoint, containerId: '' }), 'x'), at(state({ ...endpoint, containerId: '' }), 'g')],
    [undefined, undefined],
  )
})

test('an index is made again when endpoints change', () => {
  const cluster = state(container('a', '10.0.0.1'), container('b', '10.0.0.2'))
  const index = new NameIndex()
  assert.ok(index.names(cluster, 'red:front').addressesOf('a'))
  const endpoints = new Map(cluster.endpoints)
  endpoints.delete('a')
  const names = index.names({ ...cluster, endpoints }, 'red:front')
  assert.deepEqual([names.addressesOf('a'), names.addressesOf('b')?.length], [undefined, 1])
})
