// A copy of the links and addresses of a namespace, kept up to date by the kernel's events: reading all of them costs
// about 25 us a link, and a host with a thousand containers would pay that with every pass.

import type { AddressInfo, LinkEvent, LinkInfo } from '../../protocols/netlink/index.ts'

export class LinkMirror {
  readonly #links = new Map<number, LinkInfo>()
  readonly #addresses = new Map<string, AddressInfo>()
  #stale = true
  /** What was handed out since the last change. */
  #byName: ReadonlyMap<string, LinkInfo> | undefined
  #known: readonly AddressInfo[] | undefined

  /** True: call `fill` before reading. */
  get isStale(): boolean {
    return this.#stale
  }

  /** The kernel does not tell of everything (a new alias of a link that is down, for one): have it filled again. */
  distrust(): void {
    this.#stale = true
  }

  /** Replaces everything by what was just read. */
  fill(links: readonly LinkInfo[], addresses: readonly AddressInfo[]): void {
    this.#stale = false
    this.#changed()
    this.#links.clear()
    this.#addresses.clear()
    for (const link of links) this.#links.set(link.index, link)
    for (const address of addresses) this.#addresses.set(addressKey(address), address)
  }

  /** Events that are older than the last `fill` do no harm when all that follow them are taken too. */
  take(event: LinkEvent): void {
    this.#changed()
    switch (event.type) {
      case 'link':
        this.#links.set(event.link.index, event.link)
        break
      case 'link-gone':
        this.#links.delete(event.link.index)
        break
      case 'address':
        this.#addresses.set(addressKey(event.address), event.address)
        break
      case 'address-gone':
        this.#addresses.delete(addressKey(event.address))
        break
      case 'resync':
        this.#stale = true
        break
    }
  }

  /** By name. */
  links(): ReadonlyMap<string, LinkInfo> {
    this.#byName ??= new Map([...this.#links.values()].map((link) => [link.name, link]))
    return this.#byName
  }

  link(index: number): LinkInfo | undefined {
    return this.#links.get(index)
  }

  addresses(): readonly AddressInfo[] {
    this.#known ??= [...this.#addresses.values()].filter((address) => this.#links.has(address.index))
    return this.#known
  }

  #changed(): void {
    this.#byName = undefined
    this.#known = undefined
  }
}

function addressKey({ index, cidr }: AddressInfo): string {
  return `${index} ${cidr}`
}
