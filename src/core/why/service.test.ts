import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterState, type Intent, serviceRecord } from '../../../test/support/cluster.ts'
import type { ServiceRecord } from '../../model/state.ts'
import type { End } from './ends.ts'
import { explainService } from './service.ts'

const intent: Intent = {
  tenants: ['red', 'blue'],
  networks: [
    { key: 'red:front', encap: { kind: 'vxlan', vni: 1 }, subnet: '10.1.0.0/24', gateway: '10.1.0.254' },
    { key: 'red:back', encap: { kind: 'vxlan', vni: 2 }, subnet: '10.2.0.0/24', gateway: '10.2.0.254' },
    { key: 'red:wire', encap: { kind: 'vlan', vlan: 3 }, subnet: '10.3.0.0/24' },
    { key: 'blue:front', encap: { kind: 'vxlan', vni: 4 }, subnet: '10.1.0.0/24' },
  ],
  groups: [{ key: 'red:guarded', network: 'front', policies: ['p'] }],
  rules: [{ policy: 'red:p', id: '1', direction: 'in', action: 'deny', protocol: 'tcp', port: 8080 }],
  endpoints: [
    { id: 'client', network: 'red:back', node: 'n1', ipv4: '10.2.0.1' },
    { id: 'open', network: 'red:front', node: 'n1', ipv4: '10.1.0.1', labels: { tier: 'web' } },
    { id: 'guarded', network: 'red:front', group: 'guarded', node: 'n2', ipv4: '10.1.0.2', labels: { tier: 'web' } },
    { id: 'wired', network: 'red:wire', node: 'n1', ipv4: '10.3.0.1' },
    { id: 'stranger', network: 'blue:front', node: 'n1', ipv4: '10.1.0.1' },
  ],
  nodes: [
    { node: 'n1', vtep: '192.0.2.1' },
    { node: 'n2', vtep: '192.0.2.2' },
  ],
}
const state = clusterState(intent)
const web = serviceRecord({
  key: 'red:web',
  network: 'front',
  address: '10.1.0.100',
  selectors: ['tier=web'],
  ports: ['80:8080:TCP', '53:53:UDP'],
})

function ask(from: string, protocol: number, port: number, service: ServiceRecord = web, cluster = state) {
  const record = cluster.endpoints.get(from)
  const source: End = record === undefined ? { kind: 'address', address: from } : { kind: 'endpoint', record }
  return explainService(cluster, { tenantName: 'red', source, service, family: 'ipv4', protocol, port })
}

test('the verdict is that of its providers, each by policy at its own port', () => {
  const { verdict, way, providers } = ask('client', 6, 80)
  assert.deepEqual([verdict, way.code], ['depends', 'SERVICE'])
  assert.equal(way.text, 'service web leads port 80 to port 8080 of one of 2 providers')
  assert.deepEqual(
    providers?.map((one) => [one.name, one.address, one.port, one.host, one.verdict]),
    [
      ['open', '10.1.0.1', 8080, 'n1', 'allowed'],
      ['guarded', '10.1.0.2', 8080, 'n2', 'denied'],
    ],
  )
  assert.match(providers?.[1]?.text ?? '', /rule 1 of policy p denies it/)
  assert.equal(ask('client', 17, 53).verdict, 'allowed')
})

test('who fails gets nothing and has no say', () => {
  const endpoints = new Map(state.endpoints)
  for (const [id, record] of endpoints) if (id === 'open') endpoints.set(id, { ...record, silentPorts: [8080] })
  const probed = { ...web, probe: 'tcp:2s:1s:3' }
  const answer = ask('client', 6, 80, probed, { ...state, endpoints })
  assert.deepEqual([answer.verdict, answer.providers?.map(({ verdict }) => verdict)], ['denied', ['failing', 'denied']])
  const alone = { ...probed, selectors: ['tier=nobody'] }
  assert.deepEqual(ask('client', 6, 80, alone).way.code, 'NO_PROVIDER')
})

test('who is on a lost host gets nothing from others, and what is there from itself', () => {
  const nodes = new Map(state.nodes)
  for (const [name, record] of nodes) if (name === 'n1') nodes.set(name, { ...record, lost: 1 })
  const verdictsFor = (from: string) =>
    ask(from, 6, 80, web, { ...state, nodes }).providers?.map(({ name, verdict }) => `${name} ${verdict}`)
  assert.deepEqual(verdictsFor('guarded'), ['open failing', 'guarded allowed'])
  assert.deepEqual(verdictsFor('client'), ['open allowed', 'guarded no way'])
})

test('without a way there is none', () => {
  const codes = (['wired', 'stranger', '192.0.2.9'] as const).map((from) => ask(from, 6, 80).way.code)
  assert.deepEqual(codes, ['NOT_ROUTED', 'OTHER_TENANT', 'NO_ENTRY'])
  assert.equal(ask('client', 6, 81).way.code, 'SERVICE_PORT')
  assert.equal(ask('client', 17, 80).way.code, 'SERVICE_PORT')
})

test('it answers to ping whoever serves', () => {
  const { verdict, providers } = ask('client', 1, 0)
  assert.deepEqual([verdict, providers], ['allowed', undefined])
})
