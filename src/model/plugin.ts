// Requests of a node on behalf of its runtime (specification 3.2): addresses and endpoints. The JSON names are the
// original's; what is added: the node, MAC, names and labels, IPv6, and the revision at which a node sees the result.

import { z } from 'zod'
import { canonicalIpv6, parseIpv4, parseMac } from '../lib/address.ts'
import { publishedPort } from './published-port.ts'
import type { EndpointRecord } from './state.ts'

const ipv4 = z
  .string()
  .refine((text) => text === '' || parseIpv4(text) !== undefined, 'is not an IPv4 address')
  .default('')
const ipv6 = z
  .string()
  .refine((text) => text === '' || canonicalIpv6(text) !== undefined, 'is not an IPv6 address')
  .transform((text) => canonicalIpv6(text) ?? '')
  .default('')
const mac = z
  .string()
  .refine((text) => text === '' || parseMac(text) !== undefined, 'is not a MAC address')
  .transform((text) => text.toLowerCase())
  .default('')
const short = z.string().max(256, 'is longer than 256 characters')
const text = short.default('')
const names = z.array(short).max(256).default([])
/** Grows whenever a request of the node got no answer: what carries a lower one than was answered is late, and refused. */
export const session = z.int().min(0).optional()
const labels = z.record(z.string().max(1024), z.string().max(65_536)).default({})

/** Which network an address belongs to: by id, by pool (`a.b.c.d/len`) or by names; the first that is given counts. */
const networkReference = {
  /** `network.tenant`, or `network:group.tenant`. */
  NetworkID: text,
  AddressPool: text,
  TenantName: text,
  NetworkName: text,
  /** The group, when its pool is to be used. */
  ServiceName: text,
}

export const allocAddressBody = z.object({
  ...networkReference,
  PreferredIPv4Address: ipv4,
  PreferredIPv6Address: ipv6,
  /** Asks for an IPv6 address instead of an IPv4 address. */
  IPv6: z.boolean().default(false),
  /** The node that reserves the address. */
  Node: text,
  Session: session,
  /** Names the request: sent again, it gets the same address. Empty: each is another one. */
  Request: text,
})
export type AllocAddressBody = z.output<typeof allocAddressBody>
export type AllocAddressInput = z.input<typeof allocAddressBody>

export const allocAddressAnswer = z.object({
  NetworkID: z.string(),
  /** `address/length`; empty when IPv6 was asked for. */
  IPv4Address: z.string(),
  /** `address/length`; empty when IPv4 was asked for. */
  IPv6Address: z.string(),
})
export type AllocAddressAnswer = z.infer<typeof allocAddressAnswer>

export const releaseAddressBody = z.object({
  ...networkReference,
  /** With or without `/length`. */
  IPv4Address: text,
  IPv6Address: text,
  Node: text,
  Session: session,
})
export type ReleaseAddressBody = z.output<typeof releaseAddressBody>
export type ReleaseAddressInput = z.input<typeof releaseAddressBody>

export const releaseAddressAnswer = z.object({ status: z.literal('success'), released: z.boolean() })
export type ReleaseAddressAnswer = z.infer<typeof releaseAddressAnswer>

export const createEndpointBody = z.object({
  TenantName: text,
  NetworkName: text,
  /** Group, or empty. */
  ServiceName: text,
  EndpointID: short.min(1, 'is missing or empty'),
  EPCommonName: text,
  ConfigEP: z
    .object({
      Container: text,
      Host: text,
      AttachUUID: text,
      IPAddress: ipv4,
      IPv6Address: ipv6,
      ServiceName: text,
    })
    .prefault({}),
  /** The node the endpoint lives on; `ConfigEP.Host` counts when this is empty. */
  Node: text,
  Session: session,
  MacAddress: mac,
  ContainerID: text,
  ContainerName: text,
  Aliases: names,
  Labels: labels,
})
export type CreateEndpointBody = z.output<typeof createEndpointBody>
export type CreateEndpointInput = z.input<typeof createEndpointBody>

export const deleteEndpointBody = z.object({
  TenantName: text,
  NetworkName: text,
  ServiceName: text,
  EndpointID: short.min(1, 'is missing or empty'),
  EPCommonName: text,
  ConfigEP: z.unknown().optional(),
  /** Guards against deleting an endpoint that lives on another node by now. */
  Node: text,
  Session: session,
  /** Frees its addresses at once, instead of leaving them reserved for the node until it releases them. */
  ReleaseAddresses: z.boolean().default(false),
})
export type DeleteEndpointBody = z.output<typeof deleteEndpointBody>
export type DeleteEndpointInput = z.input<typeof deleteEndpointBody>

export const updateEndpointBody = z.object({
  /** Empty: the endpoint is found by tenant, network and address. */
  EndpointID: text,
  IPAddress: text,
  Tenant: text,
  Network: text,
  Event: z.enum(['start', 'die', '']).default(''),
  EPCommonName: text,
  /** What is left out stays as it is. */
  ContainerID: short.optional(),
  ContainerName: short.optional(),
  Aliases: z.array(short).max(256).optional(),
  Labels: z.record(z.string().max(1024), z.string().max(65_536)).optional(),
  /** TCP ports at which no program answers. */
  SilentPorts: z.array(z.int().min(1).max(65_535)).max(1_024).optional(),
  /** Ports of the host that lead to it. */
  Published: z.array(publishedPort).max(65_535).optional(),
  Node: text,
  Session: session,
})
export type UpdateEndpointBody = z.output<typeof updateEndpointBody>
export type UpdateEndpointInput = z.input<typeof updateEndpointBody>

export const endpointConfig = z.object({
  id: z.string(),
  netID: z.string(),
  endpointID: z.string(),
  serviceName: z.string(),
  endpointGroupId: z.int(),
  endpointGroupKey: z.string(),
  ipAddress: z.string(),
  ipv6Address: z.string(),
  macAddress: z.string(),
  homingHost: z.string(),
  intfName: z.string(),
  vtepIP: z.string(),
  labels: z.record(z.string(), z.string()),
  containerId: z.string(),
  epCommonName: z.string(),
})
export type EndpointConfig = z.infer<typeof endpointConfig>

const endpointRecord = z.custom<EndpointRecord>((value) => typeof value === 'object' && value !== null)

export const endpointAnswer = z.object({
  /** Null when there was no such endpoint to delete. */
  EndpointConfig: endpointConfig.nullable(),
  /** The record as nodes see it; null after a deletion. */
  endpoint: endpointRecord.nullable(),
  /** A node whose state has this revision knows of the change. */
  revision: z.int(),
})
export type EndpointAnswer = z.infer<typeof endpointAnswer>

export const updateEndpointAnswer = endpointAnswer.extend({ status: z.literal('success'), IPAddress: z.string() })
export type UpdateEndpointAnswer = z.infer<typeof updateEndpointAnswer>

export const cleanAnswer = z.object({ removed: z.array(z.string()) })
export type CleanAnswer = z.infer<typeof cleanAnswer>

export function endpointConfigOf(record: EndpointRecord, vtep: string): EndpointConfig {
  const netID = `${record.networkName}.${record.tenantName}`
  return {
    // An intent's endpoint is named like this already.
    id: record.origin === 'intent' ? record.endpointId : `${netID}-${record.endpointId}`,
    netID,
    endpointID: record.endpointId,
    serviceName: record.groupName,
    endpointGroupId: record.groupId,
    endpointGroupKey: record.groupName === '' ? '' : `${record.groupName}:${record.tenantName}`,
    ipAddress: record.ipv4,
    ipv6Address: record.ipv6,
    macAddress: record.mac,
    homingHost: record.node,
    intfName: '',
    vtepIP: vtep,
    labels: { ...record.labels },
    containerId: record.containerId,
    epCommonName: record.containerName,
  }
}
