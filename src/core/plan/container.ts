// The interface of an endpoint inside its container, where no runtime puts it there: which end of which pair it is, and
// the smallest ordered steps from what the container has to what it must have.
//
// Of the container only that interface is ours, and the routes with our protocol number on it. What else is in there, and
// every route to a destination that the container can reach already, is the container's.

import type { AddressInfo, LinkInfo, RouteInfo } from '../../protocols/netlink/index.ts'
import { canonicalAddress, canonicalCidr, type DesiredRoute, type HostStep, ownRouteProtocol } from './host.ts'

/** What is in the network namespace of a container. */
export interface NamespaceFacts {
  /** By name. */
  readonly links: ReadonlyMap<string, LinkInfo>
  readonly addresses: readonly AddressInfo[]
  /** Of the main table, whoever made them. */
  readonly routes: readonly RouteInfo[]
}

export interface DesiredInterface {
  /** What it was called on the host: it is to be `eth` and a number instead. */
  readonly peerName: string
  /** What it must be called; missing: see above. */
  readonly name?: string
  readonly mtu: number
  /** `address/length`. */
  readonly addresses: readonly string[]
  /** Each is made where the container has none to its destination. */
  readonly routes: readonly DesiredRoute[]
}

export type ContainerStep =
  | { readonly kind: 'rename-link'; readonly index: number; readonly name: string }
  | Extract<HostStep, { readonly kind: 'set-link' | 'add-address' | 'delete-address' | 'add-route' | 'delete-route' }>

/**
 * The container's end of the pair, when it is in there. Indexes are small numbers, counted in each namespace anew, so that
 * those of other pairs may be equal by chance: the end must have the endpoint's MAC too.
 */
export function findEnd(hostEnd: LinkInfo, mac: string, inside: NamespaceFacts): LinkInfo | undefined {
  for (const link of inside.links.values()) {
    const leadsOut = link.kind === 'veth' && link.peerNetnsId !== undefined
    if (leadsOut && link.peerIndex === hostEnd.index && link.mac === mac.toLowerCase()) return link
  }
  return undefined
}

/** The interface in the container that is made over a far end, of which it has the MAC. */
export function findOver(lower: LinkInfo, mac: string, inside: Pick<NamespaceFacts, 'links'>): LinkInfo | undefined {
  for (const link of inside.links.values()) {
    const leadsOut = link.kind === 'macvlan' && link.peerNetnsId !== undefined
    if (leadsOut && link.peerIndex === lower.index && link.mac === mac.toLowerCase()) return link
  }
  return undefined
}

/** `eth0`, or the first number that the container does not use. */
export function firstFreeName(inside: NamespaceFacts): string {
  let number = 0
  while (inside.links.has(`eth${number}`)) number++
  return `eth${number}`
}

/**
 * Steps in the order in which they must run; empty when everything is as desired. A link can be renamed only while it is
 * down, and has routes only while it is up.
 */
export function planInterface(desired: DesiredInterface, end: LinkInfo, inside: NamespaceFacts): ContainerStep[] {
  const steps: ContainerStep[] = []
  const { index } = end
  const name = desired.name ?? (end.name === desired.peerName ? firstFreeName(inside) : end.name)
  if (name !== end.name) steps.push({ kind: 'rename-link', index, name })
  if (end.mtu !== desired.mtu) steps.push({ kind: 'set-link', name, index, mtu: desired.mtu })
  const wanted = new Set(desired.addresses.map(canonicalCidr))
  for (const { index: holder, cidr, scope } of inside.addresses) {
    // Link-local addresses are the kernel's own.
    if (holder !== index || wanted.delete(cidr) || scope === 'link') continue
    steps.push({ kind: 'delete-address', name, index, address: cidr })
  }
  for (const address of wanted) steps.push({ kind: 'add-address', name, index, address })
  if (!end.up) steps.push({ kind: 'set-link', name, index, up: true })
  planRoutes(desired.routes, end, inside, steps)
  return steps
}

function planRoutes(
  routes: readonly DesiredRoute[],
  { index }: LinkInfo,
  inside: NamespaceFacts,
  steps: ContainerStep[],
): void {
  const missing = new Map<string, ContainerStep>()
  const wanted = new Map<string, string | undefined>()
  for (const route of routes) {
    const destination = canonicalCidr(route.destination)
    const via = route.via === undefined ? undefined : canonicalAddress(route.via)
    wanted.set(destination, via)
    missing.set(destination, { kind: 'add-route', index, destination, ...(via === undefined ? {} : { via }) })
  }
  for (const { destination, deviceIndex, via, metric, protocol } of inside.routes) {
    const isOurs = protocol === ownRouteProtocol && deviceIndex === index
    if (isOurs && !(wanted.has(destination) && wanted.get(destination) === via)) {
      const gateway = via === undefined ? {} : { via }
      steps.push({ kind: 'delete-route', index, destination, ...gateway, metric })
    } else missing.delete(destination)
  }
  steps.push(...missing.values())
}
