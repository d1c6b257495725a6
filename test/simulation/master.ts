// A netmaster without sockets: its parts (src/netmaster/parts.ts) and their routes, called directly.

import { Writable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { parseStreamMessage } from '../../src/api/node-client.ts'
import type { Route } from '../../src/api/route.ts'
import type { Transport } from '../../src/api/transport.ts'
import type { Store } from '../../src/drivers/store/store.ts'
import { NetpluginError } from '../../src/lib/errors.ts'
import { silentLog } from '../../src/lib/log.ts'
import type { StreamMessage } from '../../src/model/state.ts'
import { prepareStore, seedCluster } from '../../src/netmaster/bootstrap.ts'
import { Cluster } from '../../src/netmaster/cluster.ts'
import { defaultFlowLimits } from '../../src/netmaster/objects/rule-budget.ts'
import { Parts } from '../../src/netmaster/parts.ts'
import { type StreamPosition, streamState } from '../../src/netmaster/stream.ts'
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
    const end = () => {
      this.#stopping.abort(process.world.over.reason)
      void cluster.close()
    }
    process.world.over.addEventListener('abort', end, { once: true })
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

  async #prepare(options: MasterOptions, parts: MasterParts): Promise<void> {
    const { cluster } = this
    const { signal } = this.#stopping
    const deps = { store: parts.store, cluster, clock: this.#process.clock, log: silentLog, stopping: signal }
    const connect = (other: string) => this.#peer(other, options.address, parts)
    const all = new Parts({ ...options, loss }, { ...deps, connect })
    const info = () => ({ 'current-state': '', 'leader-ip': '', 'local-ip': '', 'netmaster-nodes': [] })
    const { fwdMode, netMode: defaultEncap } = defaults
    const global = { clusterMode: 'docker', fwdMode }
    const network = { defaultEncap }
    await all.addRoutes(this.#collector(), { global, network, flows: defaultFlowLimits, version, info })
    void all.masters?.run(options.address, signal)
    for (const { run } of [...all.talk(), ...all.work(signal)]) void run()
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
}

function reply(): object {
  const itself = { header: () => itself, type: () => itself, code: () => itself, send: (text: unknown) => text }
  return itself
}
