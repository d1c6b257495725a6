import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterState, endpointRecord, serviceRecord } from '../../../test/support/cluster.ts'
import { MemberDiff } from './members.ts'
import { NameTable } from './name-table.ts'
import { serviceMembers } from './services.ts'

const service = serviceRecord({
  key: 'red:Web',
  network: 'front',
  address: '10.0.0.100',
  selectors: ['a=b'],
  ports: ['80:8080:tcp'],
})

test('a service is its address, before a group and a container of its name, and goes with its record', () => {
  const web = endpointRecord({ id: 'web', network: 'red:front', node: 'n1', ipv4: '10.0.0.1', group: 'web' })
  const bare = clusterState({ tenants: ['red', 'blue'], networks: [], endpoints: [], nodes: [] })
  const state = { ...bare, endpoints: new Map([['web', web]]) }
  const [diff, table] = [new MemberDiff(), new NameTable()]
  const told = (services: ReadonlyMap<string, typeof service>) => {
    const { set, gone } = diff.changes(state, ['red'], serviceMembers(services))
    for (const member of set) table.set(member)
    for (const key of gone) table.delete(key)
  }
  const addresses = (network: string, name: string) => table.membersOf('red', network, name)?.map(({ ipv4 }) => ipv4)
  told(new Map([['red:Web', service]]))
  assert.deepEqual(addresses('front', 'web'), ['10.0.0.100'])
  assert.deepEqual(addresses('back', 'web.front'), ['10.0.0.100'])
  assert.deepEqual(table.memberAt('red', 'front', '10.0.0.100')?.service, 'Web')
  assert.deepEqual(table.membersOf('red', 'front', 'web')?.[0]?.ports, ['tcp/80'])
  assert.equal(table.membersOf('blue', 'front', 'web'), undefined)
  told(new Map())
  assert.deepEqual(addresses('front', 'web'), ['10.0.0.1'])
})
