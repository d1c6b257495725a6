// One netmaster: its parts, the REST server, and the stream to the nodes.

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
import type { Log } from '../lib/log.ts'
import { Tasks } from '../lib/tasks.ts'
import type { FlowLimits } from '../model/policy-cost.ts'
import type { VersionView } from '../model/service.ts'
import { type Defaults, prepareStore, seedCluster } from './bootstrap.ts'
import { Cluster } from './cluster.ts'
import { createServer, parametersOf, type ServerOptions, serverDefaults } from './http.ts'
import { formatListen, type Listen, listenOn, listenToo, reachable } from './listen.ts'
import { defaultFlowLimits } from './objects/rule-budget.ts'
import { Parts, type PartsOptions } from './parts.ts'
import { addReference } from './reference-routes.ts'
import { type StreamPosition, streamState } from './stream.ts'

export interface NetmasterOptions extends Defaults, PartsOptions {
  /** What the cluster is run for: docker, … Shown by `inspect`. */
  readonly clusterMode: string
  readonly version: VersionView
  /** Changes kept in memory for streams that come back. */
  readonly historyLimit: number
  /** The address of this host that others reach, shown where it listens on all of them; left out: the loopback. */
  readonly localAddress?: string
  /** Beyond which rules are refused; left out: more than anybody needs. */
  readonly flows?: FlowLimits
  /** How patient the server is; left out: as is fit for users. */
  readonly server?: ServerOptions
}

export interface NetmasterDeps {
  readonly store: Store
  readonly clock: Clock
  readonly log: Log
}

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
  readonly #parts: Parts
  readonly #leaving = new AbortController()
  #registration: Promise<void> | undefined

  /** Use `createNetmaster`. */
  constructor(
    cluster: Cluster,
    options: PartsOptions & Pick<NetmasterOptions, 'server' | 'localAddress'>,
    deps: NetmasterDeps,
  ) {
    this.cluster = cluster
    this.#deps = deps
    this.#tasks = new Tasks({ log: deps.log })
    const { app, routes } = createServer(options.server ?? serverDefaults, deps)
    this.app = app
    this.#routes = routes
    this.#localAddress = options.localAddress ?? '127.0.0.1'
    const connect = (address: string) => new Transport({ baseUrl: `http://${address}`, timeoutMs: newsMs })
    this.#parts = new Parts(options, { ...deps, cluster, connect, stopping: this.#stopping.signal })
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
    await this.#parts.addRoutes(this.app, routes)
    for (const { name, run } of this.#parts.talk()) this.#tasks.spawn(name, run)
    const { counts, members } = this.#parts
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

  /** Listens, on a second address too when one is given for nodes, and starts its work; answers the address, `host:port`. */
  async start(listen: Listen, control?: Listen): Promise<string> {
    const bound = await listenOn(this.app, listen)
    this.#served = reachable(bound, this.#localAddress)
    this.#published = this.#served
    if (control !== undefined && formatListen(control) !== formatListen(bound)) {
      const too = await listenToo(this.app, control)
      this.#control = too.listener
      this.#published = reachable(too.bound, this.#localAddress)
    }
    this.#registration = this.#parts.masters?.run(formatListen(this.#published), this.#leaving.signal)
    for (const { name, run } of this.#parts.work(this.#leaving.signal)) this.#tasks.spawn(name, run)
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

  #describeMasters() {
    const own = formatListen(this.#published)
    const { masters } = this.#parts
    const leader = masters === undefined ? own : (masters.leader?.address ?? '')
    const hosts = masters?.list().map(({ address }) => hostOf(address)) ?? [this.#published.host]
    return {
      'current-state': leader === own ? 'leader' : 'follower',
      'leader-ip': leader,
      'local-ip': this.#served.host,
      'netmaster-nodes': hosts,
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
