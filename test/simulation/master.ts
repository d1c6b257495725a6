// A netmaster without sockets: the same parts as in src/netmaster/netmaster.ts, and the same routes, called directly.

import { Writable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { parseStreamMessage } from '../../src/api/node-client.ts'
import type { Route } from '../../src/api/route.ts'
import type { Transport } from '../../src/api/transport.ts'
import type { Store } from '../../src/drivers/store/store.ts'
import { NetpluginError } from '../../src/lib/errors.ts'
import { silentLog } from '../../src/lib/log.ts'
import type { StreamMessage } from '../../src/model/state.ts'
import { freeOldReservations } from '../../src/netmaster/addresses.ts'
import { prepareStore, seedCluster } from '../../src/netmaster/bootstrap.ts'
import { Cluster } from '../../src/netmaster/cluster.ts'
import { Counts } from '../../src/netmaster/counts.ts'
import type { Fence } from '../../src/netmaster/decision.ts'
import { Exchange } from '../../src/netmaster/exchange.ts'
import { Masters } from '../../src/netmaster/masters.ts'
import { Members } from '../../src/netmaster/members.ts'
import { Nodes } from '../../src/netmaster/nodes.ts'
import { defaultFlowLimits } from '../../src/netmaster/objects/rule-budget.ts'
import { addRoutes } from '../../src/netmaster/routes.ts'
import { type StreamPosition, streamState } from '../../src/netmaster/stream.ts'
import { NodeWatch } from '../../src/netmaster/watch-nodes.ts'
import type { Process } from './process.ts'
import type { Place, Wire } from './wire.ts'

type Handler = (request: object, reply: object) => Promise<unknown>

/** Where the master runs, and what it can reach. */
export interface MasterParts {
  readonly process: Process
  readonly store: Store
  readonly wire: Wire
  readonly masters: readonly Place<Master>[]
}

export interface MasterOptions {
  /** Of its place. */
  readonly address: string
  readonly instance: string
  readonly isShared: boolean
}

const version = { GitCommit: 'abcdef01', Version: '1.2.3', BuildTime: 'from source' }
const defaults = { netMode: 'vxlan', fwdMode: 'routing' } as const
const sweepMs = 10_000
/** Hosts are lost soon, so that partitions are long enough for it. */
const loss = { lostAfterMs: 5_000, deadAfterMs: 24 * 3_600_000 }

export class Master {
  readonly cluster: Cluster
  readonly #process: Process
  readonly #handlers = new Map<unknown, Handler>()
  readonly #stopping = new AbortController()

  private constructor(cluster: Cluster, process: Process) {
    this.cluster = cluster
    this.#process = process
  }

  static async start(options: MasterOptions, parts: MasterParts): Promise<Master> {
    const { process, store } = parts
    const deps = { store, clock: process.clock, log: silentLog }
    const { snapshot } = await prepareStore(defaults, deps)
    // Little is kept, so that much is read back from the store.
    const { instance: writer, isShared } = options
    const cluster = new Cluster({ historyLimit: 20, writer, isShared }, deps, snapshot)
    await seedCluster(cluster, defaults)
    const master = new Master(cluster, process)
    await master.#prepare(options, parts)
    return master
  }

  /** As over HTTP: what is written is parsed, what is thrown is what the client gets. */
  async call<Input, Body, Answer>(
    route: Route<Input, Body, Answer>,
    parameters: Readonly<Record<string, string>>,
    body?: Input,
  ): Promise<Answer> {
    const handler = this.#handlers.get(route)
    if (handler === undefined) throw new NetpluginError('not-found', 'NO_ROUTE', `no route ${route.path}`)
    if (route.method === 'GET') await this.cluster.fresh()
    const sent = body === undefined ? undefined : JSON.parse(JSON.stringify(body))
    const text = await handler({ method: route.method, params: parameters, body: sent, headers: {} }, reply())
    return JSON.parse(String(text)) as Answer
  }

  /** The stream to a node, until it is closed or ends by itself. */
  async stream(
    since: StreamPosition | undefined,
    send: (message: StreamMessage) => void,
    closed: AbortSignal,
  ): Promise<void> {
    const output = new Writable({
      highWaterMark: 1 << 30,
      decodeStrings: false,
      write: (text, _, done) => {
        for (const line of String(text).split('\n')) {
          const message = line === '' ? undefined : parseStreamMessage(JSON.parse(line))
          if (message !== undefined) send(message)
        }
        done()
      },
    })
    const destroy = () => output.destroy()
    if (closed.aborted) return
    closed.addEventListener('abort', destroy, { once: true })
    const { clock } = this.#process
    try {
      await streamState(output, since, { cluster: this.cluster, clock }, this.#stopping.signal)
    } finally {
      closed.removeEventListener('abort', destroy)
    }
  }

  async #prepare({ address, instance, isShared }: MasterOptions, parts: MasterParts): Promise<void> {
    const { store } = parts
    const { cluster } = this
    const { clock } = this.#process
    const nodes = new Nodes(loss, {
      cluster,
      clock,
      log: silentLog,
      stopping: this.#stopping.signal,
      heard: (node) => exchange?.heard(node),
    })
    const members = new Members({ cluster })
    const counts = new Counts({ firstId: 1 }, { clock })
    const info = () => ({ 'current-state': '', 'leader-ip': '', 'local-ip': '', 'netmaster-nodes': [] })
    const { fwdMode, netMode: defaultEncap } = defaults
    const masters = isShared ? new Masters({ instance }, { store, cluster, clock, log: silentLog }) : undefined
    const firstHand = {
      nodes: () => nodes.firstHand(),
      presence: (node: string) => nodes.news(node),
      members: () => members.firstHand(),
    }
    const connect = (other: string) => this.#peer(other, address, parts)
    const changed = cluster.othersChanged
    const exchange =
      masters && new Exchange({ peers: () => masters.peers(), changed, connect, firstHand, clock, log: silentLog })
    const others = masters && exchange && { masters: { exchange, urls: () => [], all: masters } }
    const { signal } = this.#stopping
    await addRoutes(
      this.#collector(),
      {
        global: { clusterMode: 'docker', fwdMode },
        network: { defaultEncap },
        flows: defaultFlowLimits,
        version,
        info,
      },
      { cluster, clock, counts, members, nodes, stopping: signal, ...others },
    )
    const lead = () => {
      if (masters === undefined) return {}
      return masters.fence && { fence: masters.fence }
    }
    void masters?.run(address, signal)
    void exchange?.run(signal)
    void new NodeWatch(loss, { cluster, nodes, clock, log: silentLog, lead }).run(signal)
    void this.#sweep(lead)
  }

  /** Another master, as this one reaches it. */
  #peer(other: string, own: string, { process, wire, masters }: MasterParts): Pick<Transport, 'call' | 'close'> {
    const place = masters.find(({ name }) => name === other)
    if (place === undefined) throw new NetpluginError('invalid', 'NO_MASTER', `there is no ${other}`)
    return {
      call: (route, parameters, body, signal) =>
        wire.request({ name: own, process }, place, (master) => master.call(route, parameters, body), {
          timeoutMs: 4_000,
          signal,
        }),
      close: () => {},
    }
  }

  /** What looks like a server to those who add routes. */
  #collector(): FastifyInstance {
    const route = ({ config, handler }: { config: { definition: unknown }; handler: Handler }) =>
      this.#handlers.set(config.definition, handler)
    // Lists of host bindings are no part of the simulation.
    const register = () => {}
    return { route, register } as unknown as FastifyInstance
  }

  async #sweep(lead: () => { readonly fence?: Fence } | undefined): Promise<void> {
    const { clock } = this.#process
    for (;;) {
      await clock.after(sweepMs)
      const leads = lead()
      if (leads === undefined || this.cluster.view.reservations.size === 0) continue
      await this.cluster.transact((view) => freeOldReservations(view, clock.now()), leads.fence).catch(() => {})
    }
  }
}

function reply(): object {
  const itself = { header: () => itself, type: () => itself, code: () => itself, send: (text: unknown) => text }
  return itself
}
