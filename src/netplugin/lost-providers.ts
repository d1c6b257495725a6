// Connections through services whose provider went. Their clients would wait for an answer that never comes, and connection
// tracking would go on sending them there. So these connections are forgotten, and clients with an open one are made to say
// something, to which the switch answers as to any packet of no connection: with a reset.

import type { LocalEndpoint, NodeNetwork } from '../core/compile/node-network.ts'
import type { ServiceView } from '../core/compile/node-services.ts'
import { routerMac } from '../core/pipeline/facts.ts'
import { placeOf } from '../core/pipeline/features/service-parts.ts'
import { probeOf } from '../core/pipeline/refusals.ts'
import { mapChanges } from '../lib/map-changes.ts'
import { parseServicePort, type ServicePort } from '../model/service-lb.ts'
import type { ConntrackMatch } from '../protocols/openflow/index.ts'
import type { ListedConnection } from '../protocols/unixctl/index.ts'

/** A way through a service. */
interface Way {
  readonly service: ServiceView
  readonly port: ServicePort
  readonly provider: string
}

/** What the switch does for it. */
export interface Cutter {
  /** Connections of a zone. */
  list(zone: number): Promise<readonly ListedConnection[]>
  forget(match: ConntrackMatch): Promise<void>
  /** Hands a packet to a port. */
  send(port: number, packet: Buffer): Promise<void>
}

/** A service that went, or has no such port any more, refuses for so long what still comes of its connections. */
const refusingMs = 3_000

interface Retired {
  readonly view: ServiceView
  readonly until: number
}

const protocols = { tcp: 6, udp: 17 } as const

export class LostProviders {
  #services: NodeNetwork['services'] = new Map()
  readonly #lost = new Map<string, Way>()
  readonly #retired = new Map<string, Retired>()
  /** A predecessor may have died before it cut what was to be cut. */
  #isFirst = true

  /** Takes in which services there are now. Returns the network with those that went a moment ago, serving nobody. */
  note(network: NodeNetwork, now: number): NodeNetwork {
    for (const { before, after } of mapChanges(this.#services, network.services)) {
      const ways = after === undefined ? new Map<string, Way>() : waysOf(after)
      for (const key of ways.keys()) this.#lost.delete(key)
      if (before === undefined) continue
      for (const [key, way] of waysOf(before)) if (!ways.has(key)) this.#lost.set(key, way)
      if (after?.address === before.address && after.network === before.network) continue
      this.#retired.set(placeOf(before), {
        view: { ...before, ports: [], providers: [], draining: [] },
        until: now + refusingMs,
      })
    }
    this.#services = network.services
    for (const [place, { until }] of this.#retired) if (until <= now) this.#retired.delete(place)
    if (this.#retired.size === 0) return network
    return { ...network, services: withRetired(network, this.#retired) }
  }

  /** Cuts what is open to providers that went. No flow may lead there any more. */
  async cut(network: NodeNetwork, ofPorts: ReadonlyMap<string, number>, cutter: Cutter): Promise<void> {
    const lost = [...this.#lost.values()]
    const looked = this.#isFirst ? [...this.#services.values()] : lost.map(({ service }) => service)
    const zones = new Set(looked.map((service) => service.network.tenantId))
    this.#isFirst = false
    if (zones.size === 0) return
    const lists = await Promise.all([...zones].map((zone) => cutter.list(zone)))
    const stale = lists.flat().flatMap((connection) => this.#staleWay(connection) ?? [])
    const ways = new Map([...lost, ...stale.map(({ way }) => way)].map((way) => [keyOf(way), way]))
    await Promise.all([...ways.values()].map((way) => cutter.forget(connectionsBy(way))))
    this.#lost.clear()
    const clients = new Map(
      [...network.local.values()].map((client) => [`${client.network.tenantId} ${client.ipv4}`, client]),
    )
    for (const { way, connection } of stale) {
      const client = clients.get(`${connection.zone} ${connection.original.source}`)
      const port = ofPorts.get(client?.portName ?? '')
      if (client === undefined || port === undefined || connection.state !== 'ESTABLISHED') continue
      await cutter.send(port, probe(way, connection, client))
    }
  }

  /** The way of a connection that leads to nobody who serves. */
  #staleWay(connection: ListedConnection): { readonly way: Way; readonly connection: ListedConnection } | undefined {
    const { zone, protocol, original, reply } = connection
    const through = (service: ServiceView) =>
      service.network.tenantId === zone && service.address === original.destination
    const name = `${zone} ${protocol} ${original.destination} ${original.destinationPort} ${reply.source} ${reply.sourcePort}`
    const lost = this.#lost.get(name)
    if (lost !== undefined) return { way: lost, connection }
    const service = [...this.#services.values()].find(through)
    if (service === undefined || waysOf(service).has(name)) return undefined
    const port = parseServicePort(`${original.destinationPort}:${reply.sourcePort}:${protocol}`)
    return port === undefined ? undefined : { way: { service, port, provider: reply.source }, connection }
  }
}

function probe({ service, port }: Way, { original }: ListedConnection, client: LocalEndpoint): Buffer {
  return probeOf({
    mac: service.network.routed ? routerMac : service.mac,
    clientMac: client.mac,
    service: service.address,
    servicePort: port.servicePort,
    client: client.ipv4,
    clientPort: original.sourcePort,
  })
}

/** Those whose address nobody has got since. */
function withRetired(network: NodeNetwork, retired: ReadonlyMap<string, Retired>): NodeNetwork['services'] {
  const taken = new Set([...network.services.values()].map(placeOf))
  for (const { network: view, ipv4 } of [...network.local.values(), ...network.remote.values()]) {
    taken.add(placeOf({ network: view, address: ipv4 }))
  }
  const services = new Map(network.services)
  for (const [place, { view }] of retired) if (!taken.has(place)) services.set(`${view.key} retired`, view)
  return services
}

function waysOf(service: ServiceView): Map<string, Way> {
  const ways = new Map<string, Way>()
  for (const port of service.ports) {
    for (const { ipv4 } of [...service.providers, ...service.draining]) {
      const way = { service, port, provider: ipv4 }
      ways.set(keyOf(way), way)
    }
  }
  return ways
}

function keyOf({ service, port, provider }: Way): string {
  const { network, address } = service
  return `${network.tenantId} ${port.protocol} ${address} ${port.servicePort} ${provider} ${port.providerPort}`
}

function connectionsBy({ service, port, provider }: Way): ConntrackMatch {
  return {
    zone: service.network.tenantId,
    protocol: protocols[port.protocol],
    original: { destination: service.address, destinationPort: port.servicePort },
    reply: { source: provider, sourcePort: port.providerPort },
  }
}
