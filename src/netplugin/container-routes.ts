// The routes that a container has by its interface in a network of ours.

import type { DesiredRoute } from '../core/plan/host.ts'
import { coveringPrefix } from '../lib/address.ts'
import type { NetworkRecord } from '../model/state.ts'

type Gateways = Pick<NetworkRecord, 'encap' | 'gateway' | 'ipv6Subnet' | 'ipv6Gateway'>

/** What an interface carries: addresses of its network, empty where it has none of a family. */
export interface CarriedAddresses {
  readonly network: Gateways & Pick<NetworkRecord, 'subnet'>
  readonly ipv4: string
  readonly ipv6: string
}

/** `address/length`. */
export function interfaceAddresses({ network, ipv4, ipv6 }: CarriedAddresses): string[] {
  const within = (address: string, subnet: string) => `${address}/${subnet.slice(subnet.lastIndexOf('/') + 1)}`
  return [
    ...(ipv4 === '' ? [] : [within(ipv4, coveringPrefix(network.subnet))]),
    ...(ipv6 === '' ? [] : [within(ipv6, network.ipv6Subnet)]),
  ]
}

/** Those of the families that it has an address of. */
export function interfaceRoutes(
  { network, ipv4, ipv6 }: CarriedAddresses,
  nameservers: readonly string[],
): DesiredRoute[] {
  return containerRoutes(network, nameservers).filter(
    ({ destination }) => (destination.includes(':') ? ipv6 : ipv4) !== '',
  )
}

/** The default routes, and DNS servers where those would not lead to them. */
export function containerRoutes(network: Gateways, nameservers: readonly string[]): DesiredRoute[] {
  const { gateway, ipv6Gateway } = network
  return [
    ...nameserversOnLink(network, nameservers).map((destination) => ({ destination })),
    ...(gateway === '' ? [] : [{ destination: '0.0.0.0/0', via: gateway }]),
    ...(ipv6Gateway === '' ? [] : [{ destination: '::/0', via: ipv6Gateway }]),
  ]
}

/** Where no gateway of ours leads to the host's DNS servers they are on the link, as prefixes; the switch answers for them. */
export function nameserversOnLink(network: Gateways, nameservers: readonly string[]): readonly string[] {
  const isRouted = (gateway: string) => network.encap.kind === 'vxlan' && gateway !== ''
  return nameservers.flatMap((address) => {
    if (!address.includes(':')) return isRouted(network.gateway) ? [] : [`${address}/32`]
    return network.ipv6Subnet === '' || isRouted(network.ipv6Gateway) ? [] : [`${address}/128`]
  })
}
