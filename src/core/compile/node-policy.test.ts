import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterState, type Intent, ruleRecord } from '../../../test/support/cluster.ts'
import type { ClusterState } from '../../model/state.ts'
import { NodeCompiler } from './compile-node.ts'

const intent: Intent = {
  tenants: ['red'],
  networks: [
    { key: 'red:tunnels', encap: { kind: 'vxlan', vni: 1 }, subnet: '10.1.0.0/24' },
    { key: 'red:wire', encap: { kind: 'vlan', vlan: 2 }, subnet: '10.2.0.0/24', ipv6Subnet: '2001:db8::/64' },
  ],
  groups: [
    { key: 'red:web', network: 'tunnels', policies: ['p'] },
    { key: 'red:db', network: 'tunnels' },
    { key: 'red:lan', network: 'wire', policies: ['p', 'q'] },
  ],
  rules: [
    { policy: 'red:p', id: 'a', direction: 'in', action: 'deny', fromEndpointGroup: 'db' },
    { policy: 'red:p', id: 'b', direction: 'in', action: 'deny', protocol: 'tcp' },
    { policy: 'red:p', id: 'c', direction: 'in', action: 'allow', priority: 9, fromNetwork: 'wire' },
    { policy: 'red:q', id: 'd', direction: 'out', action: 'deny', toEndpointGroup: 'lan' },
  ],
  endpoints: [
    { id: 'web', network: 'red:tunnels', group: 'web', node: 'n1', ipv4: '10.1.0.1' },
    { id: 'here', network: 'red:tunnels', group: 'db', node: 'n1', ipv4: '10.1.0.2' },
    { id: 'there', network: 'red:tunnels', group: 'db', node: 'n2', ipv4: '10.1.0.3' },
    { id: 'lan', network: 'red:wire', group: 'lan', node: 'n3', ipv4: '10.2.0.1', ipv6: '2001:db8::1' },
  ],
  nodes: [
    { node: 'n1', vtep: '192.0.2.1' },
    { node: 'n2', vtep: '192.0.2.2' },
    { node: 'n3', vtep: '192.0.2.3' },
  ],
}

const policyOf = (node: string, state = clusterState(intent)) => new NodeCompiler(node).compile(state).policy

test('a node without members of groups with policies enforces nothing', () => {
  assert.equal(policyOf('n2'), undefined)
  assert.equal(policyOf('n9'), undefined)
})

test('a node knows the rules of its own groups, level by level, the decisive one first', () => {
  const levels = policyOf('n1')?.levels.map(({ name, rules }) => [name, rules.map(({ rule }) => rule.key)])
  assert.deepEqual(levels, [
    ['in 9 allow', ['red:p:c']],
    ['in 1 deny', ['red:p:a', 'red:p:b']],
  ])
  assert.deepEqual(
    policyOf('n3')?.levels.map(({ name }) => name),
    ['in 9 allow', 'in 1 deny', 'out 1 deny'],
  )
})

test('where rules name groups, everybody is known whom no port and no tunnel tells', () => {
  const roles = (node: string) =>
    [...(policyOf(node)?.members.values() ?? [])].map((member) => {
      const { endpointId, groupId, vtep, asSource, asDestination } = member
      return { endpointId, groupId, vtep, asSource, asDestination }
    })
  const lan = { endpointId: 'lan', groupId: 3, vtep: undefined }
  assert.deepEqual(roles('n1'), [
    { endpointId: 'there', groupId: 2, vtep: '192.0.2.2', asSource: true, asDestination: false },
    { ...lan, asSource: true, asDestination: false },
  ])
  assert.deepEqual(roles('n3'), [{ ...lan, asSource: true, asDestination: true }])
})

test('groups are wary in the directions in which their rules name groups', () => {
  assert.deepEqual(policyOf('n1')?.wary, [{ groupId: 1, incoming: true, outgoing: false }])
  assert.deepEqual(policyOf('n3')?.wary, [{ groupId: 3, incoming: true, outgoing: true }])
  const range = { first: 0x0a020000, last: 0x0a0200ff }
  const addresses = { ipv4: [range], ipv6: ['2001:db8::/64', 'fe80::/10'], gateways: [] }
  assert.deepEqual(policyOf('n1')?.wire, [{ tenantId: 1, asSource: true, asDestination: false, ...addresses }])
})

test('what did not change is the same object', () => {
  const compiler = new NodeCompiler('n1')
  const state = clusterState(intent)
  const first = compiler.compile(state).policy!
  const rule = ruleRecord({ policy: 'red:p', id: 'e', direction: 'in', action: 'allow', priority: 9 })
  const next: ClusterState = {
    ...state,
    objects: { ...state.objects, rule: new Map(state.objects.rule).set('red:p:e', rule) },
    networks: new Map(state.networks),
  }
  const second = compiler.compile(next).policy!
  assert.notEqual(second.levels[0], first.levels[0])
  assert.equal(second.levels[1], first.levels[1])
  assert.equal(second.groups[0], first.groups[0])
  assert.equal(second.members.get('there'), first.members.get('there'))
})

test('a rule follows what it names', () => {
  const compiler = new NodeCompiler('n1')
  const state = clusterState(intent)
  compiler.compile(state)
  const wire = { ...state.networks.get('red:wire')!, subnet: '10.3.0.0/24' }
  const next = { ...state, networks: new Map(state.networks).set('red:wire', wire) }
  const [level] = compiler.compile(next).policy?.levels ?? []
  assert.deepEqual(level?.rules[0]?.rule.remote.addresses?.ipv4, [{ first: 0x0a030000, last: 0x0a0300ff }])
})
