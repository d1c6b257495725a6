// One netmaster: cluster, REST server, stream to the nodes, and the sweep of unused reservations.

import type { FastifyInstance, FastifyRequest } from 'fastify'
import { describeApi, type OpenApiDocument } from '../api/openapi.ts'
import type { AnyRoute } from '../api/route.ts'
import { streamPath } from '../api/routes/nodes.ts'
import type { Store } from '../drivers/store/store.ts'
import type { Clock } from '../lib/clock.ts'
import { asError, NetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Tasks } from '../lib/tasks.ts'
import type { VersionView } from '../model/service.ts'
import { freeOldReservations } from './addresses.ts'
import { type Defaults, prepareStore, seedCluster } from './bootstrap.ts'
import { Cluster } from './cluster.ts'
import { createServer, parametersOf, type ServerOptions, serverDefaults } from './http.ts'
import { Nodes } from './nodes.ts'
import { addReference } from './reference-routes.ts'
import { addRoutes } from './routes.ts'
import { type StreamPosition, streamState } from './stream.ts'

export interface NetmasterOptions extends Defaults {
  /** What the cluster is run for: docker, … Shown by `inspect`. */
  readonly clusterMode: string
  readonly version: VersionView
  /** Changes kept in memory for streams that come back. */
  readonly historyLimit: number
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

export class Netmaster {
  /** For tests: `inject` serves a request without a socket. */
  readonly app: FastifyInstance
  readonly cluster: Cluster
  readonly #deps: NetmasterDeps
  readonly #tasks: Tasks
  readonly #routes: readonly AnyRoute[]
  readonly #stopping = new AbortController()
  #address = ''

  /** Use `createNetmaster`. */
  constructor(cluster: Cluster, options: ServerOptions, deps: NetmasterDeps) {
    this.cluster = cluster
    this.#deps = deps
    this.#tasks = new Tasks({ log: deps.log })
    const { app, routes } = createServer(options, deps)
    this.app = app
    this.#routes = routes
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
      version: options.version,
      info: () => ({
        'current-state': 'leader',
        'leader-ip': this.#address,
        'local-ip': this.#address.replace(/:\d+$/, ''),
        'netmaster-nodes': [this.#address.replace(/:\d+$/, '')],
      }),
    }
    await addReference(this.app, this.#routes, options.version.Version)
    await addRoutes(this.app, routes, { cluster, clock, nodes: new Nodes({ cluster, clock }) })
    this.app.get(streamPath, (request, reply) => {
      reply.hijack()
      reply.raw.writeHead(200, { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' })
      const node = parametersOf(request).node ?? ''
      this.#tasks.spawn(`stream to ${node}`, async () => {
        const log = this.#deps.log.with({ node })
        log.info('stream opened')
        try {
          await streamState(reply.raw, positionOf(request), { cluster, clock }, this.#stopping.signal)
        } catch (error) {
          log.warn('stream cut', { error: asError(error).message })
        } finally {
          reply.raw.destroy()
          log.info('stream closed')
        }
      })
    })
    await this.app.ready()
  }

  /** Listens and starts the sweep; answers the address, `host:port`. */
  async start(listen: { readonly host: string; readonly port: number }): Promise<string> {
    try {
      await this.app.listen(listen)
    } catch (cause) {
      throw cannotListen(listen, cause)
    }
    const bound = this.app.server.address()
    const port = typeof bound === 'object' && bound !== null ? bound.port : listen.port
    this.#address = `${listen.host.includes(':') ? `[${listen.host}]` : listen.host}:${port}`
    this.#tasks.spawn('reservation sweep', () => this.#sweep())
    return this.#address
  }

  /** Ends streams and connections, waits for commits under way, closes the store. */
  async stop(): Promise<void> {
    this.#stopping.abort()
    await this.app.close()
    await this.#tasks.settled()
    await this.cluster.close()
  }

  async #sweep(): Promise<void> {
    const { clock, log } = this.#deps
    const { signal } = this.#stopping
    while (!signal.aborted) {
      try {
        await clock.after(sweepMs, signal)
        if (this.cluster.view.reservations.size === 0) continue
        const { result } = await this.cluster.transact((view) => freeOldReservations(view, clock.now()))
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
  const cluster = new Cluster({ historyLimit: options.historyLimit }, deps, snapshot)
  await seedCluster(cluster, options)
  const netmaster = new Netmaster(cluster, options.server ?? serverDefaults, deps)
  await netmaster.prepare(options, settings.netMode)
  return netmaster
}

function positionOf(request: FastifyRequest): StreamPosition | undefined {
  const { query } = request
  if (typeof query !== 'object' || query === null || !('epoch' in query && 'since' in query)) return undefined
  const revision = Number(query.since)
  return Number.isSafeInteger(revision) && revision >= 0 ? { epoch: String(query.epoch), revision } : undefined
}

function cannotListen(
  { host, port }: { readonly host: string; readonly port: number },
  cause: unknown,
): NetpluginError {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  const address = `${host}:${port}`
  const known: Readonly<Record<string, string>> = {
    EADDRINUSE: 'another program listens there; stop it, or choose another address with --listen-url',
    EADDRNOTAVAIL: 'no interface of this host has that address; choose another with --listen-url',
    EACCES: 'ports below 1024 need root; choose another with --listen-url',
  }
  const why = known[String(code)] ?? asError(cause).message
  return new NetpluginError('unavailable', 'CANNOT_LISTEN', `cannot listen on ${address}: ${why}`, { cause })
}
