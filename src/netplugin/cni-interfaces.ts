// The interface of a container that a CNI runtime started: made over the endpoint's link, and compared with what it must be.

import { type DesiredInterface, findEnd, findOver, type NamespaceFacts, planInterface } from '../core/plan/container.ts'
import { type FarEnd, findPeer, isOwnVeth, ownAliasPrefix } from '../core/plan/veths.ts'
import type { ContainerStep, Containers } from '../drivers/host/containers.ts'
import type { HostDriver } from '../drivers/host/host.ts'
import { asNetpluginError, NetpluginError } from '../lib/errors.ts'
import type { EndpointRecord, NetworkRecord } from '../model/state.ts'
import type { LinkInfo } from '../protocols/netlink/index.ts'
import { type CarriedAddresses, interfaceAddresses, interfaceRoutes } from './container-routes.ts'
import { portOfPeer } from './port-reserve.ts'

interface Deps {
  readonly host: HostDriver
  readonly containers: Containers
  readonly nameservers: () => readonly string[]
}

export interface Place {
  /** Path of the namespace. */
  readonly netns: string
  readonly ifname: string
}

/** What was made. */
export interface PlacedInterface {
  readonly hostName: string
  readonly hostMac: string
  readonly mtu: number
  readonly addresses: DesiredInterface['addresses']
  readonly routes: DesiredInterface['routes']
}

interface Pair {
  /** The switch's end. */
  readonly hostEnd: LinkInfo
  /** The end below the container's interface; undefined: that one was moved into the container itself. */
  readonly lower: FarEnd | undefined
}

export class CniInterfaces {
  readonly #deps: Deps

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** Throws `not-found` NAMESPACE_MISSING or `conflict` NAMESPACE_OF_HOST where nothing can be put. */
  check({ netns }: Place): void {
    this.#deps.containers.visit(netns)
  }

  /**
   * Puts the interface of an endpoint into its container. Again: what is there already stays. Throws `conflict`
   * INTERFACE_TAKEN when the container has another interface of that name, `unavailable` LINK_IN_USE when the link is that of
   * an interface in another container.
   */
  put(peerName: string, record: EndpointRecord, network: NetworkRecord, place: Place): PlacedInterface {
    const { containers, nameservers } = this.#deps
    const { netns, ifname: name } = place
    const pair = this.#pair(peerName)
    const { hostEnd, lower } = pair
    const { mtu } = hostEnd
    const carried = { network, ipv4: record.ipv4, ipv6: record.ipv6 }
    const addresses = interfaceAddresses(carried)
    const routes = interfaceRoutes(carried, nameservers())
    const desired: DesiredInterface = { peerName, name, mtu, addresses, routes }
    const made = lower === undefined ? undefined : this.#putOver({ hostEnd, lower }, record, place)
    // In a new one there is nothing, and routes of other interfaces are found when they are in the way.
    const inside = made === undefined ? containers.look(netns) : fresh(made)
    const end = made ?? endOf(pair, record.mac, inside)
    if (end === undefined) {
      throw new NetpluginError(
        'internal',
        'INTERFACE_LOST',
        `${name} is not in the container it was made in; try again`,
      )
    }
    const steps = planInterface(desired, end, inside)
    const failed = containers.apply(netns, steps).find(({ step, error }) => !isGiven(step, error))
    if (failed?.error !== undefined) throw failed.error
    return { hostName: hostEnd.name, hostMac: hostEnd.mac, mtu, addresses, routes }
  }

  /** Takes the interface out of its container; `clean` resolves to whether its link can be another's. */
  async remove(peerName: string, netns: string): Promise<{ readonly clean: Promise<boolean> }> {
    const dirty = { clean: Promise.resolve(false) }
    try {
      const { lower } = this.#pair(peerName)
      if (lower === undefined) return dirty
      const { finished } = await this.#deps.containers.removeOver(lower, netns)
      return { clean: finished.catch(() => false) }
    } catch {
      // The container is gone, or the link is: what is left goes with the pair.
      return dirty
    }
  }

  /** Makes a device of the host ready to be a port. Throws where it cannot be one. */
  takeDevice(name: string): LinkInfo {
    const { host } = this.#deps
    const { links, addresses } = host.facts()
    const link = links.get(name)
    if (link === undefined) {
      throw new NetpluginError('invalid', 'DEVICE_MISSING', `there is no interface ${name} on this host; make it first`)
    }
    const refuse = (why: string) => {
      throw new NetpluginError('invalid', 'DEVICE_IN_USE', `${name} ${why}; name an interface that nothing else uses`)
    }
    // An address on it, perhaps the one of this ssh session, would go dead.
    const address = addresses.find(({ index, scope }) => index === link.index && scope !== 'link')
    if (address !== undefined) refuse(`carries the address ${address.cidr}`)
    if (
      link.masterIndex !== 0 &&
      [...links.values()].find(({ index }) => index === link.masterIndex)?.kind === 'bridge'
    ) {
      refuse('belongs to a bridge')
    }
    if (name === 'lo' || isOwnVeth(link) || /^(np-|vp|ovs-)/.test(name)) refuse('is not for containers')
    if (!link.up) host.apply([{ kind: 'set-link', name, index: link.index, up: true }])
    return link
  }

  /** Takes the switch's end with all that is over it. */
  giveUp(peerName: string): void {
    const { hostEnd } = this.#pair(peerName)
    this.#deps.host.apply([{ kind: 'delete-link', name: hostEnd.name, index: hostEnd.index }])
  }

  /** Whether the container has the interface, by whatever name. */
  has(peerName: string, mac: string, { netns }: Place): boolean {
    return endOf(this.#pair(peerName), mac, this.#deps.containers.look(netns)) !== undefined
  }

  /** What the container lacks of what it must have, as sentences; none when all is there. */
  complaints(peerName: string, record: EndpointRecord, { netns, ifname }: Place, wanted: CarriedAddresses): string[] {
    const inside = this.#deps.containers.look(netns)
    const end = endOf(this.#pair(peerName), record.mac, inside)
    if (end === undefined) return [`${ifname} is not in the container, or has another MAC address than ${record.mac}`]
    const missing = end.name === ifname ? [] : [`the interface is called ${end.name} instead of ${ifname}`]
    if (!end.up) missing.push(`${ifname} is down`)
    const held = new Set(inside.addresses.filter(({ index }) => index === end.index).map(({ cidr }) => cidr))
    for (const address of interfaceAddresses(wanted)) {
      if (!held.has(address)) missing.push(`${ifname} has no address ${address}`)
    }
    const reached = new Set(inside.routes.map(({ destination }) => destination))
    for (const { destination } of interfaceRoutes(wanted, [])) {
      if (!reached.has(destination)) missing.push(`there is no route to ${destination}`)
    }
    return missing
  }

  /** The new interface; undefined when there was one already. */
  #putOver(
    { hostEnd, lower }: Pair & { readonly lower: FarEnd },
    { endpointId, mac }: EndpointRecord,
    { netns, ifname: name }: Place,
  ): LinkInfo | undefined {
    const { containers, host } = this.#deps
    const { link } = lower
    try {
      return containers.putOver(lower, netns, { name, mac, mtu: link.mtu })
    } catch (error) {
      const failure = asNetpluginError(error)
      if (failure.code === 'NO_MACVLAN') {
        // In there nobody can read whose the pair is.
        const { name, index } = hostEnd
        host.apply([{ kind: 'set-link', name, index, alias: `${ownAliasPrefix}${endpointId}` }])
        containers.moveIn(lower, netns)
        return undefined
      }
      // A link can have one interface over it; which one it has is told by looking.
      if (!['NETLINK_EEXIST', 'NETLINK_EINVAL', 'NETLINK_EBUSY'].includes(failure.code)) throw failure
      const inside = containers.look(netns)
      if (findOver(link, mac, inside) !== undefined) return undefined
      if (inside.links.has(name)) {
        const message = `the container has an interface ${name} already; remove it, or choose another name`
        throw new NetpluginError('conflict', 'INTERFACE_TAKEN', message, { details: { netns } })
      }
      const message = `${link.name} is below an interface of another container; try again`
      throw new NetpluginError('unavailable', 'LINK_IN_USE', message, { cause: failure })
    }
  }

  #pair(peerName: string): Pair {
    const facts = this.#deps.host.facts()
    const hostEnd = facts.links.get(portOfPeer(peerName))
    if (hostEnd === undefined) throw linkMissing(peerName)
    return { hostEnd, lower: findPeer(peerName, hostEnd, facts) }
  }
}

function linkMissing(peerName: string): NetpluginError {
  return new NetpluginError('unavailable', 'LINK_MISSING', `the endpoint's link ${peerName} is gone; try again`)
}

function fresh(link: LinkInfo): NamespaceFacts {
  return { links: new Map([[link.name, link]]), addresses: [], routes: [] }
}

/** Another interface may lead to a destination already: that route stays. */
function isGiven({ kind }: ContainerStep, error: NetpluginError | undefined): boolean {
  return error === undefined || (kind === 'add-route' && error.code === 'NETLINK_EEXIST')
}

/** Over the link; or the link itself, where the kernel has no way to put something over it. */
function endOf({ hostEnd, lower }: Pair, mac: string, inside: NamespaceFacts): LinkInfo | undefined {
  return (lower && findOver(lower.link, mac, inside)) ?? findEnd(hostEnd, mac, inside)
}
