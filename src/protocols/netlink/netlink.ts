// Links, addresses and routes of one network namespace: reads them and changes them, synchronously, about 0.1 ms a call.

import { NetpluginError } from '../../lib/errors.ts'
import { libc } from '../../lib/libc.ts'
import { type AddressInfo, type AddressOptions, decodeAddress, encodeAddress, encodeAddressQuery } from './address.ts'
import { messageFlag, messageType, routeTable } from './constants.ts'
import { systemError } from './errno.ts'
import { decodeFamily, encodeFamilyQuery } from './generic.ts'
import {
  decodeLink,
  encodeLinkChange,
  encodeLinkQuery,
  encodeMacvlan,
  encodeNewLink,
  encodeVeth,
  type LinkChange,
  type LinkInfo,
  type LinkKey,
  type MacvlanOptions,
  type VethOptions,
} from './link.ts'
import { inNamespace } from './namespace.ts'
import { decodeNeighbour, encodeNeighbour, encodeNeighbourQuery, type NeighbourInfo } from './neighbour.ts'
import {
  decodeRoute,
  encodeRoute,
  encodeRouteQuery,
  type RouteFilter,
  type RouteInfo,
  type RouteOptions,
} from './route.ts'
import { type NetlinkRequest, NetlinkSocket } from './socket.ts'

export interface CreateVethOptions extends VethOptions {
  readonly alias?: string
  readonly peer: VethOptions['peer'] & { readonly up?: boolean }
}

const create = messageFlag.create | messageFlag.exclusive

/** One socket, bound to the namespace it was opened in. Errors carry codes such as `NETLINK_EEXIST`. */
export class Netlink {
  readonly #socket: NetlinkSocket

  private constructor(socket: NetlinkSocket) {
    this.#socket = socket
  }

  /** `namespace` is a path such as /proc/PID/ns/net; default: the namespace the thread is in. */
  static open(options: { readonly namespace?: string } = {}): Netlink {
    const { namespace } = options
    const open = () => new Netlink(NetlinkSocket.open('route'))
    return namespace === undefined ? open() : inNamespace(namespace, open)
  }

  close(): void {
    this.#socket.close()
  }

  links(): LinkInfo[] {
    return this.#socket.dump({ action: 'list links', type: messageType.getLink, body: encodeLinkQuery() }, decodeLink)
  }

  /** Undefined when there is no such link. */
  link(nameOrIndex: string | number): LinkInfo | undefined {
    const body = encodeLinkQuery(linkKey(nameOrIndex))
    const request = { action: `read the link ${nameOrIndex}`, type: messageType.getLink, body }
    return this.#socket.get(request, decodeLink)
  }

  /**
   * Makes both ends with names, addresses and MTU in one message. The alias and the peer's `up` need messages of their
   * own: the kernel ignores an alias and refuses an up peer at creation. The group is set at creation.
   */
  createVeth(options: CreateVethOptions): void {
    const { name, peer, alias } = options
    this.#socket.run({
      action: `create the veth ${name} with its peer ${peer.name}`,
      type: messageType.newLink,
      flags: create,
      body: encodeVeth(options),
    })
    if (alias !== undefined) this.setLink(name, { alias })
    if (peer.up !== true) return
    if (peer.namespaceFd === undefined) this.setLink(peer.name, { up: true })
    else inNamespace(peer.namespaceFd, () => withNetlink((inside) => inside.setLink(peer.name, { up: true })))
  }

  /** For kinds without options of their own: `bridge`, `dummy`. */
  createLink(kind: string, options: LinkChange & { readonly name: string }): void {
    const action = `create the ${kind} ${options.name}`
    this.#socket.run({ action, type: messageType.newLink, flags: create, body: encodeNewLink(kind, options) })
  }

  /** In another namespace at once: nothing has to be moved. NETLINK_EEXIST when that has a link of the name. */
  createMacvlan(options: MacvlanOptions): void {
    const { name, lowerIndex } = options
    const action = `create ${name} over the link ${lowerIndex}`
    this.#socket.run({ action, type: messageType.newLink, flags: create, body: encodeMacvlan(options) })
  }

  setLink(nameOrIndex: string | number, change: LinkChange): void {
    // A message that names the link by its name cannot carry a new name.
    const key = linkKey(change.name === undefined ? nameOrIndex : this.#indexOf(nameOrIndex))
    const body = encodeLinkChange(key, change)
    this.#socket.run({ action: `change the link ${nameOrIndex}`, type: messageType.newLink, body })
  }

  /** Both ends of a veth go. May block 20 ms, while the kernel waits for all processors to forget the device. */
  deleteLink(nameOrIndex: string | number): void {
    this.#socket.run(deletion(nameOrIndex))
  }

  /** The same beside other work: the link is out of sight soon, and the kernel is done with it when this resolves. */
  deleteLinkAside(index: number): Promise<void> {
    return this.#socket.runAside(deletion(index))
  }

  /**
   * Deletes links by index, in about the time of one: they are put in a device group, and the group is deleted. Returns
   * the error of each, or undefined.
   */
  deleteLinks(indexes: readonly number[]): (NetpluginError | undefined)[] {
    if (indexes.length < 2) return this.#socket.runAll(indexes.map(deletion))
    const group = unusedGroup(this.links())
    const errors = this.#socket.runAll(indexes.map((index) => groupChange(index, group)))
    const body = encodeLinkChange({ index: 0 }, { group })
    const [failure] = this.#socket.runAll([{ action: 'delete a group of links', type: messageType.delLink, body }])
    if (failure === undefined) return errors
    // Some of them are of a kind that cannot be deleted, so the kernel deleted none.
    return this.#socket.runAll(indexes.map(deletion))
  }

  addresses(): AddressInfo[] {
    const request = { action: 'list addresses', type: messageType.getAddress, body: encodeAddressQuery() }
    return this.#socket.dump(request, decodeAddress)
  }

  addAddress(index: number, cidr: string, options: AddressOptions = {}): void {
    this.#socket.run({
      action: `add the address ${cidr} to the link ${index}`,
      type: messageType.newAddress,
      flags: create,
      body: encodeAddress(index, cidr, options),
    })
  }

  deleteAddress(index: number, cidr: string): void {
    this.#socket.run({
      action: `remove the address ${cidr} from the link ${index}`,
      type: messageType.delAddress,
      body: encodeAddress(index, cidr, {}),
    })
  }

  /** IPv4 neighbours of all links. */
  neighbours(): NeighbourInfo[] {
    const request = { action: 'list neighbours', type: messageType.getNeighbour, body: encodeNeighbourQuery() }
    return this.#socket.dump(request, decodeNeighbour)
  }

  /** The kernel asks again when it next sends to the address. */
  deleteNeighbour(index: number, address: string): void {
    this.#socket.run({
      action: `forget the neighbour ${address} on the link ${index}`,
      type: messageType.delNeighbour,
      body: encodeNeighbour(index, address),
    })
  }

  /** Routes of the main table, or of what the filter says; `table: 0` is all tables. */
  routes(filter: RouteFilter = {}): RouteInfo[] {
    const wanted: RouteFilter = { table: routeTable.main, ...filter }
    const matches = (route: RouteInfo | undefined): RouteInfo | undefined => {
      // A kernel without strict checks ignores the filter.
      if (route === undefined || (wanted.table !== 0 && route.table !== wanted.table)) return undefined
      return wanted.protocol === undefined || route.protocol === wanted.protocol ? route : undefined
    }
    return [...this.#dumpRoutes(4, wanted, matches), ...this.#dumpRoutes(6, wanted, matches)]
  }

  #dumpRoutes(
    family: 4 | 6,
    filter: RouteFilter,
    matches: (route: RouteInfo | undefined) => RouteInfo | undefined,
  ): RouteInfo[] {
    const request = { action: 'list routes', type: messageType.getRoute, body: encodeRouteQuery(family, filter) }
    try {
      // A kernel without IPv6 answers a question for its routes with those of all families.
      return this.#socket.dump(request, (body) => matches(decodeRoute(body))).filter((route) => route.family === family)
    } catch (error) {
      // A table comes into being with its first route.
      if (error instanceof NetpluginError && error.code === 'NETLINK_ENOENT') return []
      throw error
    }
  }

  /** Fails with NETLINK_EEXIST when the table has a route of the same destination and metric. */
  addRoute(route: RouteOptions): void {
    this.#route(`add the route to ${route.destination}`, messageType.newRoute, create, route)
  }

  /** Adds the route, in the place of one of the same destination and metric, whoever made that. */
  replaceRoute(route: RouteOptions): void {
    this.#route(
      `set the route to ${route.destination}`,
      messageType.newRoute,
      messageFlag.create | messageFlag.replace,
      route,
    )
  }

  /** Only a route that agrees in all that is given goes, so one of another protocol does not. Scope: any. */
  deleteRoute(route: RouteOptions): void {
    this.#route(`delete the route to ${route.destination}`, messageType.delRoute, 0, { scope: 'nowhere', ...route })
  }

  #route(action: string, type: number, flags: number, route: RouteOptions): void {
    this.#socket.run({ action, type, flags, body: encodeRoute(route) })
  }

  #indexOf(nameOrIndex: string | number): number {
    if (typeof nameOrIndex === 'number') return nameOrIndex
    const link = this.link(nameOrIndex)
    if (link !== undefined) return link.index
    throw new NetpluginError(
      'not-found',
      'NETLINK_ENODEV',
      `there is no link named '${nameOrIndex}' in this namespace`,
      {
        details: { name: nameOrIndex },
      },
    )
  }
}

function linkKey(nameOrIndex: string | number): LinkKey {
  return typeof nameOrIndex === 'string' ? { name: nameOrIndex } : { index: nameOrIndex }
}

function deletion(nameOrIndex: string | number): NetlinkRequest {
  const body = encodeLinkChange(linkKey(nameOrIndex), {})
  return { action: `delete the link ${nameOrIndex}`, type: messageType.delLink, body }
}

function groupChange(index: number, group: number): NetlinkRequest {
  const body = encodeLinkChange({ index }, { group })
  return { action: `delete the link ${index}`, type: messageType.newLink, body }
}

/** A device group that no link is in: what is in the group is deleted. */
function unusedGroup(links: readonly LinkInfo[]): number {
  const used = new Set(links.map((link) => link.group))
  let group = 0x7fff_0000
  while (used.has(group)) group++
  return group
}

/** Runs the work with a connection to the current namespace. */
export function withNetlink<T>(work: (netlink: Netlink) => T): T {
  const netlink = Netlink.open()
  try {
    return work(netlink)
  } finally {
    netlink.close()
  }
}

/** Index of a link of the current namespace; throws `not-found`. */
export function linkIndex(name: string): number {
  const index = libc.linkIndex(name)
  if (index < 0) throw systemError(`find the link ${name}`, -index)
  return index
}

/** Whether the kernel has the generic netlink family; asking loads the module that provides it. */
export function hasGenericFamily(name: string): boolean {
  const socket = NetlinkSocket.open('generic')
  try {
    const action = `look for the netlink family ${name}`
    const request = { action, type: messageType.genericControl, body: encodeFamilyQuery(name) }
    return socket.get(request, decodeFamily) !== undefined
  } finally {
    socket.close()
  }
}
