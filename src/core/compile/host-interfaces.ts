// The host's own interfaces: one in each infra network of which it has an endpoint, and by `contivh1` the way to the other
// routed networks of that tenant. What the host has itself comes first: where a network would take addresses away from it,
// the host stays out of that network and says why. Pure.

import { coveringPrefix, overlappingPrefixes, parseIpv4Prefix, parseIpv6Prefix } from '../../lib/address.ts'
import { hostAccessNetwork } from '../../model/host-endpoint.ts'
import type { ClusterState } from '../../model/state.ts'
import type { DesiredHostPort, DesiredRoute, HostFacts } from '../plan/host.ts'
import { internalPort } from '../plan/host.ts'
import type { LocalEndpoint, NodeNetwork } from './node-network.ts'
import { type NodeSettings, networkMtu } from './node-ports.ts'

interface Inputs {
  readonly state: ClusterState
  readonly settings: NodeSettings
  readonly facts: HostFacts
  /** Ports that are ours already. */
  readonly ofPorts: ReadonlyMap<string, number>
}

export interface HostInterfaces {
  readonly ports: readonly DesiredHostPort[]
  /** Why the host cannot have an interface, by its name. */
  readonly refused: ReadonlyMap<string, string>
  /** Why networks cannot be reached by an interface that the host has, by destination. */
  readonly unreached: ReadonlyMap<string, string>
}

export function hostInterfaces(network: NodeNetwork, inputs: Inputs): HostInterfaces {
  const ports: DesiredHostPort[] = []
  const refused = new Map<string, string>()
  const unreached = new Map<string, string>()
  for (const endpoint of hostEndpoints(network)) {
    const reason = findConflict(endpoint, inputs)
    if (reason !== undefined) {
      refused.set(endpoint.portName, reason)
      continue
    }
    const { routes, missing } = routesBy(endpoint, inputs)
    ports.push(hostInterface(endpoint, routes, inputs.settings))
    for (const [destination, why] of missing) unreached.set(destination, why)
  }
  return { ports, refused, unreached }
}

/** What keeps the host out of networks: by interface or destination. `errors` are the switch's, by port. */
export function hostProblems(
  { ports, refused, unreached }: HostInterfaces,
  errors: ReadonlyMap<string, string>,
): ReadonlyMap<string, string> {
  const problems = new Map<string, string>()
  for (const [name, reason] of refused) problems.set(`interface ${name}`, reason)
  for (const { name } of ports) {
    const error = errors.get(name)
    if (error !== undefined) problems.set(`interface ${name}`, error)
  }
  for (const [destination, reason] of unreached) problems.set(`route to ${destination}`, reason)
  return problems
}

function hostEndpoints(network: NodeNetwork): LocalEndpoint[] {
  return [...network.local.values()].filter(({ isHost }) => isHost === true)
}

function hostInterface(
  { portName, mac, ipv4, ipv6, network }: LocalEndpoint,
  routes: readonly DesiredRoute[],
  settings: NodeSettings,
): DesiredHostPort {
  const within = (address: string, subnet: string) => `${address}/${subnet.slice(subnet.lastIndexOf('/') + 1)}`
  return {
    kind: 'internal',
    name: portName,
    mac,
    addresses: [within(ipv4, network.subnet), ...(ipv6 === '' ? [] : [within(ipv6, network.ipv6Subnet)])],
    mtu: networkMtu(network.encap.kind, settings),
    routes,
  }
}

function findConflict({ portName, network }: LocalEndpoint, inputs: Inputs): string | undefined {
  const { facts, ofPorts } = inputs
  const link = facts.links.get(portName)
  if (link !== undefined && !ofPorts.has(portName) && internalPort(portName, facts) === undefined) {
    return `this host has another interface called ${portName}; rename that, or give the network another name`
  }
  return takenAddresses([network.subnet, network.ipv6Subnet], portName, inputs)
}

/** Who has addresses of these subnets already, beside the interface of this name; undefined: nobody. */
function takenAddresses(
  subnets: readonly string[],
  portName: string,
  { state, facts }: Pick<Inputs, 'state' | 'facts'>,
): string | undefined {
  const own = facts.links.get(portName)?.index
  const nameOf = (index: number) =>
    [...facts.links.values()].find((link) => link.index === index)?.name ?? `link ${index}`
  for (const subnet of subnets) {
    for (const { index, cidr, scope } of facts.addresses) {
      if (index === own || scope === 'link' || !overlappingPrefixes(subnet, cidr)) continue
      return `subnet ${subnet} overlaps ${cidr} of interface ${nameOf(index)} of this host`
    }
    for (const { destination, deviceIndex, type } of facts.foreignRoutes?.() ?? []) {
      if (deviceIndex === own || type !== 'unicast' || !isWithin(destination, subnet)) continue
      return `this host has a route to ${destination}, in subnet ${subnet}, by interface ${nameOf(deviceIndex)}`
    }
    for (const { node, vtep, controlAddress } of state.nodes.values()) {
      const address = [vtep, controlAddress].find((text) => overlappingPrefixes(subnet, asPrefix(text)))
      if (address !== undefined) return `subnet ${subnet} holds ${address}, the address of host ${node}`
    }
  }
  return undefined
}

/** The prefix of one address. */
function asPrefix(address: string): string {
  return `${address}/${address.includes(':') ? 128 : 32}`
}

function isWithin(inner: string, outer: string): boolean {
  const lengthOf = (prefix: string) => (parseIpv4Prefix(prefix) ?? parseIpv6Prefix(prefix))?.length ?? 0
  return overlappingPrefixes(inner, outer) && lengthOf(inner) >= lengthOf(outer)
}

/** By `contivh1`, to the other networks of its tenant that are routed as it is. */
function routesBy(
  { network: own, ipv6, portName }: LocalEndpoint,
  { state, facts }: Inputs,
): { readonly routes: readonly DesiredRoute[]; readonly missing: ReadonlyMap<string, string> } {
  const routes = new Map<string, DesiredRoute>()
  const missing = new Map<string, string>()
  if (portName !== hostAccessNetwork || !own.routed) return { routes: [], missing }
  for (const [key, other] of state.networks) {
    // In infra networks, this one too, the host is itself.
    if (other.tenantName !== own.tenantName || other.nwType === 'infra' || other.encap.kind !== 'vxlan') continue
    const subnets = [
      { destination: coveringPrefix(other.subnet), via: own.gateway },
      ...(other.ipv6Subnet === '' || ipv6 === '' ? [] : [{ destination: other.ipv6Subnet, via: own.ipv6Gateway }]),
    ]
    for (const { destination, via } of subnets) {
      // Two networks may share a prefix, each with a range of it.
      if (destination === own.subnet) continue
      const taken =
        via === '' ? `network ${own.key} has no gateway` : takenAddresses([destination], portName, { state, facts })
      if (taken === undefined) routes.set(destination, { destination, via })
      else missing.set(destination, `${key} cannot be reached from this host: ${taken}`)
    }
  }
  return { routes: [...routes.values()], missing }
}
