// A host in memory: for tests of planning and of the agent. Behaves as the kernel does where a planner can tell.

import { type HostFacts, type HostStep, ownRouteProtocol } from '../../core/plan/host.ts'
import { farAlias, ownLinkGroup } from '../../core/plan/veths.ts'
import { canonicalIpv6 } from '../../lib/address.ts'
import { NetpluginError, unreachable } from '../../lib/errors.ts'
import type { AddressInfo, LinkEvent, LinkInfo, RouteInfo } from '../../protocols/netlink/index.ts'
import type { HostDriver, HostStepResult, Underlay } from './host.ts'

type CreateVeth = HostStep & { readonly kind: 'create-veth' }

type Links = Map<string, LinkInfo>

export class FakeHost implements HostDriver {
  readonly #links: Links = new Map()
  /** Those of the far namespace. */
  readonly #farLinks: Links | undefined
  readonly #listeners = new Set<(event: LinkEvent) => void>()
  readonly #hasKernelOpenVswitch: boolean
  #addresses: readonly AddressInfo[] = []
  #routes: readonly RouteInfo[] = []
  #lastIndex = 1
  /** What was handed out since the last change. */
  #byName: ReadonlyMap<string, LinkInfo> | undefined
  #farByName: ReadonlyMap<string, LinkInfo> | undefined
  /** Names of the links whose transmit checksums were switched off. */
  readonly txChecksumOff = new Set<string>()
  /** Neighbours to be asked for again. */
  readonly forgotten: string[] = []

  /** It has a far namespace, unless it is told otherwise. */
  constructor(options: { readonly hasKernelOpenVswitch: boolean; readonly hasFar?: boolean }) {
    this.#hasKernelOpenVswitch = options.hasKernelOpenVswitch
    if (options.hasFar !== false) this.#farLinks = new Map()
  }

  facts(): HostFacts {
    this.#byName ??= new Map(this.#links)
    this.#farByName ??= this.#farLinks && new Map(this.#farLinks)
    return {
      links: this.#byName,
      ...(this.#farByName === undefined ? {} : { farLinks: this.#farByName }),
      addresses: this.#addresses,
      routes: this.#routes.filter((route) => route.protocol === ownRouteProtocol),
      foreignRoutes: () => this.#routes.filter((route) => route.protocol !== ownRouteProtocol),
      hasKernelOpenVswitch: this.#hasKernelOpenVswitch,
    }
  }

  distrust(): void {}

  /** All routes, also those of others. */
  get routes(): readonly RouteInfo[] {
    return this.#routes
  }

  apply(steps: readonly HostStep[]): HostStepResult[] {
    return steps.map((step) => {
      try {
        this.#run(step)
        return { step, error: undefined }
      } catch (error) {
        if (error instanceof NetpluginError) return { step, error }
        throw error
      }
    })
  }

  watch(listener: (event: LinkEvent) => void): () => void {
    const own = (event: LinkEvent) => listener(event)
    this.#listeners.add(own)
    return () => void this.#listeners.delete(own)
  }

  underlay(address: string): Underlay | undefined {
    const wanted = canonicalIpv6(address) ?? address
    const holder = this.#addresses.find((candidate) => candidate.address === wanted)
    const link = [...this.#links.values()].find((candidate) => candidate.index === holder?.index)
    return link === undefined ? undefined : { device: link.name, mtu: link.mtu }
  }

  forgetNeighbour(address: string): void {
    this.forgotten.push(address)
  }

  async close(): Promise<void> {
    this.#listeners.clear()
  }

  /** Puts a link there as another hand would have: the switch, an administrator. */
  addLink(link: Partial<LinkInfo> & { readonly name: string }, among: Links = this.#links): LinkInfo {
    const index = ++this.#lastIndex
    const plain = { kind: '', mac: '', mtu: 1500, up: false, carrier: false, alias: '', group: 0, masterIndex: 0 }
    const added: LinkInfo = { ...plain, index, ...link }
    this.#put(added, among)
    return added
  }

  /** The same in the far namespace. */
  addFarLink(link: Partial<LinkInfo> & { readonly name: string }): LinkInfo {
    return this.addLink(link, this.#far)
  }

  addRoute(route: Pick<RouteInfo, 'destination' | 'deviceIndex' | 'protocol'> & Partial<RouteInfo>): void {
    const family = route.destination.includes(':') ? 6 : 4
    const plain = { family, scope: 'link', type: 'unicast', table: 254, metric: 0, onLink: false } as const
    this.#routes = [...this.#routes, { ...plain, ...route }]
  }

  /** As a runtime does with the end that a container gets. */
  moveAway(name: string): void {
    for (const links of this.#all) {
      const link = links.get(name)
      if (link !== undefined) this.#take(link, links)
    }
  }

  /** All links, wherever they are. */
  get everyLink(): readonly LinkInfo[] {
    return this.#all.flatMap((links) => [...links.values()])
  }

  #run(step: HostStep): void {
    switch (step.kind) {
      case 'create-veth':
        this.#createVeth(step)
        break
      case 'claim-veth': {
        const { name, index, peerIndex, mac, mtu, alias, isFar } = step
        const resize = mtu === undefined ? {} : { mtu }
        const mark = isFar === true ? { alias } : {}
        this.#setLink(name, peerIndex, { ...resize, ...(mac === undefined ? {} : { mac }), ...mark })
        this.#setLink(name, index, { ...resize, ...(isFar === true ? {} : { alias }) })
        break
      }
      case 'disable-tx-checksum':
        if (!(step.isFar === true ? this.#far : this.#links).has(step.name)) throw missing(step.name)
        this.txChecksumOff.add(step.name)
        break
      case 'set-link': {
        const { kind: _, name, index, isFar: __, ...change } = step
        this.#setLink(name, index, change)
        break
      }
      case 'delete-link':
        this.#deleteLink(step.index)
        break
      case 'add-address':
        this.#addAddress(step.index, step.address)
        break
      case 'delete-address':
        this.#addresses = this.#addresses.filter(({ index, cidr }) => index !== step.index || cidr !== step.address)
        break
      case 'add-route': {
        const { kind: _, index: deviceIndex, ...route } = step
        const taken = this.#routes.some(({ destination, metric }) => destination === step.destination && metric === 0)
        if (taken) throw conflict(`the route to ${step.destination}`)
        this.addRoute({ ...route, deviceIndex, protocol: ownRouteProtocol })
        break
      }
      case 'delete-route':
        this.#routes = this.#routes.filter(
          (route) =>
            route.protocol !== ownRouteProtocol ||
            route.destination !== step.destination ||
            route.deviceIndex !== step.index ||
            route.via !== step.via,
        )
        break
      default:
        unreachable(step)
    }
  }

  get #far(): Links {
    if (this.#farLinks === undefined) throw new Error('there is no far namespace')
    return this.#farLinks
  }

  get #all(): readonly Links[] {
    return this.#farLinks === undefined ? [this.#links] : [this.#links, this.#farLinks]
  }

  #createVeth({ name, peer, mac, mtu, alias, txChecksum, isFar = false }: CreateVeth): void {
    const among = isFar ? this.#far : this.#links
    if (this.#links.has(name)) throw conflict(`the link ${name}`)
    if (among.has(peer)) throw conflict(`the link ${peer}`)
    const common = { kind: 'veth', mtu, ...(isFar ? { peerNetnsId: 0 } : {}) }
    const mark = isFar ? { alias, up: true } : {}
    const peerLink = this.addLink({ ...common, name: peer, mac, peerIndex: this.#lastIndex + 2, ...mark }, among)
    const ends = { group: ownLinkGroup, peerIndex: peerLink.index, up: true }
    this.addLink({ ...common, name, alias: isFar ? farAlias : alias, ...ends })
    for (const end of [name, peer]) {
      if (txChecksum) this.txChecksumOff.delete(end)
      else this.txChecksumOff.add(end)
    }
  }

  #setLink(name: string, index: number, change: Partial<LinkInfo>): void {
    if (Object.keys(change).length === 0) return
    for (const links of this.#all) {
      const link = [...links.values()].find((candidate) => candidate.index === index)
      if (link === undefined) continue
      this.#put({ ...link, ...change }, links)
      return
    }
    throw missing(name)
  }

  #deleteLink(index: number): void {
    for (const links of this.#all) {
      for (const link of [...links.values()]) {
        // The other end of a veth goes too, if it is not in a container.
        const isPeer = link.kind === 'veth' && link.peerIndex === index
        if (link.index === index || isPeer) this.#take(link, links)
      }
    }
  }

  #addAddress(index: number, cidr: string): void {
    if (this.#addresses.some((held) => held.index === index && held.cidr === cidr))
      throw conflict(`the address ${cidr}`)
    const [address = '', length] = cidr.split('/')
    const flags = { scope: 'global', tentative: false, duplicate: false, noPrefixRoute: false } as const
    const family = address.includes(':') ? 6 : 4
    const added: AddressInfo = { index, family, address, prefixLength: Number(length), cidr, ...flags }
    this.#addresses = [...this.#addresses, added]
    this.#tell({ type: 'address', address: added })
  }

  #put(link: LinkInfo, among: Links): void {
    among.set(link.name, link)
    this.#changed(among, { type: 'link', link })
  }

  #take(link: LinkInfo, among: Links): void {
    among.delete(link.name)
    this.#addresses = this.#addresses.filter(({ index }) => index !== link.index)
    this.#routes = this.#routes.filter(({ deviceIndex }) => deviceIndex !== link.index)
    this.#changed(among, { type: 'link-gone', link })
  }

  #changed(links: Links, event: LinkEvent): void {
    if (links === this.#farLinks) this.#farByName = undefined
    else {
      this.#byName = undefined
      this.#tell(event)
    }
  }

  #tell(event: LinkEvent): void {
    for (const listener of [...this.#listeners]) listener(event)
  }
}

function conflict(what: string): NetpluginError {
  return new NetpluginError('conflict', 'NETLINK_EEXIST', `${what} exists already`)
}

function missing(name: string): NetpluginError {
  return new NetpluginError('not-found', 'NETLINK_ENODEV', `there is no link named '${name}'`)
}
