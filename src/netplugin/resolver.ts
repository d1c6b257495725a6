// The host's DNS resolver for its containers. Queries reach it through the switch, from an address that carries the port
// of the asking endpoint: so it knows whose network the question is about. Names of that network and of the others of its
// tenant are answered here, all others by the host's own servers.

import { randomInt } from 'node:crypto'
import { NameIndex, type Names } from '../core/compile/names.ts'
import type { LocalEndpoint, NodeNetwork } from '../core/compile/node-network.ts'
import { askerPort, resolverAddress } from '../core/pipeline/features/names.ts'
import { parseIpv4 } from '../lib/address.ts'
import { Backoff } from '../lib/backoff.ts'
import type { Clock } from '../lib/clock.ts'
import { asNetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { ClusterState } from '../model/state.ts'
import {
  type Answer,
  addressOfReverseName,
  DnsServer,
  type Exchange,
  Forwarder,
  failure,
  localAnswer,
  type Query,
  type ResourceRecord,
  type Source,
} from '../protocols/dns/index.ts'

interface Deps {
  readonly state: () => ClusterState | undefined
  readonly nameservers: () => readonly string[]
  readonly clock: Clock
  readonly log: Log
  readonly random: () => number
  /** How one server is asked. */
  readonly exchange: Exchange
}

/** Containers come and go: nobody should remember them for long. */
const ttlSeconds = 5
const dnsPort = 53
const serverLimits = { maxConnections: 256, idleTimeoutMs: 10_000, resolveTimeoutMs: 10_000, maxPending: 2_000 }
const forwarderLimits = {
  tryTimeoutMs: 2_000,
  rounds: 2,
  maxPending: 1_000,
  cacheEntries: 10_000,
  maxCacheSeconds: 300,
}

export class Resolver {
  readonly #deps: Deps
  readonly #index = new NameIndex()
  readonly #forwarder: Forwarder
  #pvtSubnet = ''
  #askers: ReadonlyMap<number, LocalEndpoint> = new Map()
  #moved: (() => void) | undefined

  constructor(deps: Deps) {
    this.#deps = deps
    const { exchange, clock, log } = deps
    const randomId = () => randomInt(65_536)
    this.#forwarder = new Forwarder({ upstreams: [], ...forwarderLimits }, { exchange, randomId, clock, log })
  }

  /** Who asks from which port, and where this resolver has its address. */
  nodeChanged(network: NodeNetwork, ofPorts: ReadonlyMap<string, number>): void {
    const askers = new Map<number, LocalEndpoint>()
    for (const endpoint of network.local.values()) {
      const port = ofPorts.get(endpoint.portName)
      if (port !== undefined) askers.set(port, endpoint)
    }
    this.#askers = askers
    if (network.pvtSubnet === this.#pvtSubnet) return
    this.#pvtSubnet = network.pvtSubnet
    this.#moved?.()
  }

  /** Serves until the signal aborts; moves when the private subnet does. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const moved = new AbortController()
      this.#moved = () => moved.abort()
      const until = AbortSignal.any([signal, moved.signal])
      if (this.#pvtSubnet === '') await ended(until)
      else await this.#serve(resolverAddress(this.#pvtSubnet), until)
    }
    this.#forwarder.close()
  }

  async #serve(address: string, signal: AbortSignal): Promise<void> {
    const { clock, log, random } = this.#deps
    const backoff = new Backoff({ firstMs: 100, maxMs: 2_000, random })
    while (!signal.aborted) {
      const server = new DnsServer(
        { listen: { kind: 'address', address, port: dnsPort }, ...serverLimits },
        { resolve: (query, source) => this.resolve(query, source), clock, log },
      )
      try {
        await server.start()
        log.info('names are served', { address })
        await ended(signal)
      } catch (error) {
        // The address comes with the host's port, which the agent's first pass makes.
        log.debug('names are not served yet', { address, reason: asNetpluginError(error).message })
        await clock.after(backoff.next(), signal).catch(() => {})
      } finally {
        await server.stop()
      }
    }
  }

  resolve(query: Query, source: Source): Answer | Promise<Answer> {
    const asker = this.#askers.get(askerPort(this.#pvtSubnet, parseIpv4(source.address) ?? 0) ?? 0)
    const state = this.#deps.state()
    if (asker === undefined || state === undefined) return failure('REFUSED')
    const answer = localNames(query, this.#index.names(state, asker.network.key), this.#deps.random)
    if (answer !== undefined) return answer
    const upstreams = this.#deps.nameservers().map((address) => ({ address, port: dnsPort }))
    // No server of the host: nobody knows the name.
    if (upstreams.length === 0) return failure('NXDOMAIN')
    this.#forwarder.setUpstreams(upstreams)
    return this.#forwarder.forward(query, source.transport)
  }
}

/**
 * The answer from the names of the asker's tenant; undefined when the name is none of them. Clients use the first address:
 * each answer starts with another one.
 */
export function localNames(query: Query, names: Names, random: () => number): Answer | undefined {
  const { name, type } = query.question
  const reverse = addressOfReverseName(name.toLowerCase().replace(/\.$/, ''))
  if (reverse !== undefined) {
    const known = names.nameOf(reverse)
    if (known === undefined) return undefined
    const wanted = type === 'PTR' || type === 'ANY'
    return localAnswer(wanted ? [{ type: 'PTR', name, ttl: ttlSeconds, data: known }] : [])
  }
  const addresses = names.addressesOf(name)
  if (addresses === undefined) return undefined
  const records: ResourceRecord[] = []
  const start = Math.floor(random() * addresses.length)
  for (const { ipv4, ipv6 } of [...addresses.slice(start), ...addresses.slice(0, start)]) {
    const own = { name, ttl: ttlSeconds }
    if (type === 'A' || type === 'ANY') records.push({ ...own, type: 'A', data: ipv4 })
    if (ipv6 !== '' && (type === 'AAAA' || type === 'ANY')) records.push({ ...own, type: 'AAAA', data: ipv6 })
  }
  return localAnswer(records)
}

function ended(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve()
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }))
}
