// Random small clusters: a few nodes, tenants whose networks use the same addresses, endpoints here and there.

import fc from 'fast-check'
import { portNames } from '../../src/core/compile/compile-node.ts'
import type { SwitchFacts } from '../../src/core/pipeline/facts.ts'
import type { WorldHost } from '../../src/core/pipeline/simulate/world.ts'
import type { ClusterState } from '../../src/model/state.ts'
import { clusterState, type EndpointIntent, type Intent, type NetworkIntent } from '../support/cluster.ts'

interface NetworkChoice {
  readonly tenant: number
  readonly isVlan: boolean
  readonly hasGateway: boolean
  readonly hasIpv6: boolean
}

interface EndpointChoice {
  readonly network: number
  readonly node: number
}

const networkChoice: fc.Arbitrary<NetworkChoice> = fc.record({
  tenant: fc.nat({ max: 2 }),
  isVlan: fc.boolean(),
  hasGateway: fc.boolean(),
  hasIpv6: fc.boolean(),
})

const endpointChoice: fc.Arbitrary<EndpointChoice> = fc.record({ network: fc.nat(), node: fc.nat() })

/** Every id, VLAN, VNI and address within a tenant is used once, as netmaster allocates them. */
export const cluster: fc.Arbitrary<ClusterState> = fc
  .record({
    nodes: fc.integer({ min: 1, max: 3 }),
    fwdMode: fc.constantFrom('bridge' as const, 'routing' as const),
    arpMode: fc.constantFrom('proxy' as const, 'flood' as const),
    networks: fc.array(networkChoice, { minLength: 1, maxLength: 5 }),
    endpoints: fc.array(endpointChoice, { maxLength: 8 }),
  })
  .map(({ nodes, fwdMode, arpMode, networks, endpoints }) => {
    const intents = networkIntents(networks)
    const intent: Intent = {
      global: { fwdMode, arpMode },
      tenants: ['red', 'green', 'blue'],
      networks: intents,
      endpoints: endpointIntents(endpoints, intents, nodes),
      nodes: Array.from({ length: nodes }, (_, index) => ({ node: `node${index + 1}`, vtep: `192.0.2.${index + 1}` })),
    }
    return clusterState(intent)
  })

/** The first network of each tenant has the same subnet as those of the others, and so on. */
function networkIntents(choices: readonly NetworkChoice[]): NetworkIntent[] {
  const counts = new Map<number, number>()
  return choices.map(({ tenant, isVlan, hasGateway, hasIpv6 }, index) => {
    const number = (counts.get(tenant) ?? 0) + 1
    counts.set(tenant, number)
    const name = ['red', 'green', 'blue'][tenant] ?? ''
    return {
      key: `${name}:net${number}`,
      encap: isVlan ? { kind: 'vlan', vlan: 100 + index } : { kind: 'vxlan', vni: 1000 + index },
      subnet: `10.${number}.0.0/24`,
      ...(hasGateway ? { gateway: `10.${number}.0.254` } : {}),
      ...(hasIpv6 ? { ipv6Subnet: `2001:db8:${number}::/64` } : {}),
      ...(hasIpv6 && hasGateway ? { ipv6Gateway: `2001:db8:${number}::fe` } : {}),
    }
  })
}

function endpointIntents(
  choices: readonly EndpointChoice[],
  networks: readonly NetworkIntent[],
  nodes: number,
): EndpointIntent[] {
  const counts = new Map<string, number>()
  return choices.map(({ network, node }, index) => {
    const { key, subnet, ipv6Subnet } = networks[network % networks.length] ?? { key: '', subnet: '' }
    const number = (counts.get(key) ?? 0) + 1
    counts.set(key, number)
    return {
      id: `ep${index}`,
      network: key,
      node: `node${(node % nodes) + 1}`,
      ipv4: subnet.replace('0/24', String(number)),
      ...(ipv6Subnet === undefined ? {} : { ipv6: ipv6Subnet.replace('/64', String(number)) }),
    }
  })
}

/** Every endpoint has a port on its node, numbered in order; tunnel, host port and uplink are there. */
export function numberedHosts(state: ClusterState): WorldHost[] {
  return [...state.nodes.keys()].map((node) => {
    const ports: Record<string, number> = { 'np-vxlan': 1, 'np-host': 2, 'np-to-uplink': 3, 'np-outside': 4 }
    let next = 11
    for (const endpoint of state.endpoints.values()) if (endpoint.node === node) ports[endpoint.endpointId] = next++
    return { node, ports, nameservers: ['10.1.0.1', '10.1.0.254', '198.51.100.53'] }
  })
}

/** The same, as one node's renderer takes it. */
export function numberedFacts(state: ClusterState, node: string): SwitchFacts {
  const { ports = {}, nameservers = [] } = numberedHosts(state).find((host) => host.node === node) ?? {}
  const name = (port: string) => (state.endpoints.has(port) ? portNames(port).portName : port)
  return { ofPorts: new Map(Object.entries(ports).map(([port, number]) => [name(port), number])), nameservers }
}
