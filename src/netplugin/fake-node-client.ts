// A netmaster for tests of the agent: notes what it is asked, answers as the real one would, and can be away, refuse, or
// leave a caller without an answer.

import { endpointRecord } from '../../test/support/cluster.ts'
import type { NodeClient, StreamPosition } from '../api/node-client.ts'
import { NetpluginError } from '../lib/errors.ts'
import { Wakeup } from '../lib/wakeup.ts'
import type { NodeView } from '../model/node.ts'
import type { CreateEndpointInput, EndpointAnswer } from '../model/plugin.ts'
import type { EndpointRecord, StreamMessage } from '../model/state.ts'

export interface Call {
  readonly op: string
  readonly body: unknown
}

/** What happens to a call instead of an answer. */
export type Trouble = Error | 'no answer' | undefined

export class FakeNodeClient implements NodeClient {
  /** Every call but heartbeats, oldest first, answered or not. */
  readonly calls: Call[] = []
  readonly heartbeats: unknown[] = []
  /** From where each stream was to go on. */
  readonly positions: (StreamPosition | undefined)[] = []
  trouble: (call: Call) => Trouble = () => undefined
  /** Endpoints that are answered as they are when they are to be made. */
  readonly existing = new Map<string, EndpointRecord>()
  /** The address of the next `allocAddress`. */
  nextAddress = '10.1.0.9/16'
  readonly #wakeup = new Wakeup()
  #messages: StreamMessage[] = []
  #broken: Error | undefined

  /** While away every call is refused as by a machine without a netmaster. */
  setAway(away: boolean): void {
    this.trouble = () => (away ? unreachable() : undefined)
  }

  /** Says something on the open stream, or on the next one. */
  say(...messages: readonly StreamMessage[]): void {
    this.#messages.push(...messages)
    this.#wakeup.wake()
  }

  /** Breaks the open stream, after what was said on it. */
  breakStream(): void {
    this.#broken = unreachable()
    this.#wakeup.wake()
  }

  ops(): string[] {
    return this.calls.map((call) => call.op)
  }

  async register(body: unknown, signal?: AbortSignal) {
    await this.#asked({ op: 'register', body }, signal)
    return { protocol: 1, epoch: 'e1', revision: 1, heartbeatMs: 5_000 }
  }

  async heartbeat(body: unknown) {
    this.heartbeats.push(body)
    return { epoch: 'e1', revision: 1 }
  }

  servers(): readonly string[] {
    return ['http://netmaster:9999']
  }

  async nodes(): Promise<readonly NodeView[]> {
    return []
  }

  async *openStream(since: StreamPosition | undefined, signal: AbortSignal): AsyncIterable<StreamMessage> {
    this.positions.push(since)
    this.#broken = undefined
    while (!signal.aborted) {
      const next = this.#messages.shift()
      if (next !== undefined) yield next
      else if (this.#broken !== undefined) throw this.#broken
      else await this.#wakeup.wait(signal)
    }
    throw signal.reason
  }

  async allocAddress(body: { readonly IPv6?: boolean }, signal?: AbortSignal) {
    await this.#asked({ op: 'allocAddress', body }, signal)
    const address = this.nextAddress
    return { NetworkID: '', IPv4Address: body.IPv6 ? '' : address, IPv6Address: body.IPv6 ? address : '' }
  }

  async releaseAddress(body: unknown, signal?: AbortSignal) {
    await this.#asked({ op: 'releaseAddress', body }, signal)
    return { status: 'success' as const, released: true }
  }

  async createEndpoint(body: CreateEndpointInput, signal?: AbortSignal): Promise<EndpointAnswer> {
    await this.#asked({ op: 'createEndpoint', body }, signal)
    const { EndpointID: id, ConfigEP, TenantName = 'default', NetworkName = 'net', ServiceName = '' } = body
    const made = { id, network: `${TenantName}:${NetworkName}`, node: 'node1', ipv4: ConfigEP?.IPAddress ?? '' }
    const endpoint = endpointRecord({ ...made, group: ServiceName, labels: body.Labels ?? {} })
    return { EndpointConfig: null, endpoint: this.existing.get(id) ?? endpoint, revision: 2 }
  }

  async deleteEndpoint(body: unknown, signal?: AbortSignal): Promise<EndpointAnswer> {
    await this.#asked({ op: 'deleteEndpoint', body }, signal)
    return { EndpointConfig: null, endpoint: null, revision: 3 }
  }

  async updateEndpoint(body: unknown, signal?: AbortSignal): Promise<EndpointAnswer> {
    await this.#asked({ op: 'updateEndpoint', body }, signal)
    return { EndpointConfig: null, endpoint: null, revision: 4 }
  }

  async counts(body: unknown, signal?: AbortSignal) {
    await this.#asked({ op: 'counts', body }, signal)
    return { taken: true }
  }

  async members(body: unknown, signal?: AbortSignal) {
    await this.#asked({ op: 'members', body }, signal)
    return { taken: 1 }
  }

  close(): void {}

  async #asked(call: Call, signal: AbortSignal | undefined): Promise<void> {
    this.calls.push(call)
    const trouble = this.trouble(call)
    if (trouble === undefined) return
    if (trouble !== 'no answer') throw trouble
    // As the transport does it: the reason of the signal, whatever that is.
    await new Promise<never>((_, reject) => {
      if (signal?.aborted) reject(signal.reason)
      else signal?.addEventListener('abort', () => reject(signal.reason), { once: true })
    })
  }
}

export function unreachable(): NetpluginError {
  return new NetpluginError('unavailable', 'NETMASTER_UNREACHABLE', 'cannot reach netmaster')
}

export function refusal(kind: 'conflict' | 'not-found' = 'conflict'): NetpluginError {
  return new NetpluginError(kind, 'NO', 'netmaster says no')
}
