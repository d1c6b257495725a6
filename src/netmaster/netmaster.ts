// One netmaster: cluster, REST server, stream to the nodes, and the sweep of unused reservations.

import type { Server } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { describeApi, type OpenApiDocument } from '../api/openapi.ts'
import type { AnyRoute } from '../api/route.ts'
import { streamPath } from '../api/routes/nodes.ts'
import { Transport } from '../api/transport.ts'
import type { Store } from '../drivers/store/store.ts'
import type { Clock } from '../lib/clock.ts'
import { asError } from '../lib/errors.ts'
import { hash32 } from '../lib/hash.ts'
import type { Log } from '../lib/log.ts'
import { Tasks } from '../lib/tasks.ts'
import type { FlowLimits } from '../model/policy-cost.ts'
import type { VersionView } from '../model/service.ts'
import { freeOldReservations } from './addresses.ts'
import { type Defaults, prepareStore, seedCluster } from './bootstrap.ts'
import { Cluster } from './cluster.ts'
import { Counts } from './counts.ts'
import type { Fence } from './decision.ts'
import { Exchange, type FirstHand } from './exchange.ts'
import { createServer, parametersOf, type ServerOptions, serverDefaults } from './http.ts'
import { formatListen, type Listen, listenOn, listenToo, reachable } from './listen.ts'
import { defaultLossTimes, type LossTimes } from './lost-nodes.ts'
import { Masters } from './masters.ts'
import { Members } from './members.ts'
import { Nodes } from './nodes.ts'
import { defaultFlowLimits } from './objects/rule-budget.ts'
import { addReference } from './reference-routes.ts'
import { addRoutes } from './routes.ts'
import { type StreamPosition, streamState } from './stream.ts'
import { NodeWatch } from './watch-nodes.ts'

export interface NetmasterOptions extends Defaults {
  /** What the cluster is run for: docker, … Shown by `inspect`. */
  readonly clusterMode: string
  readonly version: VersionView
  /** Changes kept in memory for streams that come back. */
  readonly historyLimit: number
  /** Names this process: another one each time netmaster is started. */
  readonly instance: string
  /** Other netmasters use the store, too; left out: none does. */
  readonly isShared?: boolean
  /** The address of this host that others reach, shown where it listens on all of them; left out: the loopback. */
  readonly localAddress?: string
  /** Beyond which rules are refused; left out: more than anybody needs. */
  readonly flows?: FlowLimits
  /** When hosts are lost, and dead; left out: after half a minute, and a day. */
  readonly loss?: LossTimes
  /** How patient the server is; left out: as is fit for users. */
  readonly server?: ServerOptions
}

export interface NetmasterDeps {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
}

/** How often unused reservations are looked for. */
const sweepMs = 10_000
/** How long another master may take for what it is told; it may have to ask nodes. */
const newsMs = 4_000
/** How long leaving may take where the store does not answer: others then find out by themselves. */
const handOverMs = 1_000

export class Netmaster {
  /** For tests: `inject` serves a request without a socket. */
  readonly app: FastifyInstance
  readonly cluster: Cluster
  readonly #deps: NetmasterDeps
  readonly #tasks: Tasks
  readonly #routes: readonly AnyRoute[]
  readonly #stopping = new AbortController()
  readonly #localAddress: string
  #served: Listen = { host: '', port: 0 }
  /** What nodes are told. */
  #published: Listen = { host: '', port: 0 }
  #control: Server | undefined
  /** Undefined: nobody else uses the store. */
  readonly #masters: Masters | undefined
  readonly #leaving = new AbortController()
  #nodeWatch: NodeWatch | undefined
  #registration: Promise<void> | undefined

  /** Use `createNetmaster`. */
  constructor(
    cluster: Cluster,
    options: Pick<NetmasterOptions, 'instance' | 'isShared' | 'server' | 'localAddress'>,
    deps: NetmasterDeps,
  ) {
    this.cluster = cluster
    this.#deps = deps
    this.#tasks = new Tasks({ log: deps.log })
    const { app, routes } = createServer(options.server ?? serverDefaults, deps)
    this.app = app
    this.#routes = routes
    this.#localAddress = options.localAddress ?? '127.0.0.1'
    if (options.isShared === true) this.#masters = new Masters(options, { cluster, ...deps })
  }

  /** Everything that is served, as OpenAPI. */
  describe(version = ''): Promise<OpenApiDocument> {
    return describeApi(this.#routes, version)
  }

  async prepare(options: NetmasterOptions, netMode: Defaults['netMode']): Promise<void> {
    const { cluster } = this
    const { clock } = this.#deps
    const routes = {
      global: { clusterMode: options.clusterMode, fwdMode: options.fwdMode },
      network: { defaultEncap: netMode },
      flows: options.flows ?? defaultFlowLimits,
      version: options.version,
      info: () => this.#describeMasters(),
    }
    // Before the routes: they get it then. Whatever a client was told at one master, it reads at each.
    if (options.isShared === true) {
      this.app.addHook('preHandler', async ({ method, url }) => {
        if (method === 'GET' && !url.startsWith('/internal/')) await cluster.fresh()
      })
    }
    await addReference(this.app, this.#routes, options.version.Version)
    const times = options.loss ?? defaultLossTimes
    const nodes = new Nodes(times, {
      cluster,
      clock,
      log: this.#deps.log,
      stopping: this.#stopping.signal,
      heard: (node) => exchange?.heard(node),
    })
    this.#nodeWatch = new NodeWatch(times, { cluster, nodes, clock, log: this.#deps.log, lead: () => this.#lead() })
    const members = new Members({ cluster })
    const firstHand = {
      nodes: () => nodes.firstHand(),
      presence: (node: string) => nodes.news(node),
      members: () => members.firstHand(),
    }
    const masters = this.#masters
    const exchange = masters === undefined ? undefined : this.#openExchange(masters, firstHand)
    const firstId = hash32(options.instance) * 0x10_0000
    const counts = new Counts({ firstId }, { clock, ...(exchange && { elsewhere: exchange.ask.bind(exchange) }) })
    this.#tasks.spawn('members', () => members.run(this.#stopping.signal))
    const urls = () => masters?.list().map(({ address }) => `http://${address}`) ?? []
    const others = exchange === undefined || masters === undefined ? {} : { masters: { exchange, urls, all: masters } }
    const stopping = this.#stopping.signal
    await addRoutes(this.app, routes, { cluster, clock, counts, members, nodes, stopping, ...others })
    this.app.get(streamPath, (request, reply) => {
      reply.hijack()
      reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
      const node = parametersOf(request).node ?? ''
      this.#tasks.spawn(`stream to ${node}`, async () => {
        const log = this.#deps.log.with({ node })
        log.info('stream opened')
        const ended = counts.opened(node, reply.raw)
        const unfollow = hearsMembers(request) ? members.opened(node, reply.raw) : () => {}
        try {
          await streamState(reply.raw, positionOf(request), { cluster, clock }, this.#stopping.signal)
        } catch (error) {
          log.warn('stream cut', { error: asError(error).message })
        } finally {
          ended()
          unfollow()
          reply.raw.destroy()
          log.info('stream closed')
        }
      })
    })
    await this.app.ready()
  }

  /** Listens, on a second address too when one is given for nodes, and starts the sweep; answers the address, `host:port`. */
  async start(listen: Listen, control?: Listen): Promise<string> {
    const bound = await listenOn(this.app, listen)
    this.#served = reachable(bound, this.#localAddress)
    this.#published = this.#served
    if (control !== undefined && formatListen(control) !== formatListen(bound)) {
      const too = await listenToo(this.app, control)
      this.#control = too.listener
      this.#published = reachable(too.bound, this.#localAddress)
    }
    const masters = this.#masters
    if (masters !== undefined) {
      this.#registration = masters.run(formatListen(this.#published), this.#leaving.signal)
    }
    this.#tasks.spawn('reservation sweep', () => this.#sweep())
    this.#tasks.spawn('node watch', async () => this.#nodeWatch?.run(this.#leaving.signal))
    return formatListen(bound)
  }

  /** Hands over to other masters, ends streams and connections, waits for commits under way, closes the store. */
  async stop(): Promise<void> {
    this.#leaving.abort()
    await Promise.race([this.#registration, delay(handOverMs, undefined, { ref: false })])
    this.#stopping.abort()
    this.#control?.close()
    await this.app.close()
    await this.#tasks.settled()
    await this.cluster.close()
  }

  #openExchange(masters: Masters, firstHand: FirstHand): Exchange {
    const { clock, log } = this.#deps
    const connect = (address: string) => new Transport({ baseUrl: `http://${address}`, timeoutMs: newsMs })
    const changed = this.cluster.othersChanged
    const exchange = new Exchange({ peers: () => masters.peers(), changed, connect, firstHand, clock, log })
    this.#tasks.spawn('exchange with other masters', () => exchange.run(this.#stopping.signal))
    return exchange
  }

  #describeMasters() {
    const own = formatListen(this.#published)
    const leader = this.#masters === undefined ? own : (this.#masters.leader?.address ?? '')
    const hosts = this.#masters?.list().map(({ address }) => hostOf(address)) ?? [this.#published.host]
    return {
      'current-state': leader === own ? 'leader' : 'follower',
      'leader-ip': leader,
      'local-ip': this.#served.host,
      'netmaster-nodes': hosts,
    }
  }

  /** What commits of work in the background expect; undefined: another master does it. */
  #lead(): { readonly fence?: Fence } | undefined {
    if (this.#masters === undefined) return {}
    const { fence } = this.#masters
    return fence && { fence }
  }

  async #sweep(): Promise<void> {
    const { clock, log } = this.#deps
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        await clock.after(sweepMs, signal)
        const lead = this.#lead()
        if (lead === undefined || this.cluster.view.reservations.size === 0) continue
        const { result } = await this.cluster.transact((view) => freeOldReservations(view, clock.now()), lead.fence)
        if (result > 0) log.info('unused reservations freed', { count: result })
      } catch (error) {
        if (!signal.aborted) log.warn('reservation sweep failed', { error: asError(error).message })
      }
    }
  }
}

/** Opens the cluster in a store and prepares the server; `start` makes it listen. */
export async function createNetmaster(options: NetmasterOptions, deps: NetmasterDeps): Promise<Netmaster> {
  const { settings, snapshot } = await prepareStore(options, deps)
  const { historyLimit, instance: writer, isShared = false } = options
  const cluster = new Cluster({ historyLimit, writer, isShared }, deps, snapshot)
  await seedCluster(cluster, options)
  const netmaster = new Netmaster(cluster, options, deps)
  await netmaster.prepare(options, settings.netMode)
  return netmaster
}

/** Without the port. */
function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(':')).replace(/^\[(.*)\]$/, '$1')
}

/** Agents of older versions do not know such messages. */
function hearsMembers({ query }: FastifyRequest): boolean {
  return typeof query === 'object' && query !== null && 'members' in query
}

function positionOf(request: FastifyRequest): StreamPosition | undefined {
  const { query } = request
  if (typeof query !== 'object' || query === null || !('epoch' in query && 'since' in query)) return undefined
  const revision = Number(query.since)
  return Number.isSafeInteger(revision) && revision >= 0 ? { epoch: String(query.epoch), revision } : undefined
}
