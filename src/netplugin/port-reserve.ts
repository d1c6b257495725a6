// Ports made in advance. To make a port the switch stands still for about 10 ms, and not much longer to make eight. So some
// wait ready, a veth pair on the switch without flows, and an endpoint takes one by name, MAC address and alias: no port
// has to be made while a container waits for it.
//
// Those for endpoints of CNI lie otherwise (core/plan/veths.ts), so they are others, made once CNI is used here. Such an endpoint
// gives its pair back clean: its container had an interface over it, and that is gone.
//
// The alias of a link says whose it is, in the kernel, where it outlives us.

import { portNames } from '../core/compile/compile-node.ts'
import type { LocalEndpoint, PortNames } from '../core/compile/node-network.ts'
import type { HostFacts } from '../core/plan/host.ts'
import { cniReserveAlias, endpointOfMark, findPeer, isOwnVeth, markOf, reserveAlias } from '../core/plan/veths.ts'
import { isCniId } from '../model/cni-endpoint.ts'
import type { LinkInfo } from '../protocols/netlink/index.ts'

interface Options {
  /** How many wait when it is full, of each kind; 0 = none, every port is made when its endpoint comes. */
  readonly size: number
  /** Makes the names differ from those of an earlier start. */
  readonly seed: string
}

type Present = Pick<HostFacts, 'links' | 'farLinks'>

/** Pairs that wait for endpoints of one kind. */
interface Pool {
  /** More than these go. */
  readonly most: number
  /** By port name. */
  readonly waiting: Map<string, PortNames>
  /** Those that can be taken now. */
  readonly ready: PortNames[]
}

export class PortReserve {
  readonly #options: Options
  readonly #taken = new Map<string, PortNames>()
  readonly #unmarked = new Set<string>()
  readonly #docker: Pool
  readonly #cni: Pool
  #present: Present = { links: new Map() }
  /** Whether CNI was used here. */
  #servesCni = false
  /** Endpoints whose pairs nothing is over any more. */
  readonly #released = new Set<string>()
  #serial = 0

  constructor(options: Options) {
    this.#options = options
    const { size } = options
    this.#docker = { most: size, waiting: new Map(), ready: [] }
    // Room for those that are given back: to take ports away costs as much as to make them.
    this.#cni = { most: 2 * size, waiting: new Map(), ready: [] }
  }

  /** Takes in what is there; begins a pass. `ofPorts`: by port name, the ports that the switch has numbered. */
  look(present: Present, ofPorts: ReadonlyMap<string, number>): void {
    this.#present = present
    for (const { waiting, ready } of [this.#docker, this.#cni]) {
      waiting.clear()
      ready.length = 0
    }
    const taken = new Set([...this.#taken.values()].map(({ portName }) => portName))
    for (const link of present.links.values()) {
      if (!isOwnVeth(link)) continue
      const names = namesOfPort(link.name)
      const mark = markOf(link, findPeer(names.peerName, link, present))
      const pool = mark === reserveAlias ? this.#docker : mark === cniReserveAlias ? this.#cni : undefined
      if (pool === undefined) {
        const endpointId = endpointOfMark(mark)
        if (endpointId !== '' && !this.#taken.has(endpointId)) this.#taken.set(endpointId, names)
        continue
      }
      this.#servesCni ||= pool === this.#cni
      if (taken.has(link.name) || !this.#isUsable(link, pool) || pool.waiting.size === pool.most) continue
      pool.waiting.set(names.portName, names)
      if (link.up && ofPorts.has(names.portName)) pool.ready.push(names)
    }
  }

  /** The names of an endpoint's pair: those it has, else those of a waiting one, else its own. */
  names(endpointId: string): PortNames {
    const { links } = this.#present
    const pool = isCniId(endpointId) ? this.#cni : this.#docker
    this.#servesCni ||= pool === this.#cni
    const taken = this.#taken.get(endpointId)
    if (taken !== undefined && links.has(taken.portName)) return taken
    const own = portNames(endpointId)
    if (links.has(own.portName)) return own
    const waiting = pool.ready.shift()
    if (waiting === undefined) return own
    pool.waiting.delete(waiting.portName)
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
    const { most, waiting } = this.#cni
    const givenBack: string[] = []
    for (const [id, names] of this.#taken) {
      if (local.has(id)) continue
      this.#taken.delete(id)
      const link = this.#present.links.get(names.portName)
      const isClean = this.#released.has(id) && link !== undefined && this.#isUsable(link, this.#cni)
      if (!isClean || waiting.size >= most) continue
      waiting.set(names.portName, names)
      givenBack.push(id)
    }
    // Of one that came again nothing is known.
    this.#released.clear()
    return givenBack
  }

  /** Half empty: time to make new ones, several at once. */
  get isLow(): boolean {
    const { size } = this.#options
    return size > 0 && this.#filled.some(({ waiting }) => waiting.size <= size / 2)
  }

  /** Names new ones until it is full. */
  fill(): void {
    const { size, seed } = this.#options
    for (const { waiting } of this.#filled) {
      while (waiting.size < size) {
        const names = portNames(`reserve ${seed} ${this.#serial++}`)
        if (!this.#present.links.has(names.portName)) waiting.set(names.portName, names)
      }
    }
  }

  /** Those that wait for an endpoint. */
  get waiting(): readonly PortNames[] {
    return [...this.#docker.waiting.values()]
  }

  /** Those that wait for an endpoint of CNI. */
  get waitingForCni(): readonly PortNames[] {
    return [...this.#cni.waiting.values()]
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

  get #filled(): readonly Pool[] {
    return this.#servesCni ? [this.#docker, this.#cni] : [this.#docker]
  }

  /** Whether the far end is where endpoints of the pool need it, and nothing is over it. */
  #isUsable(link: LinkInfo, pool: Pool): boolean {
    const far = findPeer(namesOfPort(link.name).peerName, link, this.#present)
    if (far === undefined || pool === this.#docker) return far?.isFar === false
    return far.isFar === (this.#present.farLinks !== undefined) && far.link.promiscuity === undefined
  }
}

function namesOfPort(portName: string): PortNames {
  return { portName, peerName: `np${portName.slice(2)}` }
}

/** The switch's end of a pair by its other one. */
export function portOfPeer(peerName: string): string {
  return `vp${peerName.slice(2)}`
}
