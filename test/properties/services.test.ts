// Random services: who gets a connection is one of those whom labels, networks and policies allow, each time the same for one
// connection, and what is said back comes from the service.

import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { routerMac } from '../../src/core/pipeline/facts.ts'
import { desiredGroups } from '../../src/core/pipeline/features/service-groups.ts'
import { type End, type SimPacket, tcp, udp } from '../../src/core/pipeline/simulate/packet.ts'
import { World } from '../../src/core/pipeline/simulate/world.ts'
import { planGroups } from '../../src/core/plan/groups.ts'
import { evaluatePolicy } from '../../src/core/policy/evaluate.ts'
import { macOfIpv4 } from '../../src/lib/address.ts'
import { parseServicePort, type ServicePort } from '../../src/model/service-lb.ts'
import type { ClusterState, EndpointRecord, NetworkRecord, ServiceRecord } from '../../src/model/state.ts'
import { canonicalGroupText, flowIdentity } from '../../src/protocols/openflow/index.ts'
import { serviceRecord } from '../support/cluster.ts'
import { numberedHosts } from './arbitrary-cluster.ts'
import { clusterWithPolicies } from './arbitrary-policy.ts'

interface Choice {
  readonly labels: readonly number[]
  readonly services: readonly {
    readonly network: number
    readonly selectors: readonly string[]
    readonly ports: readonly string[]
    readonly affinity: boolean
  }[]
}

const labelSets = [{}, { tier: 'web' }, { tier: 'web', zone: '1' }, { tier: 'db', zone: '1' }]

const choice: fc.Arbitrary<Choice> = fc.record({
  labels: fc.array(fc.nat({ max: 3 }), { minLength: 8, maxLength: 8 }),
  services: fc.array(
    fc.record({
      network: fc.nat(),
      selectors: fc.constantFrom(['tier=web'], ['tier=web', 'zone=1'], ['zone=1'], ['tier=none']),
      ports: fc.constantFrom(['80:80:tcp'], ['80:8080:tcp', '53:5353:udp'], ['443:443:tcp', '80:443:tcp', '80:80:udp']),
      affinity: fc.boolean(),
    }),
    { minLength: 1, maxLength: 3 },
  ),
})

const clusterWithServices = fc.tuple(clusterWithPolicies, choice).map(([state, { labels, services }]): ClusterState => {
  const endpoints = [...state.endpoints].map(
    ([id, record], index) => [id, { ...record, labels: labelSets[labels[index] ?? 0] ?? {} }] as const,
  )
  const networks = [...state.networks]
  const records = services.map(({ network, selectors, ports, affinity }, index) => {
    const [key = '', { networkName, subnet }] = networks[network % networks.length] ?? assert.fail('no network')
    const [tenantName = ''] = key.split(':')
    const address = subnet.replace('0/24', String(100 + index))
    const sticky = affinity ? { affinity: 'client' as const } : {}
    return serviceRecord({ key: `${tenantName}:s${index}`, network: networkName, address, selectors, ports, ...sticky })
  })
  const service = new Map(records.map((record) => [`${record.tenantName}:${record.serviceName}`, record]))
  return { ...state, endpoints: new Map(endpoints), objects: { ...state.objects, service } }
})

const networkOf = (state: ClusterState, { tenantName, networkName }: EndpointRecord | ServiceRecord) =>
  state.networks.get(`${tenantName}:${networkName}`) ?? assert.fail('no network')

function isRouted(state: ClusterState, network: NetworkRecord): boolean {
  return network.encap.kind === 'vxlan' && state.global.fwdMode === 'routing'
}

function reaches(state: ClusterState, record: EndpointRecord, service: ServiceRecord): boolean {
  const [a, b] = [networkOf(state, record), networkOf(state, service)]
  return record.tenantName === service.tenantName && (a === b || (isRouted(state, a) && isRouted(state, b)))
}

/** Said without looking at how hosts do it. */
function providersOf(state: ClusterState, service: ServiceRecord): EndpointRecord[] {
  return [...state.endpoints.values()].filter(
    (record) =>
      reaches(state, record, service) &&
      service.selectors.every((text) => record.labels[text.split('=')[0] ?? ''] === text.split('=')[1]),
  )
}

const seen = { served: 0, denied: 0, refused: 0, own: 0, spread: 0 }

function checkService(world: World, service: ServiceRecord): void {
  const { state } = world
  const network = networkOf(state, service)
  const shown = isRouted(state, network) ? routerMac : (macOfIpv4(service.vip) ?? '')
  const providers = providersOf(state, service)
  for (const client of state.endpoints.values()) {
    if (!reaches(state, client, service)) continue
    const from = { mac: client.mac, ip: client.ipv4 }
    const to = { mac: shown, ip: service.vip }
    for (const [index, text] of service.ports.entries()) {
      const port = parseServicePort(text) ?? assert.fail(text)
      const served = new Set<string>()
      // Where two ports lead to one of the provider's, connection tracking tells connections apart by other source ports.
      for (const source of [0, 1, 2, 3].map((number) => 30_000 + 10 * index + number)) {
        const first = opening(port.protocol, from, to, source, port.servicePort)
        const journey = world.send(client.endpointId, first)
        const [delivery, ...more] = journey.deliveries
        const why = () => `${client.endpointId} to ${service.serviceName} ${text}\n${journey.trace.join('\n')}`
        if (providers.length === 0) {
          assert.deepEqual([delivery?.to, more.length], [`agent ${client.node}`, 0], why())
          seen.refused++
          continue
        }
        const allowed = providers.filter((provider) => isAllowed(state, client, provider, port))
        if (delivery === undefined) {
          assert.ok(allowed.length < providers.length, `nobody got it: ${why()}`)
          seen.denied++
          continue
        }
        const provider = allowed.find(({ endpointId }) => endpointId === delivery.to)
        assert.ok(provider !== undefined && more.length === 0, `went to ${delivery.to}: ${why()}`)
        served.add(provider.endpointId)
        checkConnection(world, { service, port, client, provider, first, source }, delivery.packet)
      }
      if (service.affinity === 'client') assert.ok(served.size <= 1, 'a client that sticks goes to one')
      else if (served.size > 1) seen.spread++
    }
  }
}

function checkConnection(
  world: World,
  about: {
    readonly service: ServiceRecord
    readonly port: ServicePort
    readonly client: EndpointRecord
    readonly provider: EndpointRecord
    readonly first: SimPacket
    readonly source: number
  },
  arrived: SimPacket,
): void {
  const { service, port, client, provider, first, source } = about
  const isOwn = client === provider
  const from = isOwn ? service.vip : client.ipv4
  assert.deepEqual([arrived.ipv4_src, arrived.ipv4_dst, arrived.eth_dst], [from, provider.ipv4, provider.mac])
  assert.equal(arrived[`${port.protocol}_dst`], port.providerPort)
  assert.equal(arrived[`${port.protocol}_src`], source)
  const isMine = isRouted(world.state, networkOf(world.state, client))
  const mac = isMine ? routerMac : isOwn ? (macOfIpv4(service.vip) ?? '') : client.mac
  const [self, other] = [
    { mac: provider.mac, ip: provider.ipv4 },
    { mac, ip: from },
  ]
  const answer = world.send(provider.endpointId, answerTo(port, self, other, source))
  const [back] = answer.deliveries
  assert.equal(back?.to, client.endpointId, answer.trace.join('\n'))
  assert.deepEqual([back?.packet.ipv4_src, back?.packet[`${port.protocol}_src`]], [service.vip, port.servicePort])
  assert.deepEqual([back?.packet.ipv4_dst, back?.packet[`${port.protocol}_dst`]], [client.ipv4, source])
  const next = world.send(client.endpointId, first)
  assert.deepEqual(
    next.deliveries.map(({ to }) => to),
    [provider.endpointId],
    next.trace.join('\n'),
  )
  seen.served++
  if (isOwn) seen.own++
}

function opening(protocol: 'tcp' | 'udp', from: End, to: End, source: number, destination: number): SimPacket {
  return protocol === 'tcp' ? tcp(from, to, { source, destination }) : udp(from, to, { source, destination })
}

function answerTo({ protocol, providerPort }: ServicePort, from: End, to: End, destination: number): SimPacket {
  const ports = { source: providerPort, destination }
  return protocol === 'tcp' ? tcp(from, to, { ...ports, flags: 0x12 }) : udp(from, to, ports)
}

/** Policy judges what is translated: the client's address, the provider's address and port. */
function isAllowed(state: ClusterState, from: EndpointRecord, to: EndpointRecord, port: ServicePort): boolean {
  const protocol = port.protocol === 'tcp' ? 6 : 17
  const asked = { source: from.ipv4, destination: to.ipv4, protocol, port: port.providerPort }
  return evaluatePolicy(state, { tenantName: from.tenantName, ...asked }).allowed
}

test('connections to services go to providers, and to nobody else', (t) => {
  fc.assert(
    fc.property(clusterWithServices, (state) => {
      for (const service of state.objects.service.values()) {
        checkService(new World({ state, hosts: numberedHosts(state) }), service)
      }
    }),
    { numRuns: 500 },
  )
  t.diagnostic(JSON.stringify(seen))
  for (const [what, times] of Object.entries(seen)) assert.ok(times > 20, `${what} only ${times} times`)
})

test('no two flows of a node have the same table, priority and match, and a second plan of groups is empty', () => {
  fc.assert(
    fc.property(clusterWithServices, clusterWithServices, (state, other) => {
      const world = new World({ state, hosts: numberedHosts(state) })
      const before = new World({ state: other, hosts: numberedHosts(other) })
      for (const node of world.nodes) {
        const { flows, network } = world.host(node)
        const identities = [...flows.values()].flat().map(flowIdentity)
        assert.equal(new Set(identities).size, identities.length)
        const desired = desiredGroups(network.services)
        const held = new Map(before.nodes.includes(node) ? desiredGroups(before.host(node).network.services) : [])
        const plan = planGroups(desired, held.values(), { remove: true })
        for (const change of [...plan.before, ...plan.after]) {
          if (change.op === 'delete-group') held.delete(change.id)
          else if ('group' in change) held.set(change.group.id, change.group)
        }
        const texts = (groups: ReadonlyMap<number, Parameters<typeof canonicalGroupText>[0]>) =>
          [...groups.values()].map(canonicalGroupText).sort()
        assert.deepEqual(texts(held), texts(desired))
        assert.deepEqual(planGroups(desired, held.values(), { remove: true }), { before: [], after: [] })
      }
    }),
    { numRuns: 200 },
  )
})
