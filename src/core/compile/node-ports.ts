// NodeNetwork + the node's own settings -> the bridges, ports and links it must have. Pure; what is absent here is
// removed by the planners.

import { isCniId } from '../../model/cni-endpoint.ts'
import { vxlanPort as defaultVxlanPort, hostMac, outsideMac, portNames } from '../pipeline/facts.ts'
import { resolverAddresses } from '../pipeline/features/names.ts'
import { outsideHostAddress } from '../pipeline/features/outside.ts'
import type { DesiredBridge, DesiredPort } from '../plan/database.ts'
import type { DesiredHostPort } from '../plan/host.ts'
import { cniReserveAlias, type DesiredVeth, ownAliasPrefix, reserveAlias } from '../plan/veths.ts'
import type { LocalEndpoint, NodeNetwork, PortNames } from './node-network.ts'

export interface NodeSettings {
  readonly datapathType: 'netdev' | 'system'
  /** NICs that carry VLANs; several form a bond; none = no VLAN networks here. */
  readonly uplinks: readonly string[]
  readonly vxlanPort: number
  /** Smallest MTU of the tunnel underlay, bytes; undefined where there is no tunnel end. */
  readonly underlayMtu: number | undefined
  /** Smallest MTU of the uplinks. */
  readonly uplinkMtu: number | undefined
  /** Addresses of endpoints on the way out, a /16. */
  readonly outsideSubnet: string
}

export const bridgeNames = { integration: 'np-int', uplink: 'np-uplink' } as const

/** Bytes that VXLAN over IPv4 adds: Ethernet 14, IPv4 20, UDP 8, VXLAN 8 (RFC 7348). */
export const vxlanOverhead = 50
const fallbackMtu = 1450

/** The MTU inside a network of this encapsulation. */
export function networkMtu(kind: 'vlan' | 'vxlan', settings: NodeSettings): number {
  if (kind === 'vlan') return settings.uplinkMtu ?? fallbackMtu
  return settings.underlayMtu === undefined ? fallbackMtu : settings.underlayMtu - vxlanOverhead
}

/** Ports made in advance. */
export interface ReservedPorts {
  /** Without an endpoint. */
  readonly waiting: readonly PortNames[]
  /** The same for endpoints of CNI. */
  readonly waitingForCni: readonly PortNames[]
  /** Names of ports with an endpoint whose mark shall still say that they wait. */
  readonly unmarked: ReadonlySet<string>
}

const noReserve: ReservedPorts = { waiting: [], waitingForCni: [], unmarked: new Set() }

const reserveMark = { 'netplugin-role': 'reserve' } as const

export function desiredBridges(
  network: NodeNetwork,
  settings: NodeSettings,
  reserve: ReservedPorts = noReserve,
): DesiredBridge[] {
  const ports = new Map<string, DesiredPort>()
  const add = (port: DesiredPort) => ports.set(port.name, port)
  add(hostPort(settings))
  if (network.outside !== undefined) add(outsidePort(settings))
  if (network.vtep !== '') add(tunnelPort(settings.vxlanPort))
  for (const endpoint of network.local.values()) {
    if (endpoint.isHost === true) {
      add(hostInterfacePort(endpoint, settings))
      continue
    }
    // Ports of CNI go round without a word to the database: the switch would stand still for each.
    const goesRound = isCniId(endpoint.endpointId) && endpoint.peerName !== ''
    const isUnmarked = goesRound || reserve.unmarked.has(endpoint.portName)
    const mark = isUnmarked ? reserveMark : { 'netplugin-endpoint': endpoint.endpointId }
    add(simplePort(endpoint.portName, '', {}, mark))
  }
  for (const { portName } of [...reserve.waiting, ...reserve.waitingForCni]) {
    add(simplePort(portName, '', {}, reserveMark))
  }
  if (settings.uplinks.length === 0) return [bridge(bridgeNames.integration, 'secure', settings, ports)]
  add(simplePort(portNames.uplink, 'patch', { peer: patchBack }, { 'netplugin-role': 'uplink' }))
  return [
    bridge(bridgeNames.integration, 'secure', settings, ports),
    bridge(bridgeNames.uplink, 'standalone', settings, uplinkPorts(settings.uplinks)),
  ]
}

export function desiredVeths(network: NodeNetwork, settings: NodeSettings): DesiredVeth[] {
  // A device of the host that is the port itself has no other end.
  const containers = [...network.local.values()].filter(
    ({ isHost, peerName }) => isHost === undefined && peerName !== '',
  )
  return containers.map((endpoint) => ({
    kind: 'veth',
    name: endpoint.portName,
    peer: endpoint.peerName,
    ...(isCniId(endpoint.endpointId) ? { isFar: true } : {}),
    mac: endpoint.mac,
    mtu: networkMtu(endpoint.network.encap.kind, settings),
    alias: vethAlias(endpoint),
    // The userspace datapath hands packets on as they are: a checksum left to hardware would never be made.
    txChecksum: settings.datapathType === 'system',
  }))
}

/** Of an endpoint yet to come: what is wrong for its network is put right when it takes the pair. */
export function reservedVeths(
  { waiting, waitingForCni }: Pick<ReservedPorts, 'waiting' | 'waitingForCni'>,
  settings: NodeSettings,
): DesiredVeth[] {
  const reserved = ({ portName, peerName }: PortNames) => ({
    kind: 'veth' as const,
    name: portName,
    peer: peerName,
    mac: '02:02:00:00:00:00',
    mtu: networkMtu(settings.underlayMtu === undefined ? 'vlan' : 'vxlan', settings),
    txChecksum: settings.datapathType === 'system',
  })
  return [
    ...waiting.map((names) => ({ ...reserved(names), alias: reserveAlias })),
    ...waitingForCni.map((names) => ({ ...reserved(names), alias: cniReserveAlias, isFar: true })),
  ]
}

/** Small enough for an answer to reach an endpoint of any network. */
function hostPortMtu(settings: NodeSettings): number {
  return Math.min(networkMtu('vxlan', settings), networkMtu('vlan', settings))
}

function resolverPort(network: NodeNetwork, settings: NodeSettings, hasIpv6: boolean): DesiredHostPort {
  const { ipv4, ipv6 } = resolverAddresses(network.pvtSubnet)
  return {
    kind: 'internal',
    name: portNames.host,
    mac: hostMac,
    addresses: [`${ipv4}/16`, ...(hasIpv6 ? [`${ipv6}/64`] : [])],
    mtu: hostPortMtu(settings),
    routes: [],
  }
}

/** The host's own ports: where names are answered, and the kernel's end of the way out. `hasIpv6`: whether the host can have IPv6 addresses. */
export function desiredHostPorts(network: NodeNetwork, settings: NodeSettings, hasIpv6: boolean): DesiredHostPort[] {
  const ports = [resolverPort(network, settings, hasIpv6)]
  return network.outside === undefined ? ports : [...ports, kernelsEnd(settings)]
}

function kernelsEnd(settings: NodeSettings): DesiredHostPort {
  return {
    kind: 'internal',
    name: portNames.outside,
    mac: outsideMac,
    addresses: [`${outsideHostAddress(settings.outsideSubnet)}/16`],
    mtu: networkMtu('vxlan', settings),
    routes: [],
  }
}

const patchBack = 'np-to-int'
const bondName = 'uplinkPort'

function vethAlias(endpoint: LocalEndpoint): string {
  return `${ownAliasPrefix}${endpoint.endpointId}`
}

function bridge(
  name: string,
  failMode: 'secure' | 'standalone',
  settings: NodeSettings,
  ports: ReadonlyMap<string, DesiredPort>,
): DesiredBridge {
  return {
    name,
    datapathType: settings.datapathType,
    failMode,
    protocols: ['OpenFlow10', 'OpenFlow13', 'OpenFlow14'],
    ports,
  }
}

function simplePort(
  name: string,
  type: '' | 'patch',
  options: Readonly<Record<string, string>>,
  mark: Readonly<Record<string, string>>,
): DesiredPort {
  return { name, mark, interfaces: [{ name, type, options }] }
}

function hostPort(settings: NodeSettings): DesiredPort {
  const port = { type: 'internal', options: {}, mac: hostMac, mtuRequest: hostPortMtu(settings) } as const
  return { name: portNames.host, mark: { 'netplugin-role': 'host' }, interfaces: [{ name: portNames.host, ...port }] }
}

function outsidePort(settings: NodeSettings): DesiredPort {
  const port = { type: 'internal', options: {}, mac: outsideMac, mtuRequest: networkMtu('vxlan', settings) } as const
  const { outside: name } = portNames
  return { name, mark: { 'netplugin-role': 'outside' }, interfaces: [{ name, ...port }] }
}

/** Of the host in an infra network. */
function hostInterfacePort({ portName, mac, endpointId, network }: LocalEndpoint, settings: NodeSettings): DesiredPort {
  const mtuRequest = networkMtu(network.encap.kind, settings)
  const port = { name: portName, type: 'internal', options: {}, mac, mtuRequest } as const
  return { name: portName, mark: { 'netplugin-endpoint': endpointId }, interfaces: [port] }
}

function tunnelPort(udpPort: number): DesiredPort {
  const options = {
    remote_ip: 'flow',
    key: 'flow',
    // The underlay sees how packets are marked.
    tos: 'inherit',
    ...(udpPort === defaultVxlanPort ? {} : { dst_port: String(udpPort) }),
  }
  return {
    name: portNames.vxlan,
    mark: { 'netplugin-role': 'tunnel' },
    interfaces: [{ name: portNames.vxlan, type: 'vxlan', options }],
  }
}

function uplinkPorts(uplinks: readonly string[]): ReadonlyMap<string, DesiredPort> {
  const patch = simplePort(patchBack, 'patch', { peer: portNames.uplink }, { 'netplugin-role': 'uplink' })
  const interfaces = uplinks.map((name) => ({ name, type: '' as const, options: {} }))
  const name = uplinks.length === 1 ? (uplinks[0] ?? bondName) : bondName
  const nics: DesiredPort = {
    name,
    mark: { 'netplugin-role': 'uplink' },
    interfaces,
    ...(uplinks.length > 1 ? { bond: { mode: 'balance-tcp', lacp: 'active', fallback: true } as const } : {}),
  }
  return new Map([
    [patch.name, patch],
    [nics.name, nics],
  ])
}
