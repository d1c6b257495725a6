// Networks (specification 2.2, 2.3): a subnet of a tenant with an encapsulation of its own on the wire.

import { z } from 'zod'
import { canonicalIpv6, parseIpv4 } from '../lib/address.ts'
import { apiObject, link, linkSet, linkSets, linkTo, omitEmpty, optionalName, requiredName, wordOr } from './body.ts'
import { type EndpointOper, endpointOper } from './endpoint.ts'
import { type MulticastMode, multicastModes } from './multicast.ts'
import { hasNat } from './nat.ts'
import type { Encap, GlobalRecord, NetworkRecord } from './state.ts'

/** Tags are 12 bits for VLAN and 24 bits for VXLAN; the finer limits depend on `encap` and on the cluster's ranges. */
const maxTag = 16_777_215

const optionalIpv4 = z
  .string()
  .refine((text) => text === '' || parseIpv4(text) !== undefined, 'is not an IPv4 address')
  .default('')

const optionalIpv6 = z
  .string()
  .max(64)
  .refine((text) => text === '' || canonicalIpv6(text) !== undefined, 'is not an IPv6 address')
  .transform((text) => canonicalIpv6(text) ?? '')
  .default('')

export const networkBody = apiObject({
  tenantName: requiredName(64),
  networkName: requiredName(64),
  nwType: wordOr(['data', 'infra'], 'data'),
  /** Empty: as the cluster's network mode says. */
  encap: wordOr(['', 'vlan', 'vxlan'], ''),
  pktTag: z.int('must be a whole number').min(0, 'is below 0').max(maxTag, `is above ${maxTag}`).default(0),
  subnet: z.string().min(1, 'is missing or empty: give address/length, for example 10.1.1.0/24').max(64),
  gateway: optionalIpv4,
  ipv6Subnet: z.string().max(64).default(''),
  ipv6Gateway: optionalIpv6,
  cfgdTag: optionalName(128),
  /** Empty: as the network is forwarded. */
  multicast: wordOr(['', ...multicastModes], ''),
  /** Whether containers reach addresses outside through their host; empty: as it is, and `on` where that can be. */
  nat: wordOr(['', 'on', 'off'], ''),
})
export type NetworkBody = z.output<typeof networkBody>
export type NetworkInput = z.input<typeof networkBody>

export const networkView = z.object({
  key: z.string(),
  cfgdTag: z.string().optional(),
  encap: z.enum(['vlan', 'vxlan']),
  gateway: z.string().optional(),
  ipv6Gateway: z.string().optional(),
  ipv6Subnet: z.string().optional(),
  /** Only where it was asked for. */
  multicast: z.enum(multicastModes).optional(),
  /** Missing where nothing leads outside and nobody said so. */
  nat: z.enum(['on', 'off']).optional(),
  networkName: z.string(),
  nwType: z.enum(['data', 'infra']),
  pktTag: z.int().optional(),
  subnet: z.string(),
  tenantName: z.string(),
  'link-sets': z.record(z.string(), linkSet),
  links: z.object({ Tenant: link }),
})
export type NetworkView = z.infer<typeof networkView>

export const networkOper = z.object({
  allocatedAddressesCount: z.int().optional(),
  /** Ranges: `a-b, c`. Gateway and the pools of groups count as allocated. */
  allocatedIPAddresses: z.string().optional(),
  availableIPAddresses: z.string().optional(),
  endpoints: z.array(endpointOper).optional(),
  externalPktTag: z.int().optional(),
  networkTag: z.string().optional(),
  numEndpoints: z.int().optional(),
  pktTag: z.int().optional(),
})
export type NetworkOper = z.infer<typeof networkOper>

export const networkInspect = z.object({ Config: networkView, Oper: networkOper })
export type NetworkInspect = z.infer<typeof networkInspect>

export function networkKey(tenantName: string, networkName: string): string {
  return `${tenantName}:${networkName}`
}

/** The VLAN id or VNI a network has on the wire. */
export function encapTag(encap: Encap): number {
  return encap.kind === 'vlan' ? encap.vlan : encap.vni
}

/** Without a choice of its own, a bridged network sends groups to who listens, and a routed one sends nothing to groups. */
export function multicastOf(
  { multicast, encap }: Pick<NetworkRecord, 'multicast' | 'encap'>,
  { fwdMode }: Pick<GlobalRecord, 'fwdMode'>,
): MulticastMode {
  return multicast ?? (encap.kind === 'vxlan' && fwdMode === 'routing' ? 'off' : 'snoop')
}

/** What refers to a network, by key. */
export interface NetworkLinks {
  readonly groups: Iterable<string>
  readonly services: Iterable<string>
}

export function renderNetwork(record: NetworkRecord, { groups, services }: NetworkLinks): NetworkView {
  return {
    key: networkKey(record.tenantName, record.networkName),
    ...omitEmpty({ cfgdTag: record.cfgdTag }),
    encap: record.encap.kind,
    ...omitEmpty({ gateway: record.gateway, ipv6Gateway: record.ipv6Gateway, ipv6Subnet: record.ipv6Subnet }),
    ...(record.multicast === undefined ? {} : { multicast: record.multicast }),
    ...omitEmpty({ nat: hasNat(record) ? ('on' as const) : record.nat }),
    networkName: record.networkName,
    nwType: record.nwType,
    ...omitEmpty({ pktTag: record.pktTag }),
    subnet: record.subnet,
    tenantName: record.tenantName,
    'link-sets': linkSets({
      EndpointGroups: { type: 'endpointGroup', keys: groups },
      Servicelbs: { type: 'serviceLB', keys: services },
    }),
    links: { Tenant: linkTo('tenant', record.tenantName) },
  }
}

/** Numbers that only the allocator knows. */
export interface NetworkUse {
  readonly allocated: string
  readonly available: string
  /** Addresses held by endpoints and reservations. */
  readonly count: number
}

export function renderNetworkOper(
  record: NetworkRecord,
  use: NetworkUse,
  endpoints: readonly EndpointOper[],
): NetworkOper {
  const tag = encapTag(record.encap)
  return omitEmpty({
    allocatedAddressesCount: use.count,
    allocatedIPAddresses: use.allocated,
    availableIPAddresses: use.available,
    endpoints: [...endpoints],
    externalPktTag: tag,
    networkTag: record.cfgdTag === '' ? `${record.networkName}.${record.tenantName}` : record.cfgdTag,
    numEndpoints: endpoints.length,
    pktTag: tag,
  })
}
