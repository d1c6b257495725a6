import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterState, type RuleIntent } from '../../../test/support/cluster.ts'
import { applyingRules, evaluatePolicy, type Opening } from './evaluate.ts'
import { effectiveRules } from './rule.ts'

const web = '10.1.0.1'
const db = '10.2.0.1'
const outside = '198.51.100.7'

function cluster(rules: readonly Partial<RuleIntent>[], policies = ['p']) {
  const on = (name: string, number: number) =>
    ({ key: `red:${name}`, encap: { kind: 'vxlan', vni: number }, subnet: `10.${number}.0.0/24` }) as const
  return clusterState({
    tenants: ['red', 'blue'],
    networks: [
      { ...on('front', 1), ipv6Subnet: '2001:db8:1::/64' },
      { ...on('back', 2), ipv6Subnet: '2001:db8:2::/64' },
    ],
    groups: [
      { key: 'red:web', network: 'front', policies },
      { key: 'red:db', network: 'back' },
    ],
    rules: rules.map((rule, index) => ({
      policy: 'red:p',
      id: `r${index}`,
      direction: 'in',
      action: 'deny',
      ...rule,
    })),
    endpoints: [
      { id: 'web', network: 'red:front', group: 'web', node: 'n1', ipv4: web, ipv6: '2001:db8:1::1' },
      { id: 'db', network: 'red:back', group: 'db', node: 'n1', ipv4: db, ipv6: '2001:db8:2::1' },
    ],
    nodes: [{ node: 'n1' }],
  })
}

const http: Opening = { tenantName: 'red', source: db, destination: web, protocol: 6, port: 80 }

function allowed(rules: readonly Partial<RuleIntent>[], opening: Partial<Opening> = {}): boolean {
  return evaluatePolicy(cluster(rules), { ...http, ...opening }).allowed
}

test('without rules everything is allowed, and nobody decided', () => {
  const nobody = {
    allowed: true,
    stranger: false,
    byDefault: false,
    cut: false,
    egress: undefined,
    ingress: undefined,
  }
  assert.deepEqual(evaluatePolicy(cluster([]), http), nobody)
  assert.deepEqual(evaluatePolicy(cluster([{ action: 'deny' }], []), http), nobody)
})

test('the larger priority decides, deny comes first at equal priority', () => {
  const deny = { action: 'deny', priority: 5 } as const
  assert.equal(allowed([deny, { action: 'allow', priority: 6 }]), true)
  assert.equal(allowed([{ action: 'allow', priority: 4 }, deny]), false)
  assert.equal(allowed([{ action: 'allow', priority: 5 }, deny]), false)
  const [first] = effectiveRules(cluster([deny, deny]), cluster([]).groups.get('red:web')!)
  assert.equal(first?.key, 'red:p:r0')
})

test('the deciding rule is named, at the sender and at the receiver', () => {
  const out = { direction: 'out', action: 'allow', toNetwork: 'back' } as const
  const verdict = evaluatePolicy(cluster([{}, out]), { ...http, source: web, destination: db })
  assert.deepEqual([verdict.allowed, verdict.egress?.key, verdict.ingress], [true, 'red:p:r1', undefined])
  assert.equal(evaluatePolicy(cluster([{}]), http).ingress?.key, 'red:p:r0')
})

test('rules are about the members of their own groups, in their own direction', () => {
  assert.equal(allowed([{ direction: 'out' }]), true)
  assert.equal(allowed([{}], { source: web, destination: db }), true)
  assert.equal(allowed([{}], { tenantName: 'blue' }), true)
})

test('the other side may be a group, a network, an address, or a group and an address', () => {
  assert.equal(allowed([{ fromEndpointGroup: 'db' }]), false)
  assert.equal(allowed([{ fromEndpointGroup: 'web' }]), true)
  assert.equal(allowed([{ fromNetwork: 'back' }]), false)
  assert.equal(allowed([{ fromNetwork: 'back' }], { source: '10.2.0.200' }), false)
  assert.equal(allowed([{ fromNetwork: 'front' }]), true)
  assert.equal(allowed([{ fromIpAddress: '198.51.100.0/24' }], { source: outside }), false)
  assert.equal(allowed([{ fromIpAddress: '10.2.0.1-3', fromEndpointGroup: 'db' }]), false)
  assert.equal(allowed([{ fromIpAddress: '10.2.0.2-3', fromEndpointGroup: 'db' }]), true)
  assert.equal(allowed([{ fromIpAddress: '10.2.0.1-3', fromEndpointGroup: 'web' }]), true)
})

test('an incoming rule may be for some addresses of the group', () => {
  assert.equal(allowed([{ toIpAddress: web }]), false)
  assert.equal(allowed([{ toIpAddress: '10.1.0.2' }]), true)
})

test('a rule that names what is not there says nothing', () => {
  assert.equal(allowed([{ fromEndpointGroup: 'gone' }]), true)
  assert.equal(allowed([{ fromNetwork: 'gone' }]), true)
})

test('a port counts for TCP and UDP, both where no protocol is named', () => {
  assert.equal(allowed([{ port: 80 }]), false)
  assert.equal(allowed([{ port: 80 }], { protocol: 17 }), false)
  assert.equal(allowed([{ port: 80 }], { port: 81 }), true)
  assert.equal(allowed([{ port: 80 }], { protocol: 1, port: 0 }), true)
  assert.equal(allowed([{ protocol: 'udp', port: 80 }]), true)
  assert.equal(allowed([{ protocol: '6', port: 80 }]), false)
  assert.equal(allowed([{ protocol: 'icmp', port: 80 }], { protocol: 1, port: 0 }), false)
})

test('a rule may have several ports, and SCTP has ports too', () => {
  assert.equal(allowed([{ ports: '22,79-81' }]), false)
  assert.equal(allowed([{ ports: '22,79-81' }], { port: 82 }), true)
  assert.equal(allowed([{ ports: '22,79-81' }], { protocol: 132 }), true, 'without protocol: TCP and UDP')
  assert.equal(allowed([{ protocol: 'sctp', ports: '22,79-81' }], { protocol: 132 }), false)
  assert.equal(allowed([{ protocol: '132', port: 81 }], { protocol: 132 }), true)
  assert.equal(allowed([{ protocol: 'icmp', ports: '22,79-81' }], { protocol: 1, port: 0 }), false)
  assert.equal(allowed([{ ports: '0-65535' }]), false)
})

test('an address of one family says nothing about the other', () => {
  const ipv6 = { source: '2001:db8:2::1', destination: '2001:db8:1::1' }
  assert.equal(allowed([{ fromIpAddress: '2001:db8:2::/64' }], ipv6), false)
  assert.equal(allowed([{ fromIpAddress: '2001:db8:2::2-2001:db8:2::9' }], ipv6), true)
  assert.equal(allowed([{ fromIpAddress: '::/0' }]), true)
  assert.equal(allowed([{ fromIpAddress: '::/0,10.2.0.1-10.2.0.9' }]), false)
})

test('groups, networks and protocols are meant in IPv6 too, addresses are not', () => {
  const ipv6 = { source: '2001:db8:2::1', destination: '2001:db8:1::1' }
  assert.equal(allowed([{ fromEndpointGroup: 'db', protocol: 'tcp' }], ipv6), false)
  assert.equal(allowed([{ fromNetwork: 'back' }], ipv6), false)
  assert.equal(allowed([{ fromIpAddress: '10.0.0.0/8' }], ipv6), true)
  const ping6 = { ...ipv6, protocol: 58, port: 0 }
  assert.equal(allowed([{ protocol: 'icmp' }], ping6), false)
  assert.equal(allowed([{ protocol: 'icmpv6' }], ping6), false)
  assert.equal(allowed([{ protocol: '1' }], ping6), true)
})

test('a group can be asked about before it has anybody', () => {
  const state = cluster([{ fromEndpointGroup: 'db' }])
  const free = '10.2.0.9'
  assert.equal(evaluatePolicy(state, { ...http, source: free }).allowed, true)
  const sender = state.groups.get('red:db')!
  assert.equal(evaluatePolicy(state, { ...http, source: free, sender }).allowed, false)
  const receiver = state.groups.get('red:web')!
  assert.equal(evaluatePolicy(state, { ...http, destination: '10.1.0.9', receiver }).ingress?.key, 'red:p:r0')
})

test('all rules that apply are told, the deciding one first', () => {
  const state = cluster([{ priority: 2 }, { protocol: 'udp' }, { action: 'allow', priority: 3 }, { direction: 'out' }])
  assert.deepEqual(
    applyingRules(state, 'in', http).map(({ key }) => key),
    ['red:p:r2', 'red:p:r0'],
  )
  assert.deepEqual(applyingRules(state, 'out', http), [])
  assert.deepEqual(
    applyingRules(state, 'out', { ...http, source: web, destination: db }).map(({ key }) => key),
    ['red:p:r3'],
  )
})

test('who has an address of a VLAN that no endpoint has is a stranger to rules that name groups', () => {
  const state = clusterState({
    tenants: ['red'],
    networks: [
      { key: 'red:lan', encap: { kind: 'vlan', vlan: 7 }, subnet: '10.7.0.10-10.7.0.20/24', gateway: '10.7.0.15' },
    ],
    groups: [
      { key: 'red:web', network: 'lan', policies: ['p'] },
      { key: 'red:db', network: 'lan' },
    ],
    rules: [{ policy: 'red:p', id: 'a', direction: 'in', action: 'deny', protocol: 'udp', fromEndpointGroup: 'db' }],
    endpoints: [{ id: 'web', network: 'red:lan', group: 'web', node: 'n1', ipv4: '10.7.0.10' }],
    nodes: [{ node: 'n1' }],
  })
  const opening = { ...http, destination: '10.7.0.10' }
  const isStranger = (ends: Partial<Opening>) => {
    const { allowed, stranger } = evaluatePolicy(state, { ...opening, ...ends })
    assert.equal(allowed, !stranger)
    return stranger
  }
  assert.equal(isStranger({ source: '10.7.0.11' }), true)
  assert.equal(isStranger({ source: '10.7.0.15' }), false, 'the gateway')
  assert.equal(isStranger({ source: '10.7.0.21' }), false, 'beyond the range')
  assert.equal(isStranger({ source: '10.7.0.10', destination: '10.7.0.11' }), false, 'its outgoing rules name nobody')
})
