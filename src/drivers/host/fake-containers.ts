// Namespaces of containers in memory, beside a fake host. A veth goes when its other end goes, on either side.

import { ownRouteProtocol } from '../../core/plan/host.ts'
import type { FarEnd } from '../../core/plan/veths.ts'
import { NetpluginError, unreachable } from '../../lib/errors.ts'
import type { AddressInfo, LinkInfo, RouteInfo } from '../../protocols/netlink/index.ts'
import type { ContainerStep, ContainerStepResult, Containers, InterfaceWish, NamespaceFacts } from './containers.ts'
import type { FakeHost } from './fake.ts'

interface Namespace {
  readonly links: Map<string, LinkInfo>
  addresses: readonly AddressInfo[]
  routes: readonly RouteInfo[]
}

const plainLink = { kind: '', mac: '', mtu: 1500, up: false, carrier: false, alias: '', group: 0, masterIndex: 0 }

export class FakeContainers implements Containers {
  readonly #host: FakeHost
  readonly #namespaces = new Map<string, Namespace>()
  #lastIndex = 1_000
  /** How often something was looked at or changed. */
  calls = 0

  constructor(host: FakeHost) {
    this.#host = host
  }

  /** A namespace with nothing in it, as of a container with `--net=none`. */
  add(namespace: string): void {
    this.#namespaces.set(namespace, { links: new Map(), addresses: [], routes: [] })
  }

  /** The container ended: both ends of what was in it go. */
  end(namespace: string): void {
    for (const link of this.#namespace(namespace).links.values()) {
      if (link.peerIndex === undefined || link.kind === 'macvlan') continue
      this.#host.apply([{ kind: 'delete-link', name: link.name, index: link.peerIndex }])
    }
    this.#namespaces.delete(namespace)
  }

  /** Puts a link in as another hand would: a runtime, the container itself. */
  addLink(namespace: string, link: Partial<LinkInfo> & { readonly name: string }): LinkInfo {
    const added: LinkInfo = { ...plainLink, index: ++this.#lastIndex, ...link }
    this.#namespace(namespace).links.set(added.name, added)
    return added
  }

  addRoute(namespace: string, route: Pick<RouteInfo, 'destination' | 'deviceIndex'> & Partial<RouteInfo>): void {
    const family = route.destination.includes(':') ? 6 : 4
    const plain = { family, scope: 'link', type: 'unicast', table: 254, metric: 0, onLink: false, protocol: 3 } as const
    const there = this.#namespace(namespace)
    there.routes = [...there.routes, { ...plain, ...route }]
  }

  look(namespace: string): NamespaceFacts {
    this.calls++
    const { links, addresses, routes } = this.#namespace(namespace)
    return { links: new Map(links), addresses, routes }
  }

  visit(namespace: string): void {
    this.#namespace(namespace)
  }

  moveIn({ link: { name, index } }: FarEnd, namespace: string): void {
    this.calls++
    const there = this.#namespace(namespace)
    const link = this.#host.everyLink.find((candidate) => candidate.index === index)
    if (link === undefined) throw missing(`link ${name}`)
    this.#host.moveAway(link.name)
    there.links.set(link.name, { ...link, up: false, peerNetnsId: 0 })
  }

  putOver({ link: lower }: FarEnd, namespace: string, { name, mac, mtu }: InterfaceWish): LinkInfo {
    this.calls++
    const there = this.#namespace(namespace)
    if (there.links.has(name)) throw conflict(`the link ${name}`)
    const found = this.#host.everyLink.find(({ index }) => index === lower.index)
    if (found === undefined) throw missing(`link ${lower.name}`)
    this.#host.apply([{ kind: 'set-link', name: lower.name, index: lower.index, mac, up: true }])
    const over = { kind: 'macvlan', mac, up: true, peerIndex: lower.index, peerNetnsId: 0 }
    return this.addLink(namespace, { name, mtu, ...over })
  }

  async removeOver({ link: lower }: FarEnd, namespace: string): Promise<{ readonly finished: Promise<boolean> }> {
    this.calls++
    const there = this.#namespace(namespace)
    let found = false
    for (const { kind, name, peerIndex } of [...there.links.values()]) {
      if (kind !== 'macvlan' || peerIndex !== lower.index) continue
      there.links.delete(name)
      found = true
    }
    return { finished: Promise.resolve(found) }
  }

  apply(namespace: string, steps: readonly ContainerStep[]): ContainerStepResult[] {
    this.calls++
    const there = this.#namespace(namespace)
    return steps.map((step) => {
      try {
        run(there, step, (route) => this.addRoute(namespace, route))
        return { step, error: undefined }
      } catch (error) {
        if (error instanceof NetpluginError) return { step, error }
        throw error
      }
    })
  }

  #namespace(path: string): Namespace {
    const found = this.#namespaces.get(path)
    if (found === undefined) throw new NetpluginError('not-found', 'NAMESPACE_MISSING', `there is no namespace ${path}`)
    const onHost = new Set(this.#host.everyLink.map(({ index }) => index))
    for (const { name, index, peerIndex } of [...found.links.values()]) {
      if (peerIndex === undefined || onHost.has(peerIndex)) continue
      found.links.delete(name)
      found.addresses = found.addresses.filter((address) => address.index !== index)
      found.routes = found.routes.filter((route) => route.deviceIndex !== index)
    }
    return found
  }
}

function run(
  there: Namespace,
  step: ContainerStep,
  addRoute: (route: Pick<RouteInfo, 'destination' | 'deviceIndex' | 'protocol'> & Partial<RouteInfo>) => void,
): void {
  switch (step.kind) {
    case 'rename-link': {
      const link = [...there.links.values()].find(({ index }) => index === step.index)
      if (link === undefined) throw missing(`link ${step.index}`)
      if (there.links.has(step.name)) throw conflict(`the link ${step.name}`)
      there.links.delete(link.name)
      there.links.set(step.name, { ...link, name: step.name })
      break
    }
    case 'set-link': {
      const link = [...there.links.values()].find(({ index }) => index === step.index)
      if (link === undefined) throw missing(`link ${step.name}`)
      const { kind: _, ...change } = step
      there.links.set(link.name, { ...link, ...change })
      break
    }
    case 'add-address':
      there.addresses = [...there.addresses, addressInfo(step.index, step.address)]
      break
    case 'delete-address':
      there.addresses = there.addresses.filter(({ index, cidr }) => index !== step.index || cidr !== step.address)
      break
    case 'add-route': {
      const { kind: _, index: deviceIndex, ...route } = step
      if (there.routes.some(({ destination }) => destination === route.destination)) throw conflict('the route')
      addRoute({ ...route, deviceIndex, protocol: ownRouteProtocol })
      break
    }
    case 'delete-route':
      there.routes = there.routes.filter(
        ({ destination, deviceIndex, via }) =>
          destination !== step.destination || deviceIndex !== step.index || via !== step.via,
      )
      break
    default:
      unreachable(step)
  }
}

function addressInfo(index: number, cidr: string): AddressInfo {
  const [address = '', length] = cidr.split('/')
  const family = address.includes(':') ? 6 : 4
  const flags = { scope: 'global', tentative: false, duplicate: false, noPrefixRoute: false } as const
  return { index, family, address, prefixLength: Number(length), cidr, ...flags }
}

function conflict(what: string): NetpluginError {
  return new NetpluginError('conflict', 'NETLINK_EEXIST', `${what} exists already`)
}

function missing(what: string): NetpluginError {
  return new NetpluginError('not-found', 'NETLINK_ENODEV', `there is no ${what}`)
}
