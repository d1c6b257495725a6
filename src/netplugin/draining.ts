// Providers that a service chose before and does not any more, although they live: connections that are open to them go on,
// new ones go elsewhere. The switch itself remembers which these are: an agent that starts reads them from the connections.

import type { NodeNetwork } from '../core/compile/node-network.ts'
import type { ServiceProvider, ServiceView } from '../core/compile/node-services.ts'
import { placeOf } from '../core/pipeline/features/service-parts.ts'
import { sameEntries, sameItems } from '../lib/same.ts'
import type { ListedConnection } from '../protocols/unixctl/index.ts'

type Services = NodeNetwork['services']
type ListConnections = (zone: number) => Promise<readonly ListedConnection[]>

/** Whether connections to them are still open is looked at no more often: a tenant may have many. */
const lookEveryMs = 30_000

export class Draining {
  /** As returned last. */
  #services: Services = new Map()
  #knows = false
  #lookAt = 0
  /** Without a connection, by service. */
  readonly #idle = new Map<string, Set<string>>()

  /**
   * Finds out whom connections of before lead to; `list` is of the switch. Until once all of the cluster is known (`isWhole`): the
   * state that a predecessor left may lack who came in its last second.
   */
  async recall(network: NodeNetwork, list: ListConnections, isWhole: boolean): Promise<void> {
    if (this.#knows) return
    const living = addressesIn(network)
    const before = new Map<string, ServiceView>()
    for (const [service, open] of await connectedTo(network.services, list)) {
      const draining = [...open].flatMap((address) => living.get(placeOf({ ...service, address })) ?? [])
      before.set(service.key, { ...service, draining })
    }
    this.#services = before
    this.#knows = isWhole
  }

  /** The network with those who still have connections, or may have. */
  note(network: NodeNetwork): NodeNetwork {
    const services = new Map<string, ServiceView>()
    let living: ReadonlyMap<string, ServiceProvider> | undefined
    for (const [key, service] of network.services) {
      const before = this.#services.get(key)
      const chosen = new Set(service.providers.map(({ ipv4 }) => ipv4))
      const idle = this.#idle.get(key)
      for (const address of chosen) idle?.delete(address)
      const former =
        before === undefined || !isSamePlace(before, service)
          ? []
          : [...before.providers, ...before.draining].filter(
              ({ ipv4 }) => !chosen.has(ipv4) && idle?.has(ipv4) !== true,
            )
      if (former.length === 0) {
        services.set(key, service)
        continue
      }
      living ??= addressesIn(network)
      const draining = former.filter(
        (one) => living?.get(placeOf({ ...service, address: one.ipv4 }))?.endpointId === one.endpointId,
      )
      services.set(key, held(service, draining, before))
    }
    for (const key of this.#idle.keys()) if (!services.has(key)) this.#idle.delete(key)
    if (!sameEntries(this.#services, services)) this.#services = services
    return { ...network, services: this.#services }
  }

  /** Now and then: those to whom no connection leads are let go. True when there are any: another pass is due. */
  async look(list: ListConnections, now: number): Promise<boolean> {
    const draining = [...this.#services].filter(([, service]) => service.draining.length > 0)
    if (draining.length === 0 || (now < this.#lookAt && now >= this.#lookAt - lookEveryMs)) return false
    this.#lookAt = now + lookEveryMs
    const open = await connectedTo(new Map(draining), list)
    let found = false
    for (const [key, service] of draining) {
      for (const { ipv4 } of service.draining) {
        if (open.get(service)?.has(ipv4) === true) continue
        this.#idle.set(key, (this.#idle.get(key) ?? new Set()).add(ipv4))
        found = true
      }
    }
    return found
  }
}

/** The same object while it says the same. */
function held(
  service: ServiceView,
  draining: readonly ServiceProvider[],
  before: ServiceView | undefined,
): ServiceView {
  if (draining.length === 0) return service
  const isAsBefore =
    before !== undefined &&
    before.ports === service.ports &&
    before.affinity === service.affinity &&
    before.network === service.network &&
    sameItems(before.providers, service.providers) &&
    sameItems(before.draining, draining)
  return isAsBefore ? before : { ...service, draining }
}

function isSamePlace(a: ServiceView, b: ServiceView): boolean {
  return a.address === b.address && a.network.networkId === b.network.networkId
}

/** Endpoints by where they are. */
function addressesIn(network: NodeNetwork): ReadonlyMap<string, ServiceProvider> {
  const all = [...network.local.values(), ...network.remote.values()]
  return new Map(
    all.map(({ endpointId, ipv4, mac, network: own }) => [
      placeOf({ network: own, address: ipv4 }),
      { endpointId, ipv4, mac },
    ]),
  )
}

/** Whom connections through these services lead to. */
async function connectedTo(services: Services, list: ListConnections): Promise<Map<ServiceView, Set<string>>> {
  const all = [...services.values()]
  const byAddress = new Map(all.map((service) => [`${service.network.tenantId} ${service.address}`, service]))
  const open = new Map<ServiceView, Set<string>>()
  const zones = new Set(all.map(({ network }) => network.tenantId))
  for (const connections of await Promise.all([...zones].map(list))) {
    for (const { zone, original, reply } of connections) {
      const service = byAddress.get(`${zone} ${original.destination}`)
      if (service !== undefined) open.set(service, (open.get(service) ?? new Set()).add(reply.source))
    }
  }
  return open
}
