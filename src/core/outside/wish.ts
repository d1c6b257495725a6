// The firewall that a node needs, from what the cluster is and what the host has.

import type { ClusterState } from '../../model/state.ts'
import type { LinkInfo } from '../../protocols/netlink/index.ts'
import type { NodeNetwork } from '../compile/node-network.ts'
import { portNames } from '../pipeline/facts.ts'
import { leadsOut, outsideAddress } from '../pipeline/features/outside.ts'
import type { Firewall } from './firewall.ts'

interface Inputs {
  readonly state: ClusterState
  readonly ofPorts: ReadonlyMap<string, number>
  readonly links: ReadonlyMap<string, LinkInfo>
  readonly subnet: string
  /** IPv4 addresses and port. */
  readonly netmasters: Firewall['netmasters']
}

/** Loopback, link-local (with it the metadata of clouds), multicast and what is above. */
const neverOutside = ['127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/3']

/** Bridges that Docker makes for its own networks. */
const dockerBridge = /^(docker0|docker_gwbridge|br-[0-9a-f]{12})$/

/** undefined where nothing leads out. */
export function firewallFor(network: NodeNetwork, inputs: Inputs): Firewall | undefined {
  const { state, ofPorts, links, subnet, netmasters } = inputs
  if (network.outside === undefined || !ofPorts.has(portNames.outside)) return undefined
  const own = [...network.local.values()]
  const bridges = [...links.values()].filter(({ name, kind }) => kind === 'bridge' && dockerBridge.test(name))
  const infra = own.filter(({ isHost }) => isHost === true).map(({ portName }) => portName)
  const addressesOf = new Map(
    [...state.nodes.values()].map(({ node, vtep, controlAddress }) => [
      node,
      [vtep, controlAddress].filter((address) => address !== ''),
    ]),
  )
  const elsewhere: Firewall['elsewhere'][number][] = []
  for (const { node, published = [] } of state.endpoints.values()) {
    if (node === network.node) continue
    for (const { protocol, hostAddress, hostPort: port } of published) {
      const addresses = hostAddress === '' ? (addressesOf.get(node) ?? []) : [hostAddress]
      for (const address of addresses) elsewhere.push({ address, protocol, port })
    }
  }
  const published = own.filter(leadsOut).flatMap((endpoint) => {
    const port = ofPorts.get(endpoint.portName)
    if (port === undefined) return []
    const to = outsideAddress(subnet, port)
    return (endpoint.published ?? []).map(({ protocol, hostAddress: address, hostPort, port: toPort }) => ({
      address,
      protocol,
      port: hostPort,
      to,
      toPort,
    }))
  })
  return {
    subnet,
    privateLinks: [portNames.host, ...infra, ...bridges.map(({ name }) => name)],
    privatePrefixes: [...neverOutside, network.pvtSubnet],
    hosts: [...addressesOf.values()].flat(),
    netmasters,
    elsewhere,
    published,
  }
}
