// What a netmaster consists of besides its server, and how that hangs together. Without sockets: the simulation runs the same.

import type { FastifyInstance } from 'fastify'
import type { Transport } from '../api/transport.ts'
import type { Store } from '../drivers/store/store.ts'
import type { Clock } from '../lib/clock.ts'
import { asError } from '../lib/errors.ts'
import { hash32 } from '../lib/hash.ts'
import type { Log } from '../lib/log.ts'
import { freeOldReservations } from './addresses.ts'
import type { Cluster } from './cluster.ts'
import { Counts } from './counts.ts'
import type { Fence } from './decision.ts'
import { Exchange } from './exchange.ts'
import { defaultLossTimes, type LossTimes } from './lost-nodes.ts'
import { Masters } from './masters.ts'
import { Members } from './members.ts'
import { Nodes } from './nodes.ts'
import { addRoutes, type RoutesOptions } from './routes.ts'
import { NodeWatch } from './watch-nodes.ts'

export interface PartsOptions {
  /** Names this process: another one each time netmaster is started. */
  readonly instance: string
  /** Other netmasters use the store, too; left out: none does. */
  readonly isShared?: boolean
  /** When hosts are lost, and dead; left out: after half a minute, and a day. */
  readonly loss?: LossTimes
}

export interface PartsDeps {
  readonly store: Store
  readonly cluster: Cluster
  readonly clock: Clock
  readonly log: Log
  /** Nobody is held back any longer. */
  readonly stopping: AbortSignal
  /** Another master, by its address. */
  readonly connect: (address: string) => Pick<Transport, 'call' | 'close'>
}

/** Something that goes on in the background, until its signal aborts. */
export interface Loop {
  readonly name: string
  readonly run: () => Promise<void>
}

/** How often unused reservations are looked for. */
const sweepMs = 10_000

export class Parts {
  readonly members: Members
  readonly counts: Counts
  /** Undefined: nobody else uses the store. */
  readonly masters: Masters | undefined
  readonly #nodes: Nodes
  readonly #exchange: Exchange | undefined
  readonly #watch: NodeWatch
  readonly #deps: PartsDeps

  constructor({ instance, isShared = false, loss = defaultLossTimes }: PartsOptions, deps: PartsDeps) {
    this.#deps = deps
    const { cluster, clock, connect } = deps
    this.#nodes = new Nodes(loss, { ...deps, heard: (node) => this.#exchange?.heard(node) })
    this.#watch = new NodeWatch(loss, { ...deps, nodes: this.#nodes, lead: () => this.#lead() })
    this.members = new Members({ cluster })
    const masters = isShared ? new Masters({ instance }, deps) : undefined
    this.masters = masters
    if (masters !== undefined) {
      const firstHand = {
        nodes: () => this.#nodes.firstHand(),
        presence: (node: string) => this.#nodes.news(node),
        members: () => this.members.firstHand(),
      }
      const changed = cluster.othersChanged
      this.#exchange = new Exchange({ ...deps, peers: () => masters.peers(), changed, connect, firstHand })
    }
    const elsewhere = this.#exchange?.ask.bind(this.#exchange)
    this.counts = new Counts({ firstId: hash32(instance) * 0x10_0000 }, { clock, ...(elsewhere && { elsewhere }) })
  }

  /** Everything that is served, but the stream to nodes. */
  async addRoutes(app: FastifyInstance, options: RoutesOptions): Promise<void> {
    const { masters, counts, members } = this
    const exchange = this.#exchange
    const urls = () => masters?.list().map(({ address }) => `http://${address}`) ?? []
    const others = masters && exchange && { masters: { exchange, urls, all: masters } }
    await addRoutes(app, options, { ...this.#deps, counts, members, nodes: this.#nodes, ...others })
  }

  /** What keeps this master and the others informed. */
  talk(): Loop[] {
    const { stopping } = this.#deps
    const exchange = this.#exchange
    const loops = [{ name: 'members', run: () => this.members.run(stopping) }]
    if (exchange !== undefined) loops.push({ name: 'exchange with other masters', run: () => exchange.run(stopping) })
    return loops
  }

  /** Work for the whole cluster, until the signal aborts. */
  work(signal: AbortSignal): Loop[] {
    return [
      { name: 'reservation sweep', run: () => this.#sweep(signal) },
      { name: 'node watch', run: () => this.#watch.run(signal) },
    ]
  }

  /** What commits of work in the background expect; undefined: another master does it. */
  #lead(): { readonly fence?: Fence } | undefined {
    if (this.masters === undefined) return {}
    const { fence } = this.masters
    return fence && { fence }
  }

  async #sweep(signal: AbortSignal): Promise<void> {
    const { cluster, clock, log } = this.#deps
    while (!signal.aborted) {
      try {
        await clock.after(sweepMs, signal)
        const lead = this.#lead()
        if (lead === undefined || cluster.view.reservations.size === 0) continue
        const { result } = await cluster.transact((view) => freeOldReservations(view, clock.now()), lead.fence)
        if (result > 0) log.info('unused reservations freed', { count: result })
      } catch (error) {
        if (!signal.aborted) log.warn('reservation sweep failed', { error: asError(error).message })
      }
    }
  }
}
