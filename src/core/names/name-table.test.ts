import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { clusterState, endpointRecord } from '../../../test/support/cluster.ts'
import type { ClusterState, EndpointRecord } from '../../model/state.ts'
import { type Member, MemberDiff } from './members.ts'
import { NameTable } from './name-table.ts'

const empty = clusterState({ tenants: [], networks: [], nodes: [], endpoints: [] })

function container(id: string, ipv4: string, more: Partial<EndpointRecord> = {}): EndpointRecord {
  const record = endpointRecord({ id, network: 'red:front', node: 'a', ipv4 })
  return { ...record, containerId: `${id}-0123456789abcdef`, ...more }
}

function state(...records: readonly EndpointRecord[]): ClusterState {
  return { ...empty, endpoints: new Map(records.map((record) => [record.endpointId, record])) }
}

const tenants = ['blue', 'red']

function tableOf(cluster: ClusterState): NameTable {
  const table = new NameTable()
  for (const member of new MemberDiff().changes(cluster, tenants, []).set) table.set(member)
  return table
}

/** What a name leads to, asked in a network; `red:front` unless told. */
function at(cluster: ClusterState, name: string, asker = 'red:front'): readonly string[] | undefined {
  return found(tableOf(cluster), name, asker)
}

function found(table: NameTable, name: string, asker = 'red:front'): readonly string[] | undefined {
  const [tenant = '', network = ''] = asker.split(':')
  return table.membersOf(tenant, network, name)?.map(({ ipv4 }) => ipv4)
}

/** Name and network of who has an address. */
function nameOf(cluster: ClusterState, address: string, asker = 'red:front'): string | undefined {
  const [tenant = '', network = ''] = asker.split(':')
  const member = tableOf(cluster).memberAt(tenant, network, address)
  return member === undefined ? undefined : `${member.names[0]}.${member.network}`
}

test('a container is found by name, alias and the short form of its id, in lower case', () => {
  const cluster = state(container('Web', '10.0.0.1', { aliases: ['w3', 'WEB'] }))
  for (const name of ['web', 'w3', 'web-01234567']) {
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
  assert.deepEqual(at(cluster, 'two.back'), ['10.1.0.2'])
  assert.deepEqual(at(cluster, 'two.alias.back'), ['10.1.0.2'])
  assert.deepEqual(at(cluster, 'db.far.back'), ['10.2.0.1'])
  assert.deepEqual(at(cluster, 'db.back', 'red:back'), ['10.1.0.1', '10.1.0.2'])
  assert.deepEqual(at(cluster, 'db', 'red:back'), ['10.1.0.1', '10.1.0.2'])
  assert.deepEqual(at(cluster, 'db.back', 'red:nobody-yet'), ['10.1.0.1', '10.1.0.2'])
  for (const name of ['db', 'foreign.back', 'db.nowhere', '.back', 'back'])
    assert.equal(at(cluster, name), undefined, name)
  assert.deepEqual([nameOf(cluster, '10.1.0.2'), nameOf(cluster, '10.2.0.1')], ['two.back', 'three.far.Back'])
  assert.equal(nameOf(cluster, '10.1.0.1', 'blue:back'), 'foreign.back')
})

test('an address leads back to the name, as it is written', () => {
  const cluster = state(container('Web', '10.0.0.1', { ipv6: 'fd00::1' }))
  assert.deepEqual([nameOf(cluster, '10.0.0.1'), nameOf(cluster, 'fd00::1')], ['Web.front', 'Web.front'])
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

test('a service comes before a group and a container of its name', () => {
  const table = tableOf(state(container('web', '10.0.0.1', { groupName: 'web' })))
  const service: Member = {
    key: 'service web',
    tenant: 'red',
    network: 'front',
    ipv4: '10.0.0.100',
    ipv6: '',
    service: 'Web',
    ports: ['tcp/80'],
    group: '',
    names: [],
  }
  table.set(service)
  assert.deepEqual([found(table, 'web'), found(table, 'web.front')], [['10.0.0.100'], ['10.0.0.100']])
  assert.equal(table.memberAt('red', 'front', '10.0.0.100'), service)
  table.delete(service.key)
  assert.deepEqual(found(table, 'web'), ['10.0.0.1'])
})

/** Few names, so that members share and lose them. */
const someMember = fc.record({
  key: fc.constantFrom('1', '2', '3', '4'),
  tenant: fc.constantFrom('red', 'blue'),
  network: fc.constantFrom('n', 'N', 'm'),
  ipv4: fc.constantFrom('10.0.0.1', '10.0.0.2'),
  ipv6: fc.constantFrom('', 'fd00::1'),
  service: fc.constantFrom('', '', 'a'),
  ports: fc.constant([]),
  group: fc.constantFrom('', 'a', 'B'),
  names: fc.subarray(['a', 'b', 'B', 'c.n']),
})
const edits = fc.array(fc.oneof(someMember, fc.constantFrom('1', '2', '3', '4')), { maxLength: 30 })

test('whatever came and went, a table is as one made of those who are left', () => {
  fc.assert(
    fc.property(edits, (list) => {
      const table = new NameTable()
      const left = new Map<string, Member>()
      for (const edit of list) {
        if (typeof edit === 'string') {
          table.delete(edit)
          left.delete(edit)
        } else {
          table.set(edit)
          left.delete(edit.key)
          left.set(edit.key, edit)
        }
      }
      const fresh = new NameTable()
      for (const member of left.values()) fresh.set(member)
      assert.equal(table.size, left.size)
      for (const tenant of tenants) {
        for (const network of ['n', 'm']) {
          for (const name of ['a', 'b', 'c.n', 'a.n', 'a.m', 'c.n.n', 'c'])
            assert.deepEqual(table.membersOf(tenant, network, name), fresh.membersOf(tenant, network, name), name)
          for (const address of ['10.0.0.1', '10.0.0.2', 'fd00::1', ''])
            assert.deepEqual(table.memberAt(tenant, network, address), fresh.memberAt(tenant, network, address))
        }
      }
    }),
  )
})

test('nobody finds a member of another tenant', () => {
  fc.assert(
    fc.property(edits, (list) => {
      const table = new NameTable()
      for (const edit of list) if (typeof edit !== 'string') table.set(edit)
      for (const name of ['a', 'b', 'c.n', 'a.n', 'b.m'])
        for (const member of table.membersOf('red', 'n', name) ?? []) assert.equal(member.tenant, 'red')
    }),
  )
})
