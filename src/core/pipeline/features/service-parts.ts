// What flows and groups of services have in common.

import type { ServicePort } from '../../../model/service-lb.ts'
import type { Action } from '../../../protocols/openflow/index.ts'
import type { NetworkView } from '../../compile/node-network.ts'
import type { ServiceProvider } from '../../compile/node-services.ts'
import { range } from '../fields.ts'
import { type Step, tableId } from '../flow.ts'
import { is } from '../packets.ts'

/** Where an address is this one: in its tenant where packets are routed, in its network where they are bridged. */
export function scopeOf({ routed, tenantId, networkId }: NetworkView) {
  return routed ? { Tenant: tenantId, Routed: 1 } : { Network: networkId }
}

/** The same for two addresses only where they are one. */
export function placeOf({ network, address }: { readonly network: NetworkView; readonly address: string }): string {
  return `${JSON.stringify(scopeOf(network))} ${address}`
}

/** Among the connections of the tenant: what belongs to one is translated. */
export const lookUp: Step<'Service'> = {
  type: 'ct',
  zone: range('Tenant'),
  table: tableId('ServicePick'),
  nat: 'restore',
}

/** To a provider, for good: connection tracking remembers it. */
export function translate(provider: ServiceProvider, { providerPort }: ServicePort): Action {
  return {
    type: 'ct',
    commit: true,
    zone: range('Tenant'),
    table: tableId('Provider'),
    nat: { kind: 'dst', min: provider.ipv4, portMin: providerPort },
  }
}

export function toPort(protocol: ServicePort['protocol'], port: number) {
  return protocol === 'tcp' ? { ...is.tcp, tcp_dst: port } : { ...is.udp, udp_dst: port }
}

export function fromPort(protocol: ServicePort['protocol'], port: number) {
  return protocol === 'tcp' ? { ...is.tcp, tcp_src: port } : { ...is.udp, udp_src: port }
}
