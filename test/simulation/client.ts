// Clients of the netmasters over the simulated network. As the real one (src/api/transport.ts): it stays with one master as
// long as that serves, and asks the next what that did not answer.

import { type NodeClient, streamIdleMs } from '../../src/api/node-client.ts'
import type { NodeSession } from '../../src/api/node-session.ts'
import type { Route } from '../../src/api/route.ts'
import { nodeRoutes } from '../../src/api/routes/nodes.ts'
import { pluginRoutes } from '../../src/api/routes/plugin.ts'
import { asNetpluginError, NetpluginError } from '../../src/lib/errors.ts'
import type { StreamMessage } from '../../src/model/state.ts'
import type { Master } from './master.ts'
import type { Process } from './process.ts'
import type { Place, Wire } from './wire.ts'

/** All tries together, and a master that says nothing. */
const requestMs = 5_000
const silentMs = 2_000

export class MasterClient {
  readonly #from: { readonly name: string; readonly process: Process }
  readonly #masters: readonly Place<Master>[]
  readonly #wire: Wire
  #at = 0
  #left = new AbortController()

  constructor(
    from: { readonly name: string; readonly process: Process },
    masters: readonly Place<Master>[],
    wire: Wire,
  ) {
    this.#from = from
    this.#masters = masters
    this.#wire = wire
    const { chance, over } = from.process.world
    this.#at = chance.below(masters.length)
    over.addEventListener('abort', () => this.#left.abort(over.reason), { once: true })
  }

  get #master(): Place<Master> {
    const master = this.#masters[this.#at % this.#masters.length]
    if (master === undefined) throw new RangeError('no masters')
    return master
  }

  async call<Input, Body, Answer>(
    route: Route<Input, Body, Answer>,
    parameters: Readonly<Record<string, string>>,
    body: () => Input | undefined,
    signal?: AbortSignal,
    unanswered = () => {},
  ): Promise<Answer> {
    const { clock } = this.#from.process
    const until = clock.now() + requestMs
    const isAlone = this.#masters.length === 1
    for (let tries = 1; ; tries++) {
      const at = this.#at
      const timeoutMs = Math.min(until - clock.now(), isAlone ? requestMs : silentMs)
      const sent = body()
      const ask = (master: Master) => master.call(route, parameters, sent)
      try {
        return await this.#wire.request(this.#from, this.#master, ask, { timeoutMs, signal })
      } catch (error) {
        const { retryable } = asNetpluginError(error)
        if (signal?.aborted || retryable) unanswered()
        if (signal?.aborted || !retryable) throw error
        if (this.#at === at) this.#leave()
        if (isAlone || tries >= 2 * this.#masters.length || clock.now() >= until) throw error
      }
    }
  }

  async *stream(since: Parameters<NodeClient['openStream']>[0], signal: AbortSignal): AsyncIterable<StreamMessage> {
    const { signal: left } = this.#left
    const open = (master: Master, send: (message: StreamMessage) => void, closed: AbortSignal) =>
      master.stream(since, send, closed)
    const either = AbortSignal.any([signal, left])
    yield* this.#wire.stream(this.#from, this.#master, open, { idleMs: streamIdleMs }, either)
    // It ended the stream by itself: it does not serve.
    if (!left.aborted) this.#leave()
  }

  #leave(): void {
    this.#at++
    const left = this.#left
    this.#left = new AbortController()
    left.abort(new NetpluginError('unavailable', 'NETMASTER_LEFT', 'another netmaster is asked'))
  }
}

/** What an agent uses; `session` is there as soon as its disk has said so. */
export function nodeClient(
  node: string,
  client: MasterClient,
  { newId, session }: { readonly newId: () => string; readonly session: Promise<NodeSession> },
): NodeClient {
  const none = {}
  const plugin = async <Input extends object, Body, Answer>(
    route: Route<Input, Body, Answer>,
    body: Input,
    signal: AbortSignal | undefined,
  ): Promise<Answer> => {
    const numbers = await session
    const numbered = () => ({ Node: node, ...body, Session: numbers.number })
    return numbers.request(() => client.call(route, none, numbered, signal, () => numbers.unanswered()), signal)
  }
  return {
    register: async (body, signal) => {
      const numbers = await session
      const numbered = () => ({ ...body, session: numbers.number })
      const unanswered = () => numbers.unanswered()
      return numbers.register(() => client.call(nodeRoutes.register, { node }, numbered, signal, unanswered))
    },
    heartbeat: (body, signal) => client.call(nodeRoutes.heartbeat, { node }, () => body, signal),
    nodes: (signal) => client.call(nodeRoutes.list, none, () => undefined, signal),
    openStream: (since, signal) => client.stream(since, signal),
    allocAddress: (body, signal) => plugin(pluginRoutes.allocAddress, { Request: newId(), ...body }, signal),
    releaseAddress: (body, signal) => plugin(pluginRoutes.releaseAddress, body, signal),
    createEndpoint: (body, signal) => plugin(pluginRoutes.createEndpoint, body, signal),
    deleteEndpoint: (body, signal) => plugin(pluginRoutes.deleteEndpoint, body, signal),
    updateEndpoint: (body, signal) => plugin(pluginRoutes.updateEndpoint, body, signal),
    counts: (body, signal) => client.call(nodeRoutes.counts, { node }, () => body, signal),
    members: (body, signal) => client.call(nodeRoutes.members, { node }, () => body, signal),
    servers: () => [],
    close: () => {},
  }
}
