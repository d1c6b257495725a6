// What an object costs in flows (docs/pipeline.md, "Cost"): a feature that makes every object dearer shows here.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { KnownMembers } from '../../src/core/compile/node-multicast.ts'
import { costs } from '../../src/core/pipeline/costs.ts'
import { World } from '../../src/core/pipeline/simulate/world.ts'
import { clusterState, type Intent } from '../support/cluster.ts'
import { numberedHosts } from './arbitrary-cluster.ts'

const plain: Intent = {
  tenants: ['red', 'blue'],
  networks: [
    { key: 'red:one', encap: { kind: 'vxlan', vni: 1 }, subnet: '10.1.0.0/16', gateway: '10.1.255.254' },
    {
      key: 'red:dual',
      encap: { kind: 'vxlan', vni: 2 },
      subnet: '10.2.0.0/16',
      gateway: '10.2.255.254',
      ipv6Subnet: '2001:db8::/64',
      ipv6Gateway: '2001:db8::fe',
    },
    { key: 'blue:one', encap: { kind: 'vxlan', vni: 3 }, subnet: '10.1.0.0/16', gateway: '10.1.255.254' },
  ],
  endpoints: [
    { id: 'here', network: 'red:one', node: 'node1', ipv4: '10.1.0.1' },
    { id: 'there', network: 'red:one', node: 'node2', ipv4: '10.1.0.2' },
    { id: 'here6', network: 'red:dual', node: 'node1', ipv4: '10.2.0.1', ipv6: '2001:db8::1' },
    { id: 'there6', network: 'red:dual', node: 'node2', ipv4: '10.2.0.2', ipv6: '2001:db8::2' },
    { id: 'other', network: 'blue:one', node: 'node2', ipv4: '10.1.0.1' },
  ],
  nodes: [
    { node: 'node1', vtep: '192.0.2.1' },
    { node: 'node2', vtep: '192.0.2.2' },
    { node: 'node3', vtep: '192.0.2.3' },
  ],
}

/** Without what is for the way out. */
function counts(intent: Intent, node: string): Readonly<Record<string, number>> {
  return Object.fromEntries(Object.entries(allCounts(intent, node)).filter(([owner]) => !isOutside(owner)))
}

function isOutside(owner: string): boolean {
  return owner.startsWith('outside') || owner.endsWith(' outside')
}

function allCounts(intent: Intent, node: string): Readonly<Record<string, number>> {
  const state = clusterState(intent)
  const { flows } = new World({ state, hosts: numberedHosts(state) }).host(node)
  const counted: Record<string, number> = {}
  for (const [part, set] of flows) {
    // An owner of many flows has them in several parts.
    const owner = part.replace(/ \/\d+$/, '')
    counted[owner] = (counted[owner] ?? 0) + set.length
  }
  return counted
}

test('routed: what endpoints, networks and peers cost', () => {
  assert.deepEqual(counts(plain, 'node1'), {
    base: costs.base.flows,
    names: costs.names.flows,
    'peer 192.0.2.2': costs.peer.flows,
    'peer 192.0.2.3': costs.peer.flows,
    'network red:one': costs.routedNetwork.flows,
    'network red:dual': costs.routedNetworkDual.flows,
    'endpoint here': costs.localEndpoint.flows,
    'endpoint here6': costs.localEndpointDual.flows,
    'endpoint there': costs.remoteEndpoint.flows,
    'endpoint there6': costs.remoteEndpointDual.flows,
  })
})

test('a node without containers has no flows for those of others', () => {
  assert.deepEqual(counts(plain, 'node3'), {
    base: costs.base.flows,
    names: costs.names.flows,
    'peer 192.0.2.1': costs.peer.flows,
    'peer 192.0.2.2': costs.peer.flows,
  })
})

test('bridged: broadcast costs a network two flows, however many members it has', () => {
  const members = Array.from({ length: 20 }, (_, index) => ({
    id: `more${index}`,
    network: 'red:one',
    node: index % 2 === 0 ? 'node1' : 'node3',
    ipv4: `10.1.1.${index + 1}`,
  }))
  const few = counts({ ...plain, global: { fwdMode: 'bridge' } }, 'node1')
  const many = { ...plain, global: { fwdMode: 'bridge' as const }, endpoints: [...plain.endpoints, ...members] }
  assert.equal(few['network red:one'], costs.bridgedNetwork.flows)
  assert.equal(counts(many, 'node1')['network red:one'], costs.bridgedNetwork.flows)
})

test('multicast costs a network some flows, and each group with members one or two', () => {
  const group = '239.1.1.1'
  const counted = (members: KnownMembers | undefined) => {
    const state = clusterState({ ...plain, global: { fwdMode: 'bridge' } })
    const hosts = numberedHosts(state).map((host) => ({ ...host, ...(members === undefined ? {} : { members }) }))
    const { flows } = new World({ state, hosts }).host('node1')
    const byOwner = new Map(flows)
    return (owner: string) => byOwner.get(`multicast ${owner}`)?.length
  }
  const unknown = counted(undefined)
  assert.equal(unknown('red:one'), costs.snoopedNetwork.flows)
  assert.equal(unknown('red:dual'), costs.snoopedNetworkDual.flows)
  const here = (id: string) => ({ everything: new Set<string>(), groups: new Map([[group, new Set([id])]]) })
  const told = (...groups: string[]) => new Map([['node2', { everything: false, groups }]])
  const known = counted({
    here: new Map([
      ['red:one', here('here')],
      ['red:dual', here('here6')],
    ]),
    elsewhere: new Map([
      ['red:one', told()],
      ['red:dual', told(group)],
    ]),
  })
  // One less than on a VLAN, or with a host that has told nothing.
  assert.deepEqual([known('red:one'), known('red:dual')], [5, 15])
  assert.deepEqual(
    [known(`red:one ${group}`), known(`red:dual ${group}`)],
    [costs.multicastGroup.flows, costs.multicastGroup.flows + 1],
  )
})

test('a bandwidth costs a local endpoint one flow, a mark none, and either costs others nothing', () => {
  const withProfiles: Intent = {
    ...plain,
    netprofiles: [
      { key: 'red:slow', bandwidth: '1 Mbps' },
      { key: 'red:marked', dscp: 46 },
    ],
    groups: [
      { key: 'red:limited', network: 'one', netProfile: 'slow' },
      { key: 'red:marked', network: 'dual', netProfile: 'marked' },
    ],
    endpoints: plain.endpoints.map((endpoint) => ({
      ...endpoint,
      ...(endpoint.network === 'red:one' ? { group: 'limited' } : {}),
      ...(endpoint.network === 'red:dual' ? { group: 'marked' } : {}),
    })),
  }
  assert.deepEqual(counts(withProfiles, 'node1'), {
    ...counts(plain, 'node1'),
    'endpoint here': costs.localEndpoint.flows + costs.limitedEndpoint.flows,
  })
})

test('policy costs nothing where no member is, and rules their sum elsewhere', () => {
  const guarded: Intent = {
    ...plain,
    groups: [
      { key: 'red:web', network: 'one', policies: ['p'] },
      { key: 'red:db', network: 'one' },
    ],
    rules: [{ policy: 'red:p', id: 'a', direction: 'in', action: 'deny', protocol: 'tcp', fromEndpointGroup: 'db' }],
    endpoints: [
      { id: 'here', network: 'red:one', group: 'web', node: 'node1', ipv4: '10.1.0.1' },
      { id: 'there', network: 'red:one', group: 'db', node: 'node2', ipv4: '10.1.0.2' },
    ],
  }
  const policy = (node: string) =>
    Object.fromEntries(Object.entries(counts(guarded, node)).filter(([owner]) => owner.startsWith('policy')))
  assert.deepEqual(policy('node1'), {
    policy: costs.policy.flows,
    'policy group 1': costs.policyGroup.flows,
    'policy in 1 deny': 1,
    'policy strangers': costs.strangers.flows,
    'policy wary group 1': costs.waryGroup.flows,
    'policy member there': costs.groupMember.flows,
  })
  assert.deepEqual(policy('node2'), {})
})

test('services cost nothing where nobody reaches them, and a few flows for each port and provider elsewhere', () => {
  const served: Intent = {
    ...plain,
    services: [
      {
        key: 'red:web',
        network: 'one',
        address: '10.1.0.100',
        selectors: ['tier=web'],
        ports: ['80:8080:tcp', '81:8080:tcp'],
      },
    ],
    endpoints: plain.endpoints.map((endpoint) =>
      endpoint.id === 'there' || endpoint.id === 'here6' ? { ...endpoint, labels: { tier: 'web' } } : endpoint,
    ),
  }
  const services = (node: string) =>
    Object.fromEntries(Object.entries(counts(served, node)).filter(([owner]) => /^(service|provider)/.test(owner)))
  assert.deepEqual(services('node1'), {
    // Of its two providers one is here, and may be its own client.
    'service red:web': costs.service.flows + 2 * costs.servicePort.flows + 2 * costs.serviceProvider.flows + 1,
    'provider 1 1 10.1.0.2': costs.answeringProvider.flows,
    'provider 1 1 10.2.0.1': costs.answeringProvider.flows,
    'provider 1 1 10.2.0.1 here': 1,
  })
  assert.deepEqual(services('node3'), {})
})

test('a way out costs a few flows for each network and endpoint that has it', () => {
  const outside = (intent: Intent, node: string) =>
    Object.fromEntries(Object.entries(allCounts(intent, node)).filter(([owner]) => isOutside(owner)))
  const port = (hostPort: number) => ({ protocol: 'tcp', hostAddress: '', hostPort, port: hostPort }) as const
  const published: Intent = {
    ...plain,
    endpoints: plain.endpoints.map((endpoint) =>
      endpoint.id === 'here' ? { ...endpoint, published: [port(80), port(81)] } : endpoint,
    ),
  }
  assert.deepEqual(outside(published, 'node1'), {
    outside: costs.outside.flows,
    'outside of tenant 1': 2 * costs.outsideTenant.flows,
    'outside of network red:one': costs.outsideNetwork.flows,
    'outside of network red:dual': costs.outsideNetwork.flows,
    'endpoint here outside': costs.outsideEndpoint.flows + 2,
    'endpoint here6 outside': costs.outsideEndpoint.flows,
  })
  assert.deepEqual(outside(plain, 'node3'), { outside: costs.outside.flows })
  const shut: Intent = { ...plain, networks: plain.networks.map((network) => ({ ...network, nat: 'off' })) }
  assert.deepEqual(outside(shut, 'node1'), {})
})
