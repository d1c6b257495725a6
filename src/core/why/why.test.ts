import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clusterState, type Intent, type RuleIntent } from '../../../test/support/cluster.ts'
import type { WhyAnswer } from '../../model/why.ts'
import type { End } from './ends.ts'
import { type Asked, explain } from './why.ts'

const intent: Intent = {
  tenants: ['red', 'blue'],
  networks: [
    {
      key: 'red:front',
      encap: { kind: 'vxlan', vni: 1 },
      subnet: '10.1.0.0/24',
      gateway: '10.1.0.254',
      ipv6Subnet: '2001:db8:1::/64',
      ipv6Gateway: '2001:db8:1::fe',
    },
    { key: 'red:back', encap: { kind: 'vxlan', vni: 2 }, subnet: '10.2.0.0/24', gateway: '10.2.0.254' },
    { key: 'red:lone', encap: { kind: 'vxlan', vni: 3 }, subnet: '10.3.0.0/24' },
    { key: 'red:wire', encap: { kind: 'vlan', vlan: 10 }, subnet: '10.4.0.0/24', gateway: '10.4.0.254' },
    { key: 'red:wire2', encap: { kind: 'vlan', vlan: 11 }, subnet: '10.5.0.0/24', gateway: '10.5.0.254' },
    { key: 'red:wire3', encap: { kind: 'vlan', vlan: 12 }, subnet: '10.6.0.0/24' },
    { key: 'blue:front', encap: { kind: 'vxlan', vni: 4 }, subnet: '10.1.0.0/24' },
  ],
  groups: [
    { key: 'red:web', network: 'front', policies: ['p'] },
    { key: 'red:db', network: 'back' },
    { key: 'red:none', network: 'lone', policies: ['p'] },
  ],
  endpoints: [
    { id: 'web', network: 'red:front', group: 'web', node: 'n1', ipv4: '10.1.0.1', ipv6: '2001:db8:1::1' },
    { id: 'web2', network: 'red:front', node: 'n2', ipv4: '10.1.0.2', ipv6: '2001:db8:1::2' },
    { id: 'far', network: 'red:front', node: 'n3', ipv4: '10.1.0.3' },
    { id: 'db', network: 'red:back', group: 'db', node: 'n2', ipv4: '10.2.0.1' },
    { id: 'lone', network: 'red:lone', node: 'n1', ipv4: '10.3.0.1' },
    { id: 'wire', network: 'red:wire', node: 'n1', ipv4: '10.4.0.1' },
    { id: 'wire2', network: 'red:wire2', node: 'n1', ipv4: '10.5.0.1' },
    { id: 'wire3', network: 'red:wire3', node: 'n1', ipv4: '10.6.0.1' },
    { id: 'other', network: 'blue:front', node: 'n1', ipv4: '10.1.0.1' },
  ],
  nodes: [{ node: 'n1', vtep: '192.0.2.1' }, { node: 'n2', vtep: '192.0.2.2' }, { node: 'n3' }],
}

function state(rules: readonly Partial<RuleIntent>[] = [], more: Partial<Intent> = {}) {
  const full = rules.map((rule, index): RuleIntent => {
    return { policy: 'red:p', id: `r${index}`, direction: 'in', action: 'deny', ...rule }
  })
  return clusterState({ ...intent, ...more, rules: full })
}

/** An endpoint's id, `group:NAME`, or an address. */
function end(cluster: ReturnType<typeof state>, text: string): End {
  const record = cluster.endpoints.get(text)
  if (record !== undefined) return { kind: 'endpoint', record }
  const group = cluster.groups.get(text.replace('group:', 'red:'))
  return group === undefined ? { kind: 'address', address: text } : { kind: 'group', record: group }
}

function ask(
  cluster: ReturnType<typeof state>,
  source: string,
  destination: string,
  more: Partial<Asked> = {},
): WhyAnswer {
  const ends = { source: end(cluster, source), destination: end(cluster, destination) }
  return explain(cluster, { tenantName: 'red', family: 'ipv4', protocol: 6, port: 80, ...ends, ...more })
}

test('no tunnel leads to a host that is lost, nor from it; within it everything goes on', () => {
  const whole = state()
  const nodes = new Map(whole.nodes)
  for (const [name, record] of nodes) if (name === 'n2') nodes.set(name, { ...record, lost: 1 })
  const code = (from: string, to: string) => ask({ ...whole, nodes }, from, to).way.code
  assert.deepEqual([code('web', 'web2'), code('web2', 'web'), code('web2', 'db')], ['HOST_LOST', 'HOST_LOST', 'ROUTED'])
})

const ways: readonly (readonly [string, string, Partial<Asked>, WhyAnswer['way']['code'], RegExp])[] = [
  ['web', 'web2', {}, 'SAME_NETWORK', /network front, by tunnel from n1 to n2/],
  ['web', 'db', {}, 'ROUTED', /routed from front to back, by tunnel/],
  ['group:web', 'group:db', {}, 'ROUTED', /routed from front to back$/],
  ['web', 'web2', { family: 'ipv6' }, 'SAME_NETWORK', /front/],
  ['web', 'db', { family: 'ipv6' }, 'NO_IPV6', /network back has no IPv6/],
  ['web', 'group:db', { family: 'ipv6' }, 'NO_IPV6', /network back has no IPv6/],
  ['web', 'web', {}, 'ITSELF', /same container/],
  ['web', 'other', {}, 'OTHER_TENANT', /destination is in tenant blue/],
  ['web', 'far', {}, 'NO_TUNNEL', /n3 has no tunnel end/],
  ['web', 'lone', {}, 'NO_GATEWAY', /network lone has no gateway/],
  ['web', 'wire', {}, 'NOT_ROUTED', /one is a VLAN/],
  ['wire', 'wire2', {}, 'WIRE', /router between the VLANs of wire and wire2/],
  ['wire', 'wire3', {}, 'NO_GATEWAY', /wire3/],
  ['web', '10.1.0.254', { protocol: 1, port: 0 }, 'GATEWAY', /answers for gateway/],
  ['web', '10.1.0.254', {}, 'GATEWAY', /nothing but ping/],
  ['web', '2001:db8:1::fe', { family: 'ipv6', protocol: 58, port: 0 }, 'GATEWAY', /answers for/],
  ['web', '10.2.0.9', {}, 'NOBODY_THERE', /10.2.0.9 is of network back/],
  ['10.2.0.9', 'web', {}, 'NOBODY_THERE', /10.2.0.9 is of network back/],
  ['web', '2001:db8:1::9', { family: 'ipv6' }, 'NOBODY_THERE', /network front/],
  ['web', '198.51.100.1', {}, 'HOST', /by the container's host/],
  ['web', '2001:db8:9::1', { family: 'ipv6' }, 'NO_EXIT', /leads nowhere outside, for what leads outside is for IPv4/],
  [
    '198.51.100.1',
    'web',
    {},
    'NO_ENTRY',
    /nothing from outside enters network front but by published ports, and there are none/,
  ],
  ['wire', '198.51.100.1', {}, 'WIRE', /gateway 10.4.0.254/],
  ['wire', '10.4.0.77', {}, 'WIRE', /on VLAN 10, on a machine/],
  ['wire3', '198.51.100.1', {}, 'NO_GATEWAY', /wire3/],
  ['198.51.100.1', 'wire', {}, 'WIRE', /VLAN 10 of network wire/],
  ['198.51.100.1', '198.51.100.2', {}, 'NOT_OURS', /neither end/],
]

test('the way, or why there is none', () => {
  const cluster = state()
  for (const [source, destination, more, code, text] of ways) {
    const { way, verdict } = ask(cluster, source, destination, more)
    const where = `${source} to ${destination}`
    assert.equal(way.code, code, where)
    assert.match(way.text, text, where)
    assert.equal(verdict, way.leads === 'no' ? 'no way' : 'allowed', where)
  }
})

test('bridging keeps networks apart', () => {
  const bridged = state([], { global: { fwdMode: 'bridge' } })
  assert.equal(ask(bridged, 'web', 'db').way.code, 'NOT_ROUTED')
  assert.equal(ask(bridged, 'web', 'web2').way.code, 'SAME_NETWORK')
})

test('an endpoint of an intent waits for its container', () => {
  const cluster = state()
  const web2 = { ...cluster.endpoints.get('web2')!, origin: 'intent' as const, containerId: '' }
  const waiting = { ...cluster, endpoints: new Map(cluster.endpoints).set('web2', web2) }
  assert.equal(ask(waiting, 'web', 'web2').way.code, 'NOT_ATTACHED')
})

test('the rule that decides is named with its host and flow, and the rules it comes before', () => {
  const cluster = state([
    { protocol: 'tcp' },
    { protocol: 'tcp', port: 80, action: 'allow', priority: 10, fromEndpointGroup: 'db' },
    { action: 'allow', priority: 1 },
  ])
  const denied = ask(cluster, 'web2', 'web')
  assert.equal(denied.verdict, 'denied')
  assert.equal(denied.sender?.decidedBy, 'unjudged')
  const { receiver } = denied
  assert.deepEqual(receiver?.hosts, ['n1'])
  assert.deepEqual(receiver?.rule?.key, 'red:p:r0')
  assert.match(receiver?.text ?? '', /^rule r0 of policy p denies it \(priority 1\): deny tcp from anybody$/)
  assert.deepEqual(
    receiver?.overruled.map(({ key, text }) => [key, text]),
    [['red:p:r2', 'allow everything from anybody']],
  )
  assert.equal(receiver?.flow?.text.startsWith('Ingress 309: Receiver=1 '), true)
  const allowed = ask(cluster, 'db', 'web')
  assert.equal(allowed.verdict, 'allowed')
  assert.equal(allowed.receiver?.rule?.text, 'allow tcp port 80 from group db')
  assert.match(
    allowed.receiver?.flow?.text ?? '',
    /Ingress 380: SourceGroup=2 Receiver=1 .*tcp_dst=80 -> decided by rule \w+, goto Commit/,
  )
  assert.match(allowed.receiver?.flow?.cookie ?? '', /^0x6e7008[0-9a-f]{10}$/)
})

test('where no rule applies the default is named, and outside groups nobody judges', () => {
  const cluster = state([{ protocol: 'udp' }])
  const { sender, receiver } = ask(cluster, 'db', 'web')
  assert.equal(sender?.text, 'group db has no policy')
  assert.equal(receiver?.decidedBy, 'default')
  assert.equal(receiver?.text, 'no incoming rule of group web applies, which allows it')
  assert.equal(receiver?.flow?.text, 'Ingress 0: any -> goto Commit')
  assert.match(ask(cluster, 'web2', 'web').sender?.text ?? '', /in no group/)
})

test('groups are asked about before they have members: on no host, with exceptions where rules name addresses', () => {
  const cluster = state([
    { direction: 'out', protocol: 'tcp', priority: 1, toEndpointGroup: 'db' },
    { direction: 'out', action: 'allow', priority: 2, toIpAddress: '10.2.0.16/28' },
  ])
  const { verdict, sender, exceptions } = ask(cluster, 'web', 'group:db')
  assert.equal(verdict, 'denied')
  assert.equal(sender?.rule?.key, 'red:p:r0')
  assert.deepEqual(exceptions, [
    { source: '10.1.0.1', destination: '10.2.0.16', verdict: 'allowed', text: 'rule red:p:r1 decides' },
  ])
  const nowhere = ask(state([{}]), 'lone', 'group:none')
  assert.equal(nowhere.verdict, 'denied')
  assert.deepEqual(nowhere.receiver?.hosts, [])
  assert.equal(nowhere.receiver?.flow, undefined)
})

test('who cannot be told is denied where rules name groups', () => {
  const wired = {
    groups: [{ key: 'red:web', network: 'wire', policies: ['p'] }, ...(intent.groups ?? []).slice(1)],
    endpoints: [{ id: 'wired', network: 'red:wire', group: 'web', node: 'n1', ipv4: '10.4.0.2' }],
  }
  const rule = { action: 'allow', fromEndpointGroup: 'db' } as const
  const { verdict, receiver } = ask(state([rule], wired), '10.4.0.77', 'wired')
  assert.deepEqual([verdict, receiver?.decidedBy], ['denied', 'stranger'])
  assert.match(
    receiver?.text ?? '',
    /incoming rules of group web name groups, and 10.4.0.77 is an address of containers/,
  )
  assert.equal(receiver?.flow?.text, 'Ingress 2000: SourceGroup=65535 Receiver=1 -> goto IngressDenied')
  assert.equal(ask(state([rule], wired), '198.51.100.1', 'wired').verdict, 'allowed')
  const outgoing = ask(
    state([{ ...rule, direction: 'out', fromEndpointGroup: '', toEndpointGroup: 'db' }], wired),
    'wired',
    '10.4.0.77',
  )
  assert.equal(outgoing.sender?.flow?.text, 'Egress 2000: SourceGroup=1 DestinationGroup=65535 -> goto EgressDenied')
})

test('nothing is judged at a gateway and within a container', () => {
  const cluster = state([{ direction: 'out' }])
  const gateway = ask(cluster, 'web', '10.1.0.254', { protocol: 1, port: 0 })
  assert.deepEqual([gateway.verdict, gateway.sender], ['allowed', undefined])
  assert.deepEqual([ask(cluster, 'web', 'web').verdict, ask(cluster, 'web', 'web').sender], ['allowed', undefined])
})
