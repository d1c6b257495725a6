// The links, addresses and routes of a node: what must be, what is, and the smallest ordered steps from one to the other.
//
// Ours is what carries our mark, and nothing else is ever changed: a veth with the alias `netplugin:<endpoint>`, or with
// no alias yet and our device group, which a veth has from birth; a route with our protocol number; an internal port of
// the switch that is named in the desired state.
//
// A veth (veths.ts) is finished when its host end is up: that is the last step of making one. The other end may be in a container,
// where it is the container's, so a finished veth is judged by its host end alone. Whether checksums are on is not read
// back: a veth keeps what it was made with.

import { formatIpv4, formatIpv6, parseIpv4, parseIpv6 } from '../../lib/address.ts'
import type { AddressInfo, LinkInfo, RouteInfo } from '../../protocols/netlink/index.ts'
import { type DesiredVeth, isOwnVeth, planVeth, setLink } from './veths.ts'

/** `rtm_protocol` of our routes; no routing daemon uses it. */
export const ownRouteProtocol = 78

/** A port that the switch itself makes; until it has, there is nothing to do. */
export interface DesiredHostPort {
  readonly kind: 'internal'
  readonly name: string
  readonly mac: string
  /** `address/length`. */
  readonly addresses: readonly string[]
  readonly mtu: number
  readonly routes: readonly DesiredRoute[]
}

export interface DesiredRoute {
  readonly destination: string
  readonly via?: string
}

export interface DesiredHost {
  readonly veths: readonly DesiredVeth[]
  readonly hostPorts: readonly DesiredHostPort[]
}

export interface HostFacts {
  /** By name; the same map, and the same array of addresses, until something changes. */
  readonly links: ReadonlyMap<string, LinkInfo>
  /** Those in the far namespace, likewise; missing: there is none. */
  readonly farLinks?: ReadonlyMap<string, LinkInfo>
  readonly addresses: readonly AddressInfo[]
  /** Those with our protocol number. */
  readonly routes: readonly RouteInfo[]
  /** The other ones of the main table; missing: none. Costs a call of the kernel. */
  readonly foreignRoutes?: () => readonly RouteInfo[]
  readonly hasKernelOpenVswitch: boolean
}

/** The index is the identity of a link: a name may have found another owner since the facts were read. */
export type HostStep =
  /**
   * Both ends, the host end with our group and an alias, a far one in the far namespace with the alias, up and silent;
   * checksums off where `txChecksum` is false; then the host end up. One step, so that a name that another link has ends
   * it before anything is done to that link.
   */
  | ({ readonly kind: 'create-veth' } & Omit<DesiredVeth, 'kind'>)
  /** A waiting veth becomes that of an endpoint. The alias is last: until it is set, the veth waits. */
  | {
      readonly kind: 'claim-veth'
      readonly name: string
      readonly index: number
      readonly peerIndex: number
      /** Whether the peer is in the far namespace; then it has the alias. */
      readonly isFar?: boolean
      /** Of the peer; missing when it has it. */
      readonly mac?: string
      /** Of both; missing when they have it. */
      readonly mtu?: number
      readonly alias: string
    }
  | { readonly kind: 'disable-tx-checksum'; readonly name: string; readonly isFar?: boolean }
  | {
      readonly kind: 'set-link'
      readonly name: string
      readonly index: number
      readonly isFar?: boolean
      readonly up?: true
      readonly mtu?: number
      readonly mac?: string
      readonly alias?: string
    }
  | { readonly kind: 'delete-link'; readonly name: string; readonly index: number }
  | { readonly kind: 'add-address'; readonly name: string; readonly index: number; readonly address: string }
  | { readonly kind: 'delete-address'; readonly name: string; readonly index: number; readonly address: string }
  | { readonly kind: 'add-route'; readonly index: number; readonly destination: string; readonly via?: string }
  | {
      readonly kind: 'delete-route'
      readonly index: number
      readonly destination: string
      readonly via?: string
      readonly metric: number
    }

export interface HostPlanOptions {
  /** False until the whole desired state is known: then nothing is removed for being absent from it. */
  readonly remove: boolean
}

/**
 * Steps in the order in which they must run; empty when everything is as desired. A name that is taken by a foreign link
 * still gives a `create-veth`, which fails and so tells of the conflict.
 */
export function planHost(desired: DesiredHost, facts: HostFacts, options: HostPlanOptions): HostStep[] {
  const steps: HostStep[] = []
  for (const veth of desired.veths) planVeth(veth, facts, steps)
  for (const port of desired.hostPorts) planHostPort(port, facts, options, steps)
  planRoutes(desired.hostPorts, facts, options, steps)
  if (options.remove) planRemovals(desired.veths, facts, steps)
  return steps
}

/** Kinds of link that a switch makes for an internal port: userspace and kernel datapath. */
const internalKinds: ReadonlySet<string> = new Set(['tun', 'openvswitch'])

/** The link of this name, if a switch made it. */
export function internalPort(name: string, facts: HostFacts): LinkInfo | undefined {
  const link = facts.links.get(name)
  return link !== undefined && internalKinds.has(link.kind) ? link : undefined
}

function planHostPort(port: DesiredHostPort, facts: HostFacts, options: HostPlanOptions, steps: HostStep[]): void {
  const link = internalPort(port.name, facts)
  if (link === undefined) return
  const { name, index } = link
  setLink({ link, isFar: false }, { mtu: port.mtu, mac: port.mac, up: true }, steps)
  const wanted = new Set(port.addresses.map(canonicalCidr))
  for (const { index: holder, cidr, scope } of facts.addresses) {
    if (holder !== index || wanted.delete(cidr)) continue
    // Link-local addresses are the kernel's own.
    if (options.remove && scope !== 'link') steps.push({ kind: 'delete-address', name, index, address: cidr })
  }
  for (const address of wanted) steps.push({ kind: 'add-address', name, index, address })
}

function planRoutes(
  ports: readonly DesiredHostPort[],
  facts: HostFacts,
  options: HostPlanOptions,
  steps: HostStep[],
): void {
  // Reading the routes costs a call of the kernel, and most passes have no use for them.
  if (!options.remove && ports.every((port) => port.routes.length === 0)) return
  const missing = new Map<string, HostStep & { kind: 'add-route' }>()
  for (const port of ports) {
    const link = internalPort(port.name, facts)
    if (link === undefined) continue
    for (const route of port.routes) {
      const destination = canonicalCidr(route.destination)
      const via = route.via === undefined ? {} : { via: canonicalAddress(route.via) }
      missing.set(destination, { kind: 'add-route', index: link.index, destination, ...via })
    }
  }
  for (const route of facts.routes) {
    const { destination, deviceIndex, via, metric } = route
    if (route.protocol !== ownRouteProtocol) continue
    const wish = missing.get(destination)
    if (wish !== undefined && wish.index === deviceIndex && wish.via === via) missing.delete(destination)
    else if (wish !== undefined || options.remove) {
      const gateway = via === undefined ? {} : { via }
      steps.push({ kind: 'delete-route', index: deviceIndex, destination, ...gateway, metric })
    }
  }
  steps.push(...missing.values())
}

/** Last, and together: the kernel deletes many links in the time of one. */
function planRemovals(veths: readonly DesiredVeth[], facts: HostFacts, steps: HostStep[]): void {
  const wanted = new Set(veths.map((veth) => veth.name))
  for (const { name, index } of [...facts.links.values()].filter(isOwnVeth)) {
    if (!wanted.has(name)) steps.push({ kind: 'delete-link', name, index })
  }
}

/** As the kernel prints it, so that equal addresses are equal strings. */
export function canonicalCidr(cidr: string): string {
  const [address = '', length] = cidr.split('/')
  return length === undefined ? canonicalAddress(address) : `${canonicalAddress(address)}/${Number(length)}`
}

export function canonicalAddress(address: string): string {
  const v4 = parseIpv4(address)
  if (v4 !== undefined) return formatIpv4(v4)
  const v6 = parseIpv6(address)
  return v6 === undefined ? address : formatIpv6(v6)
}
