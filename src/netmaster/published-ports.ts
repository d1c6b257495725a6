// Ports of hosts that lead to containers: each (host, address, protocol, port) to one of them. netmaster decides, as it does
// about addresses; what programs of a host listen on only the host itself knows.

import type { Problem } from '../lib/errors.ts'
import { problem } from '../model/body.ts'
import { hasNat, noWayIn } from '../model/nat.ts'
import { networkKey } from '../model/network.ts'
import { formatPublished, type PublishedPort, samePlace } from '../model/published-port.ts'
import type { EndpointRecord } from '../model/state.ts'
import type { View } from './tables.ts'

/** Why these ports cannot lead to the endpoint. */
export function checkPublished(
  view: View,
  record: EndpointRecord,
  ports: readonly PublishedPort[],
): Problem | undefined {
  if (ports.length === 0) return undefined
  const key = networkKey(record.tenantName, record.networkName)
  const network = view.networks.get(key)
  if (network !== undefined && !hasNat(network)) return noWayIn(network)
  for (const [index, port] of ports.entries()) {
    const twin = ports.slice(0, index).find((other) => samePlace(port, other))
    if (twin !== undefined) {
      const message = `${formatPublished(port)} and ${formatPublished(twin)} want the same port; publish one of them at another`
      return problem('invalid', 'PORT_TWICE', message)
    }
  }
  const wanted = new Map<number, PublishedPort[]>()
  for (const port of ports) wanted.set(port.hostPort, [...(wanted.get(port.hostPort) ?? []), port])
  for (const other of view.endpointsOn(record.node).values()) {
    if (other.endpointId === record.endpointId) continue
    for (const taken of other.published ?? []) {
      if (!(wanted.get(taken.hostPort) ?? []).some((port) => samePlace(port, taken))) continue
      const holder = other.containerName || other.endpointId
      const message = `port ${taken.hostPort}/${taken.protocol} of host ${record.node} leads to container ${holder} already; publish at another port`
      return problem('conflict', 'PORT_TAKEN', message, { port: taken.hostPort, endpoint: other.endpointId })
    }
  }
  return undefined
}
