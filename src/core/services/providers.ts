// Who serves a service: the containers of its tenant whose labels contain every selector and that its clients can reach.
// A function of the records: it does not matter whether container or service was there first. Where the service has a probe,
// those whose program does not answer are candidates only.

import { parseIpv4 } from '../../lib/address.ts'
import { appendTo } from '../../lib/append.ts'
import { parseServicePort } from '../../model/service-lb.ts'
import type { ClusterState, EndpointRecord, GlobalRecord, NetworkRecord, ServiceRecord } from '../../model/state.ts'
import { isWaiting } from '../compile/waiting.ts'

type Records = Pick<ClusterState, 'endpoints' | 'networks' | 'global'>

/** By ascending address. For one look; who looks again and again keeps a `LabelIndex`. */
export function providersOf(records: Records, service: ServiceRecord): readonly EndpointRecord[] {
  return candidatesOf(records, service).filter((candidate) => !isFailing(service, candidate))
}

/** The same with those whose program does not answer. */
export function candidatesOf(records: Records, service: ServiceRecord): readonly EndpointRecord[] {
  return new LabelIndex().candidatesOf(records, service)
}

/** Whether the program does not answer at all TCP ports that the service needs. */
export function isFailing({ probe, ports }: ServiceRecord, { silentPorts }: EndpointRecord): boolean {
  if (probe === undefined || silentPorts === undefined) return false
  return ports.some((text) => {
    const port = parseServicePort(text)
    return port?.protocol === 'tcp' && silentPorts.includes(port.providerPort)
  })
}

/** Whether its host is lost: others give it nothing. Hosts themselves are not told of such endpoints. */
export function isAway({ nodes }: Pick<ClusterState, 'nodes'>, { node }: EndpointRecord): boolean {
  return nodes.get(node)?.lost !== undefined
}

/** Endpoints by the labels of their containers; made anew when endpoints change. */
export class LabelIndex {
  #endpoints: ClusterState['endpoints'] | undefined
  readonly #byLabel = new Map<string, EndpointRecord[]>()

  /** By ascending address. */
  candidatesOf(state: Records, service: ServiceRecord): readonly EndpointRecord[] {
    if (this.#endpoints !== state.endpoints) this.#readAll(state.endpoints)
    const network = state.networks.get(`${service.tenantName}:${service.networkName}`)
    if (network === undefined) return []
    const lists = service.selectors.map((selector) => this.#byLabel.get(labelKey(service.tenantName, selector)) ?? [])
    const [fewest = [], ...others] = lists.sort((a, b) => a.length - b.length)
    const sets = others.map((list) => new Set(list))
    const isReached = (record: EndpointRecord) => {
      const own = state.networks.get(`${record.tenantName}:${record.networkName}`)
      return own !== undefined && reaches(network, own, state.global)
    }
    return fewest
      .filter((record) => isReached(record) && sets.every((set) => set.has(record)))
      .sort((a, b) => addressOf(a) - addressOf(b))
  }

  #readAll(endpoints: ClusterState['endpoints']): void {
    this.#endpoints = endpoints
    this.#byLabel.clear()
    for (const record of endpoints.values()) {
      // Labels are those of a container: an endpoint that waits for one has none.
      if (record.containerId === '' || isWaiting(record)) continue
      for (const [key, value] of Object.entries(record.labels)) {
        appendTo(this.#byLabel, labelKey(record.tenantName, `${key}=${value}`), record)
      }
    }
  }
}

function labelKey(tenantName: string, label: string): string {
  return `${tenantName} ${label}`
}

function addressOf({ ipv4 }: EndpointRecord): number {
  return parseIpv4(ipv4) ?? 0
}

/** Routed networks of a tenant reach each other, bridged ones only themselves. */
export function reaches(a: NetworkRecord, b: NetworkRecord, global: GlobalRecord): boolean {
  if (a.networkId === b.networkId) return true
  const isRouted = ({ encap }: NetworkRecord) => encap.kind === 'vxlan' && global.fwdMode === 'routing'
  return isRouted(a) && isRouted(b)
}
