import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterState, endpointRecord } from '../../../test/support/cluster.ts'
import type { EndpointRecord } from '../../model/state.ts'
import { NameIndex, networkNames } from './names.ts'

const container = (id: string, ipv4: string, more: Partial<EndpointRecord> = {}): EndpointRecord => ({
  ...endpointRecord({ id, network: 'default:n', node: 'a', ipv4 }),
  containerId: `${id}-0123456789abcdef`,
  ...more,
})
const at = (names: ReturnType<typeof networkNames>, name: string) => names.addresses.get(name)?.map(({ ipv4 }) => ipv4)

test('a container is found by name, alias and the short form of its id', () => {
  const names = networkNames([container('web', '10.0.0.1', { aliases: ['w3', 'www'] })])
  assert.deepEqual([...names.addresses.keys()].sort(), ['w3', 'web', 'web-01234567', 'www'])
  for (const name of names.addresses.keys()) assert.deepEqual(at(names, name), ['10.0.0.1'], name)
})

test('names are kept in lower case, and one that is said twice counts once', () => {
  const names = networkNames([container('Web', '10.0.0.1', { aliases: ['WEB', 'web'] })])
  assert.deepEqual(at(names, 'web'), ['10.0.0.1'])
  assert.equal(at(names, 'Web'), undefined)
})

test('a name that several containers have gives all their addresses', () => {
  const names = networkNames([
    container('a', '10.0.0.1', { aliases: ['pool'] }),
    container('b', '10.0.0.2', { aliases: ['pool'] }),
  ])
  assert.deepEqual(at(names, 'pool'), ['10.0.0.1', '10.0.0.2'])
})

test('an address leads back to the name, as it is written', () => {
  const names = networkNames([container('Web', '10.0.0.1', { ipv6: 'fd00::1' })])
  assert.deepEqual([names.names.get('10.0.0.1'), names.names.get('fd00::1')], ['Web', 'Web'])
})

test('an endpoint whose container is not known yet has no name', () => {
  const names = networkNames([container('x', '10.0.0.1', { containerName: '', containerId: '' })])
  assert.deepEqual([names.addresses.size, names.names.size], [0, 0])
})

test('an index keeps to one network, and is made again only when endpoints change', () => {
  const state = clusterState({
    tenants: ['t', 'u'],
    networks: [],
    nodes: [],
    endpoints: [
      { id: 'a', network: 't:n', node: 'x', ipv4: '10.0.0.1' },
      { id: 'b', network: 'u:n', node: 'x', ipv4: '10.0.0.1' },
    ],
  })
  const index = new NameIndex()
  const names = index.names(state, 't:n')
  assert.deepEqual([...names.addresses.keys()], ['a'])
  assert.equal(index.names({ ...state, revision: 2 }, 't:n'), names)
  assert.equal(index.names(state, 't:other').addresses.size, 0)
  const endpoints = new Map(state.endpoints)
  endpoints.delete('a')
  assert.equal(index.names({ ...state, endpoints }, 't:n').addresses.size, 0)
  assert.deepEqual([...index.names({ ...state, endpoints }, 'u:n').addresses.keys()], ['b'])
})

test('an endpoint of an intent has no name until a container has it', () => {
  const endpoint = container('x', '10.0.0.1', { origin: 'intent' })
  assert.ok(networkNames([endpoint]).addresses.has('x'))
  assert.equal(networkNames([{ ...endpoint, containerId: '' }]).addresses.size, 0)
})
