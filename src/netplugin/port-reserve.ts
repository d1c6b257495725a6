// Ports made in advance. To make a port the switch stands still for about 10 ms, and not much longer to make eight. So some
// wait ready, a veth pair on the switch without flows, and an endpoint takes one by name, MAC address and alias: no port
// has to be made while a container waits for it.
//
// An endpoint of CNI gives its pair back clean: its container had an interface over it, and that is gone. Such pairs wait beside
// the others, for the next endpoint of CNI.
//
// The alias of the link says whose it is, in the kernel, where it outlives us.

import { portNames } from '../core/compile/compile-node.ts'
import type { LocalEndpoint, PortNames } from '../core/compile/node-network.ts'
import { endpointOfAlias, findPeer, isOwnVeth, reserveAlias, wornAlias } from '../core/plan/host.ts'
import { isCniId } from '../model/cni-endpoint.ts'
import type { LinkInfo } from '../protocols/netlink/index.ts'

interface Options {
  /** How many wait when it is full; 0 = none, every port is made when its endpoint comes. */
  readonly size: number
  /** Makes the names differ from those of an earlier start. */
  readonly seed: string
}

interface Present {
  readonly links: ReadonlyMap<string, LinkInfo>
  /** By port name: the ports that the switch has numbered. */
  readonly ofPorts: ReadonlyMap<string, number>
}

export class PortReserve {
  readonly #options: Options
  readonly #taken = new Map<string, PortNames>()
  readonly #unmarked = new Set<string>()
  #links: ReadonlyMap<string, LinkInfo> = new Map()
  #waiting = new Map<string, PortNames>()
  #worn = new Map<string, PortNames>()
  #ready: PortNames[] = []
  #wornReady: PortNames[] = []
  /** Endpoints whose pairs nothing is over any more. */
  readonly #released = new Set<string>()
  #serial = 0

  constructor(options: Options) {
    this.#options = options
  }

  /** Takes in what is there; begins a pass. */
  look({ links, ofPorts }: Present): void {
    this.#links = links
    this.#waiting = new Map()
    this.#worn = new Map()
    this.#ready = []
    this.#wornReady = []
    const taken = new Set([...this.#taken.values()].map(({ portName }) => portName))
    for (const link of links.values()) {
      if (!isOwnVeth(link)) continue
      const names = namesOfPort(link.name)
      if (link.alias !== reserveAlias && link.alias !== wornAlias) {
        const endpointId = endpointOfAlias(link.alias)
        if (endpointId !== '' && !this.#taken.has(endpointId)) this.#taken.set(endpointId, names)
        continue
      }
      if (taken.has(link.name) || findPeer(names.peerName, link, links) === undefined) continue
      const isWorn = link.alias === wornAlias
      const waiting = isWorn ? this.#worn : this.#waiting
      // More than there shall be: they go.
      if (waiting.size === this.#options.size) continue
      waiting.set(names.portName, names)
      if (link.up && ofPorts.has(names.portName)) (isWorn ? this.#wornReady : this.#ready).push(names)
    }
  }

  /** The names of an endpoint's pair: those it has, else those of a waiting one, else its own. */
  names(endpointId: string): PortNames {
    const taken = this.#taken.get(endpointId)
    if (taken !== undefined && this.#links.has(taken.portName)) return taken
    const own = portNames(endpointId)
    if (this.#links.has(own.portName)) return own
    const waiting = (isCniId(endpointId) ? this.#wornReady.shift() : undefined) ?? this.#ready.shift()
    if (waiting === undefined) return own
    this.#waiting.delete(waiting.portName)
    this.#worn.delete(waiting.portName)
    this.#taken.set(endpointId, waiting)
    this.#unmarked.add(waiting.portName)
    return waiting
  }

  /** Nothing is over the endpoint's pair any more: when the endpoint is gone, too, the pair may wait for another. */
  release(endpointId: string): void {
    this.#released.add(endpointId)
  }

  /** Forgets endpoints that are not here. Answers those whose pairs wait again. */
  keep(local: ReadonlyMap<string, LocalEndpoint>): readonly string[] {
    const givenBack: string[] = []
    for (const [id, names] of this.#taken) {
      if (local.has(id)) continue
      this.#taken.delete(id)
      if (!this.#released.has(id) || this.#worn.size >= this.#options.size) continue
      this.#worn.set(names.portName, names)
      givenBack.push(id)
    }
    // Of one that came again nothing is known.
    this.#released.clear()
    return givenBack
  }

  /** Half empty: time to make new ones, several at once. */
  get isLow(): boolean {
    return this.#waiting.size <= this.#options.size / 2 && this.#options.size > 0
  }

  /** Names new ones until it is full. */
  fill(): void {
    while (this.#waiting.size < this.#options.size) {
      const names = portNames(`reserve ${this.#options.seed} ${this.#serial++}`)
      if (!this.#links.has(names.portName)) this.#waiting.set(names.portName, names)
    }
  }

  /** Those that wait for another endpoint of CNI. */
  get worn(): readonly PortNames[] {
    return [...this.#worn.values()]
  }

  /** Those that wait for an endpoint, fresh. */
  get waiting(): readonly PortNames[] {
    return [...this.#waiting.values()]
  }

  /**
   * Ports that have an endpoint while the switch's database calls them waiting still: to write there costs the switch as
   * much as a port, so it is done together with other changes.
   */
  get unmarked(): ReadonlySet<string> {
    return this.#unmarked
  }

  /** From now on the database shall say which endpoint has which port. */
  mark(): void {
    this.#unmarked.clear()
  }
}

function namesOfPort(portName: string): PortNames {
  return { portName, peerName: `np${portName.slice(2)}` }
}

/** The switch's end of a pair by its other one. */
export function portOfPeer(peerName: string): string {
  return `vp${peerName.slice(2)}`
}
