// Endpoints (specification 2.2): the interface of one container. Made through the nodes, only inspected through REST.

import { z } from 'zod'
import { omitEmpty } from './body.ts'
import { formatPublished } from './published-port.ts'
import type { EndpointRecord } from './state.ts'

export const endpointOper = z.object({
  containerID: z.string().optional(),
  containerName: z.string().optional(),
  endpointGroupId: z.int().optional(),
  endpointGroupKey: z.string().optional(),
  endpointID: z.string(),
  homingHost: z.string().optional(),
  /** IPv4, then IPv6 when the network has it. */
  ipAddress: z.array(z.string()).optional(),
  /** `map[key:value …]`, sorted by key. */
  labels: z.string().optional(),
  macAddress: z.string().optional(),
  /** `network.tenant`. */
  network: z.string().optional(),
  /** Ports of its host that lead to it: `0.0.0.0:8080->80/tcp`. */
  publishedPorts: z.array(z.string()).optional(),
  serviceName: z.string().optional(),
  vtepIP: z.string().optional(),
})
export type EndpointOper = z.infer<typeof endpointOper>

export const endpointInspect = z.object({ Config: z.object({}), Oper: endpointOper })
export type EndpointInspect = z.infer<typeof endpointInspect>

export function renderEndpointOper(record: EndpointRecord, vtep: string): EndpointOper {
  return {
    ...omitEmpty({
      containerID: record.containerId,
      containerName: record.containerName,
      endpointGroupId: record.groupId,
      endpointGroupKey: record.groupName === '' ? '' : `${record.groupName}:${record.tenantName}`,
    }),
    endpointID: record.endpointId,
    ...omitEmpty({
      homingHost: record.node,
      ipAddress: [record.ipv4, record.ipv6].filter((address) => address !== ''),
      labels: renderLabels(record.labels),
      macAddress: record.mac,
      network: `${record.networkName}.${record.tenantName}`,
      publishedPorts: (record.published ?? []).map(formatPublished),
      serviceName: record.groupName,
      vtepIP: vtep,
    }),
  }
}

function renderLabels(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([key, value]) => `${key}:${value}`)
  return pairs.length === 0 ? '' : `map[${pairs.sort().join(' ')}]`
}
