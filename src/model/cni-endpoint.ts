// Endpoints that came by CNI: their ids, and what their labels say about where they are. The runtime has no id for an
// interface, so it is made of what it calls the container and the interface.

import type { EndpointRecord } from './state.ts'

const prefix = 'cni:'

/** The name of the network configuration by which it was added. */
export const cniConfigLabel = 'io.netplugin.cni.config'
/** The path of the container's network namespace. */
export const cniNamespaceLabel = 'io.netplugin.cni.netns'

/** An interface of the host that is the endpoint's port itself: the tap of a VM, a NIC. */
export const cniDeviceLabel = 'io.netplugin.cni.device'

/** What a runtime limits a container to: `RATE/BURST RATE/BURST`, for what it sends and for what it gets. */
export const cniBandwidthLabel = 'io.netplugin.cni.bandwidth'

export interface Limit {
  /** Kilobits a second; 0: none. */
  readonly rate: number
  /** Kilobits that may come at once; 0: what the rate needs. */
  readonly burst: number
}

export interface EndpointLimits {
  readonly from: Limit
  readonly to: Limit
}

export function formatLimits({ from, to }: EndpointLimits): string {
  return [from, to].map(({ rate, burst }) => `${rate}/${burst}`).join(' ')
}

/** undefined without limits. */
export function limitsOf(record: Pick<EndpointRecord, 'endpointId' | 'origin' | 'labels'>): EndpointLimits | undefined {
  const match = isCni(record) ? /^(\d+)\/(\d+) (\d+)\/(\d+)$/.exec(record.labels[cniBandwidthLabel] ?? '') : null
  if (match === null) return undefined
  const [rateFrom = 0, burstFrom = 0, rateTo = 0, burstTo = 0] = match.slice(1).map(Number)
  return { from: { rate: rateFrom, burst: burstFrom }, to: { rate: rateTo, burst: burstTo } }
}

/** Only this host writes labels with this prefix: a container's own are never taken for them. */
const ownLabels = 'io.netplugin.cni.'

export function withoutOwnLabels(labels: ReadonlyMap<string, string>): Readonly<Record<string, string>> {
  return Object.fromEntries([...labels].filter(([key]) => !key.startsWith(ownLabels)))
}

/** The device that is an endpoint's port; empty where it has a link of its own. */
export function deviceOf(record: Pick<EndpointRecord, 'endpointId' | 'origin' | 'labels'> | undefined): string {
  return record !== undefined && isCni(record) ? (record.labels[cniDeviceLabel] ?? '') : ''
}

/** Neither part has a colon in it. No other endpoint's id begins so: those of Docker are hexadecimal. */
export function cniEndpointId(containerId: string, ifname: string): string {
  return `${prefix}${containerId}:${ifname}`
}

/** The interface's name in an id of these. */
export function interfaceOf(endpointId: string): string {
  return endpointId.slice(endpointId.lastIndexOf(':') + 1)
}

export function isCniId(endpointId: string): boolean {
  return endpointId.startsWith(prefix)
}

export function isCni({ endpointId, origin }: Pick<EndpointRecord, 'endpointId' | 'origin'>): boolean {
  return origin === undefined && isCniId(endpointId)
}
