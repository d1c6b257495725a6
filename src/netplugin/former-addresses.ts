// Addresses whose endpoint went. The switch still knows connections of theirs; whoever gets such an address next must not be
// taken for the one who had it, or packets would reach him that no rule has let through. So the former one's flows go first, then
// what is known of his connections, and only then the new one is admitted.

import type { EndpointView, NodeNetwork } from '../core/compile/node-network.ts'
import { outsideZone } from '../core/pipeline/features/outside.ts'
import { linkLocalOfMac } from '../lib/address.ts'
import { mapChanges } from '../lib/map-changes.ts'
import type { ConntrackMatch } from '../protocols/openflow/index.ts'

interface Former {
  /** Of its connections: that of its tenant, and that of its tenant's way out. */
  readonly zone: number
  readonly address: string
}

/** How many are forgotten in one go, unless somebody waits for their address: each costs the switch a look at all its connections. */
const atOnce = 50

export class FormerAddresses {
  #local: NodeNetwork['local'] = new Map()
  #remote: NodeNetwork['remote'] = new Map()
  /** Whether connections were ever tracked. */
  #tracked = false
  readonly #waiting = new Map<string, Former>()
  /** Endpoints that have one of these addresses now. */
  readonly #heirs = new Set<string>()

  /** How many addresses the switch still knows connections of. */
  get size(): number {
    return this.#waiting.size
  }

  /** Takes in which endpoints there are now, here and elsewhere. */
  note({ local, remote, policy, services }: NodeNetwork): void {
    this.#tracked ||= policy !== undefined || services.size > 0
    const changes = [...mapChanges<string, EndpointView>(this.#local, local), ...mapChanges(this.#remote, remote)]
    this.#local = local
    this.#remote = remote
    for (const { before, after } of changes) {
      if (before === undefined || (after !== undefined && isSame(before, after))) continue
      for (const former of this.#formerOf(before)) this.#waiting.set(keyOf(former), former)
    }
    for (const { key } of changes) this.#heirs.delete(key)
    for (const { key, after } of changes) {
      if (after !== undefined && this.#formerOf(after).some((former) => this.#waiting.has(keyOf(former))))
        this.#heirs.add(key)
    }
  }

  #formerOf(endpoint: EndpointView): Former[] {
    const { network, ipv4, ipv6, mac } = endpoint
    const linkLocal = ipv6 === '' ? undefined : linkLocalOfMac(mac)
    const addresses = this.#tracked ? [ipv4, ipv6, linkLocal ?? ''].filter((address) => address !== '') : []
    const all = addresses.map((address) => ({ zone: network.tenantId, address }))
    // Only who is here goes out from here.
    const isHere = 'portName' in endpoint
    return isHere && network.nat ? [...all, { zone: outsideZone(network.tenantId), address: ipv4 }] : all
  }

  /** The network without those who are not admitted yet; the same object when that is nobody. */
  withoutHeirs(network: NodeNetwork): NodeNetwork {
    if (this.#heirs.size === 0) return network
    return { ...network, local: without(network.local, this.#heirs), remote: without(network.remote, this.#heirs) }
  }

  /** Has their connections forgotten: of all that somebody has now, and some others. Their flows must be gone. */
  async forget(flush: (match: ConntrackMatch) => Promise<void>): Promise<void> {
    const next = [...this.#waiting].slice(0, this.#heirs.size > 0 ? undefined : atOnce)
    await Promise.all(
      next.flatMap(([, { zone, address }]) => [
        flush({ zone, original: { source: address } }),
        flush({ zone, original: { destination: address } }),
      ]),
    )
    for (const [key] of next) this.#waiting.delete(key)
    this.#heirs.clear()
  }
}

function isSame(a: EndpointView, b: EndpointView): boolean {
  const sameAddresses = a.ipv4 === b.ipv4 && a.ipv6 === b.ipv6 && a.mac === b.mac
  return sameAddresses && a.groupId === b.groupId && a.network.tenantId === b.network.tenantId
}

function keyOf({ zone, address }: Former): string {
  return `${zone} ${address}`
}

function without<T>(map: ReadonlyMap<string, T>, ids: ReadonlySet<string>): ReadonlyMap<string, T> {
  return new Map([...map].filter(([id]) => !ids.has(id)))
}
