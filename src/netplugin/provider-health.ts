// The life of the probes: they are sent when due, and what is found is told to netmaster until the cluster's state says the same.

import type { NodeClient } from '../api/node-client.ts'
import type { NodeNetwork } from '../core/compile/node-network.ts'
import { probeMark } from '../core/pipeline/probes.ts'
import { Backoff } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { asNetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { sameItems } from '../lib/same.ts'
import { Wakeup } from '../lib/wakeup.ts'
import type { ClusterState } from '../model/state.ts'
import type { PacketIn } from '../protocols/openflow/index.ts'
import { ProviderProbes } from './provider-probes.ts'

interface Options {
  readonly node: string
}

interface Deps {
  readonly client: NodeClient
  readonly state: () => ClusterState | undefined
  /** Hands a packet to a port of the switch; false while the switch is away. */
  readonly send: (ofPort: number, packet: Buffer) => boolean
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
}

const idleMs = 60_000

export class ProviderHealth {
  readonly #options: Options
  readonly #deps: Deps
  readonly #probes: ProviderProbes
  readonly #wakeup = new Wakeup()
  readonly #news = new Wakeup()
  /** Before a pass nobody is asked, and nothing is known. */
  #hasPassed = false

  constructor(options: Options, deps: Deps) {
    this.#options = options
    this.#deps = deps
    this.#probes = new ProviderProbes(deps)
  }

  /** A pass has put this in force. */
  passed(network: NodeNetwork, ofPorts: ReadonlyMap<string, number>): void {
    const { state, clock } = this.#deps
    const endpoints = state()?.endpoints
    const silent = (endpointId: string) => endpoints?.get(endpointId)?.silentPorts ?? []
    this.#probes.note(network, ofPorts, silent, clock.now())
    this.#hasPassed = true
    this.#wakeup.wake()
    this.#news.wake()
  }

  packetIn({ packet, fields, userdata }: PacketIn): void {
    if (userdata !== probeMark || typeof fields.in_port !== 'number') return
    if (this.#probes.hear(packet, fields.in_port)) this.#news.wake()
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all([this.#ask(signal), this.#tell(signal)])
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const { clock } = this.#deps
    while (!signal.aborted) {
      if (this.#probes.tick(clock.now())) this.#news.wake()
      await this.#wakeup.waitAtMost(Math.min(idleMs, this.#probes.pauseMs(clock.now())), { clock }, signal)
    }
  }

  async #tell(signal: AbortSignal): Promise<void> {
    const { client, clock, log, random } = this.#deps
    const backoff = new Backoff({ firstMs: 100, maxMs: 2_000, random })
    /** Told, while the state does not say so yet. */
    const told = new Map<string, readonly number[]>()
    while (!signal.aborted) {
      const [next] = this.#untold(told)
      if (next === undefined) {
        await this.#news.wait(signal)
        continue
      }
      const [EndpointID, ports] = next
      try {
        await client.updateEndpoint({ EndpointID, SilentPorts: [...ports] }, signal)
        told.set(EndpointID, ports)
        log.info(ports.length === 0 ? 'provider answers' : 'provider does not answer', { endpoint: EndpointID, ports })
        backoff.reset()
      } catch (error) {
        if (signal.aborted) return
        const failure = asNetpluginError(error)
        // It is gone, or elsewhere by now: the next state says so.
        if (!failure.retryable) told.set(EndpointID, ports)
        log.debug('netmaster not told of a provider', { endpoint: EndpointID, reason: failure.message })
        await this.#news.waitAtMost(backoff.next(), { clock }, signal)
      }
    }
  }

  /** Endpoints of this node of which the state says something else. */
  #untold(told: Map<string, readonly number[]>): (readonly [string, readonly number[]])[] {
    const endpoints = this.#deps.state()?.endpoints
    if (endpoints === undefined || !this.#hasPassed) return []
    const found = this.#probes.silentPorts()
    for (const id of told.keys()) if (!endpoints.has(id)) told.delete(id)
    const untold: (readonly [string, readonly number[]])[] = []
    for (const { endpointId, node, silentPorts = [] } of endpoints.values()) {
      if (node !== this.#options.node) continue
      const ports = found.get(endpointId) ?? []
      if (sameItems(ports, silentPorts)) told.delete(endpointId)
      else if (!sameItems(ports, told.get(endpointId) ?? silentPorts)) untold.push([endpointId, ports])
    }
    return untold
  }
}
