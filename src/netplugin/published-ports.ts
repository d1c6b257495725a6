// `docker run -p`: which ports of this host lead to an endpoint. Chosen here, where one can see what programs listen on; decided by
// netmaster, which keeps them with the endpoint; in force once the kernel has them.

import type { NodeClient } from '../api/node-client.ts'
import type { Place } from '../drivers/host/listening.ts'
import { parseIpv4 } from '../lib/address.ts'
import { asNetpluginError, NetpluginError, raise } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import { hasNat, noWayIn } from '../model/nat.ts'
import { formatPublished, type PublishedPort, publishedProtocols, samePlace } from '../model/published-port.ts'
import type { ClusterState, NetworkRecord } from '../model/state.ts'
import type { PortBinding } from '../protocols/libnetwork/index.ts'

interface Deps {
  readonly client: Pick<NodeClient, 'updateEndpoint'>
  readonly state: () => ClusterState | undefined
  readonly whyTaken: (place: Place) => Promise<string | undefined>
  /** See `Outside`. */
  readonly whenInForce: (revision: number, signal: AbortSignal) => Promise<void>
  readonly log: Log
}

/** Of ports that may be any, as systems choose their own (net.ipv4.ip_local_port_range). */
const anyPort = { first: 32_768, last: 60_999 }

export class PublishedPorts {
  readonly #node: string
  readonly #deps: Deps

  constructor(options: { readonly node: string }, deps: Deps) {
    this.#node = options.node
    this.#deps = deps
  }

  /**
   * Throws `conflict` for a port that somebody has, or a network that nothing leads into. `held`: the runtime itself listens at these
   * ports, to keep others away.
   */
  async publish(
    endpointId: string,
    bindings: readonly PortBinding[],
    { network, held = false }: { readonly network: NetworkRecord; readonly held?: boolean },
    signal: AbortSignal,
  ): Promise<void> {
    if (bindings.length === 0) return
    refuseWithoutNat(network)
    const ports: PublishedPort[] = []
    const taken = this.#takenByOthers(endpointId)
    const whyTaken = held ? async () => undefined : this.#deps.whyTaken
    for (const binding of bindings) ports.push(await this.#choose(binding, [...taken, ...ports], whyTaken))
    const { revision } = await this.#deps.client.updateEndpoint({ EndpointID: endpointId, Published: ports }, signal)
    await this.#deps.whenInForce(revision, signal)
    this.#deps.log.info('ports published', { endpoint: endpointId, ports: ports.map(formatPublished) })
  }

  /** What netmaster cannot be told now it learns when the endpoint goes. */
  async withdraw(endpointId: string, signal: AbortSignal): Promise<void> {
    const published = this.#deps.state()?.endpoints.get(endpointId)?.published ?? []
    if (published.length === 0) return
    try {
      await this.#deps.client.updateEndpoint({ EndpointID: endpointId, Published: [] }, signal)
    } catch (error) {
      const { kind, message } = asNetpluginError(error)
      if (kind !== 'not-found') this.#deps.log.warn('ports not withdrawn', { endpoint: endpointId, reason: message })
    }
  }

  #takenByOthers(endpointId: string): PublishedPort[] {
    const endpoints = [...(this.#deps.state()?.endpoints.values() ?? [])]
    return endpoints
      .filter((endpoint) => endpoint.node === this.#node && endpoint.endpointId !== endpointId)
      .flatMap(({ published = [] }) => published)
  }

  /** What seems to lead to another endpoint may be free since a moment ago: where there is nothing better, netmaster decides. */
  async #choose(
    binding: PortBinding,
    taken: readonly PublishedPort[],
    whyTaken: Deps['whyTaken'],
  ): Promise<PublishedPort> {
    const { first, last, ...wanted } = wishOf(binding)
    let obstacle = ''
    let second: PublishedPort | undefined
    for (let hostPort = first; hostPort <= last; hostPort++) {
      const port = { ...wanted, hostPort }
      const code = await whyTaken(port)
      if (code === undefined && !taken.some((other) => samePlace(port, other))) return port
      if (code === undefined) second ??= port
      else obstacle = reasonOf(port, code)
      if (code === 'EADDRNOTAVAIL') break
    }
    if (second !== undefined) return second
    const range = first === last ? `port ${first}` : `ports ${first}-${last}`
    const message = `${range}/${wanted.protocol} of host ${this.#node} cannot be published: ${obstacle}; choose another, or free it`
    throw new NetpluginError('conflict', 'PORT_TAKEN', message)
  }
}

/** Before an endpoint is made for which ports are asked: Docker does not tell of them later where there is no gateway. */
export function refuseWithoutNat(network: NetworkRecord): void {
  if (!hasNat(network)) raise(noWayIn(network))
}

function wishOf({ protocol, port, hostIp, hostPort, hostPortEnd }: PortBinding) {
  const [name] = (['tcp', 'udp', 'sctp'] as const).filter((known) => publishedProtocols[known] === protocol)
  if (name === undefined) {
    throw new NetpluginError(
      'invalid',
      'PROTOCOL_UNKNOWN',
      `protocol ${protocol} cannot be published; tcp, udp and sctp can`,
    )
  }
  if (hostIp !== '' && parseIpv4(hostIp) === undefined) {
    const message = `ports cannot be published at ${hostIp}: only IPv4 addresses of the host lead to containers`
    throw new NetpluginError('invalid', 'ADDRESS_NOT_IPV4', message)
  }
  const range = hostPort === 0 ? anyPort : { first: hostPort, last: Math.max(hostPort, hostPortEnd) }
  return { protocol: name, hostAddress: hostIp === '0.0.0.0' ? '' : hostIp, port, ...range }
}

function reasonOf({ hostAddress }: PublishedPort, code: string): string {
  if (code === 'EADDRINUSE') return 'a program of the host listens there'
  if (code === 'EADDRNOTAVAIL') return `the host has no address ${hostAddress}`
  return `the host refuses it (${code})`
}
