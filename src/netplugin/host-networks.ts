// The host's own endpoints: claimed at netmaster for each infra network of the cluster. What is asked for follows from the
// state, so that nothing has to be remembered: an endpoint that was claimed is there, also after a restart, and goes with its
// network at netmaster. Also what keeps the host out of a network, for the log and for `netctl node`.

import type { NodeClient } from '../api/node-client.ts'
import { Backoff } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { asNetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { Wakeup } from '../lib/wakeup.ts'
import { hostEndpointId } from '../model/host-endpoint.ts'
import { networkKey } from '../model/network.ts'
import type { ClusterState, NetworkRecord } from '../model/state.ts'

interface Deps {
  readonly client: NodeClient
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  readonly state: () => ClusterState | undefined
  /** Whether the state is netmaster's newest. */
  readonly inSync: () => boolean
}

/** What was refused is tried again after this long, or when the network has changed. */
const refusedMs = 30_000

export class HostNetworks {
  readonly #node: string
  readonly #deps: Deps
  readonly #wakeup = new Wakeup()
  #dirty = true
  #seen: ClusterState['networks'] | undefined
  #infra: readonly NetworkRecord[] = []
  /** By network: what was refused, why, and until when it is not tried again. */
  readonly #refused = new Map<
    string,
    { readonly network: NetworkRecord; readonly reason: string; readonly until: number }
  >()
  /** By network: the revision at which the state shows what was claimed. */
  readonly #claimed = new Map<string, number>()
  /** What the last pass of the agent found in the way. */
  #inTheWay: ReadonlyMap<string, string> = new Map()

  constructor(options: { readonly node: string }, deps: Deps) {
    this.#node = options.node
    this.#deps = deps
  }

  stateChanged(): void {
    this.#dirty = true
    this.#wakeup.wake()
  }

  /** After a pass: why the host is not in networks, or does not reach others by them; each said once. */
  passed(problems: ReadonlyMap<string, string>): void {
    for (const [what, reason] of problems) {
      if (this.#inTheWay.get(what) !== reason)
        this.#deps.log.warn('host not in a network as it should be', { what, reason })
    }
    for (const what of this.#inTheWay.keys()) {
      if (!problems.has(what)) this.#deps.log.info('nothing keeps the host out of a network any more', { what })
    }
    this.#inTheWay = problems
  }

  /** Sentences for people, sorted; none when the host is where it should be. */
  problems(): readonly string[] {
    const refused = [...this.#refused].map(([key, { reason }]) => `network ${key}: ${reason}`)
    const inTheWay = [...this.#inTheWay].map(([what, reason]) => `${what}: ${reason}`)
    return [...refused, ...inTheWay].sort()
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#deps
    const backoff = new Backoff({ firstMs: 50, maxMs: 2_000, random })
    while (!signal.aborted) {
      if (!this.#dirty) await this.#wakeup.waitAtMost(refusedMs, { clock }, signal)
      this.#dirty = false
      const complete = await this.#pass(signal)
      if (signal.aborted) return
      if (complete) backoff.reset()
      else {
        this.#dirty = true
        await clock.after(backoff.next(), signal).catch(() => {})
      }
    }
  }

  /** Whether everything was claimed or refused; otherwise it must be tried again. */
  async #pass(signal: AbortSignal): Promise<boolean> {
    const { state, inSync, clock } = this.#deps
    const cluster = state()
    if (cluster === undefined || !inSync()) return true
    const infra = this.#infraOf(cluster.networks)
    const present = new Set(infra.map(keyOf))
    for (const known of [this.#refused, this.#claimed]) {
      for (const key of known.keys()) if (!present.has(key)) known.delete(key)
    }
    const missing = infra.filter((network) => {
      const refused = this.#refused.get(keyOf(network))
      if (refused?.network === network && clock.now() < refused.until) return false
      const isComing = cluster.revision < (this.#claimed.get(keyOf(network)) ?? 0)
      return !isComing && !cluster.endpoints.has(hostEndpointId(network, this.#node))
    })
    const done = await Promise.all(missing.map((network) => this.#claim(network, signal)))
    return !done.includes(false)
  }

  #infraOf(networks: ClusterState['networks']): readonly NetworkRecord[] {
    if (networks !== this.#seen) {
      this.#seen = networks
      this.#infra = [...networks.values()].filter(({ nwType }) => nwType === 'infra')
    }
    return this.#infra
  }

  async #claim(network: NetworkRecord, signal: AbortSignal): Promise<boolean> {
    const { client, log, clock } = this.#deps
    const { tenantName, networkName } = network
    const key = keyOf(network)
    try {
      const { revision } = await client.createEndpoint(
        {
          TenantName: tenantName,
          NetworkName: networkName,
          EndpointID: hostEndpointId(network, this.#node),
          // By its own name it is found in the network, as containers are.
          ConfigEP: { Container: this.#node, Host: this.#node },
        },
        signal,
      )
      this.#refused.delete(key)
      this.#claimed.set(key, revision)
      log.info('host has an address in a network', { network: key })
      return true
    } catch (error) {
      if (signal.aborted) return true
      const { kind, code, message, retryable } = asNetpluginError(error)
      // The network went; the stream is about to say so.
      if (kind === 'not-found') return true
      if (retryable) {
        log.debug('address of the host not claimed, will try again', { network: key, reason: message })
        return false
      }
      if (this.#refused.get(key)?.reason !== message)
        log.warn('host gets no address', { network: key, code, reason: message })
      this.#refused.set(key, { network, reason: message, until: clock.now() + refusedMs })
      return true
    }
  }
}

function keyOf({ tenantName, networkName }: NetworkRecord): string {
  return networkKey(tenantName, networkName)
}
