// Interfaces that no runtime puts into their containers: those of endpoints that intents name. After each pass the link of
// an endpoint that forwards is moved into its container and given name, addresses and routes; what was seen to be right is
// looked at again now and then.

import type { LocalEndpoint, NodeNetwork } from '../core/compile/node-network.ts'
import { type DesiredInterface, findEnd, type NamespaceFacts, planInterface } from '../core/plan/container.ts'
import { findPeer } from '../core/plan/veths.ts'
import type { Containers } from '../drivers/host/containers.ts'
import type { HostDriver } from '../drivers/host/host.ts'
import type { Clock } from '../lib/clock.ts'
import { asNetpluginError, NetpluginError } from '../lib/errors.ts'
import type { Log } from '../lib/log.ts'
import type { LinkInfo } from '../protocols/netlink/index.ts'
import { interfaceAddresses, interfaceRoutes } from './container-routes.ts'
import { auditMs } from './schedule.ts'

interface Deps {
  readonly host: HostDriver
  readonly containers: Containers
  readonly clock: Clock
  readonly log: Log
  readonly nameservers: () => readonly string[]
  /** Asks for another pass. */
  readonly lookAgain: () => void
}

/** Moving a link holds up everything else for about 20 ms: more have to wait for the next pass. */
const movesAtOnce = 8
/** How many interfaces that were right are looked at again in one audit, each about 1 ms. */
const auditAtOnce = 50
/** A little less, so that each of the agent's audits is one here. */
const lookAfterMs = auditMs - 500

export class ContainerInterfaces {
  readonly #deps: Deps
  /** What was seen to be right, by endpoint, the longest ago first. */
  readonly #settled = new Map<
    string,
    { readonly what: string; readonly namespace: string; readonly portName: string }
  >()
  /** What was last said about an endpoint. */
  readonly #complaints = new Map<string, string>()
  #lookAt = 0

  constructor(deps: Deps) {
    this.#deps = deps
  }

  /** `places`: namespaces of the containers by endpoint id; `ofPorts`: ports that forward. */
  passed(network: NodeNetwork, ofPorts: ReadonlyMap<string, number>, places: ReadonlyMap<string, string>): void {
    const { lookAgain } = this.#deps
    this.#distrust()
    this.#forget(places)
    let moves = 0
    for (const [id, namespace] of places) {
      const endpoint = network.local.get(id)
      if (endpoint === undefined || !ofPorts.has(endpoint.portName)) continue
      if (moves === movesAtOnce) {
        lookAgain()
        break
      }
      try {
        if (this.#settle(endpoint, namespace)) moves++
        this.#complaints.delete(id)
      } catch (error) {
        this.#complain(endpoint, asNetpluginError(error))
      }
    }
  }

  /** Has the interfaces that were looked at the longest ago looked at again. */
  #distrust(): void {
    const now = this.#deps.clock.now()
    // Soon also after a clock that was set back.
    if (now < this.#lookAt && this.#lookAt <= now + lookAfterMs) return
    this.#lookAt = now + lookAfterMs
    for (const id of [...this.#settled.keys()].slice(0, auditAtOnce)) this.#settled.delete(id)
  }

  /** Another interface may have to take over the routes of one that is gone, but not before it is gone. */
  #forget(places: ReadonlyMap<string, string>): void {
    const { links } = this.#deps.host.facts()
    for (const [id, { namespace, portName }] of [...this.#settled]) {
      if (places.get(id) === namespace || links.has(portName)) continue
      for (const [other, { namespace: its }] of [...this.#settled]) if (its === namespace) this.#settled.delete(other)
    }
    for (const id of [...this.#complaints.keys()]) if (!places.has(id)) this.#complaints.delete(id)
  }

  /** Whether the link was moved. */
  #settle(endpoint: LocalEndpoint, namespace: string): boolean {
    const { host, containers, nameservers, lookAgain, log } = this.#deps
    const { endpointId, portName, peerName, mac } = endpoint
    const facts = host.facts()
    const hostEnd = facts.links.get(portName)
    if (hostEnd === undefined) return false
    const desired = desiredInterface(endpoint, hostEnd, nameservers())
    // The host's end has no carrier when the container's is down.
    const what = JSON.stringify([hostEnd.index, hostEnd.carrier, namespace, mac, desired])
    if (this.#settled.get(endpointId)?.what === what) return false
    let inside = containers.look(namespace)
    let end = findEnd(hostEnd, mac, inside)
    const moved = end === undefined
    if (end === undefined) {
      const peer = findPeer(peerName, hostEnd, facts)
      if (peer === undefined) {
        // It is in a container that ended, or is another's: the next pass makes a new pair.
        host.apply([{ kind: 'delete-link', name: portName, index: hostEnd.index }])
        lookAgain()
        return false
      }
      containers.moveIn(peer, namespace)
      inside = containers.look(namespace)
      end = findEnd(hostEnd, mac, inside)
    }
    if (end === undefined) throw new NetpluginError('internal', 'INTERFACE_LOST', `${peerName} is not in the container`)
    this.#apply(desired, end, inside, namespace)
    this.#settled.set(endpointId, { what, namespace, portName })
    if (moved) log.info('interface attached', { endpoint: endpointId, ipv4: endpoint.ipv4 })
    return moved
  }

  #apply(desired: DesiredInterface, end: LinkInfo, inside: NamespaceFacts, namespace: string): void {
    const steps = planInterface(desired, end, inside)
    if (steps.length === 0) return
    const failed = this.#deps.containers.apply(namespace, steps).find(({ error }) => error !== undefined)
    if (failed?.error !== undefined) throw failed.error
  }

  /** Said once, however often it is tried. A container that ended is on its way out everywhere. */
  #complain({ endpointId }: LocalEndpoint, { kind, code, message }: NetpluginError): void {
    if (kind === 'not-found' || this.#complaints.get(endpointId) === message) return
    this.#complaints.set(endpointId, message)
    this.#deps.log.warn('interface not attached, will try again', { endpoint: endpointId, code, reason: message })
  }
}

function desiredInterface(
  { peerName, ...carried }: LocalEndpoint,
  hostEnd: LinkInfo,
  nameservers: readonly string[],
): DesiredInterface {
  return {
    peerName,
    mtu: hostEnd.mtu,
    addresses: interfaceAddresses(carried),
    routes: interfaceRoutes(carried, nameservers),
  }
}
