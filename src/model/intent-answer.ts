// What netmaster says about intents: what loading one changed, and the endpoints, networks and pools as they are. The JSON
// names are those of the original's state (specification 6.2).

import { z } from 'zod'
import { encapTag } from './network.ts'
import { endpointConfig, endpointConfigOf } from './plugin.ts'
import type { EndpointRecord, NetworkRecord } from './state.ts'

/** An intent document; netmaster reads it itself, because keys may be in any case. */
export const intentBody = z.record(z.string(), z.unknown())

const thing = z.object({
  kind: z.enum(['tenant', 'network', 'endpoint', 'host', 'infra network']),
  /** Name, `tenant:name`, or the id of an endpoint. */
  key: z.string(),
})

export const intentAnswer = z.object({
  changes: z.array(thing.extend({ action: z.enum(['added', 'changed', 'removed']) })),
  /** What was to be deleted and stays. */
  kept: z.array(thing.extend({ why: z.string() })),
  /** What the user should know. */
  notes: z.array(z.string()),
  /** A node whose state has this revision knows of the change. */
  revision: z.int(),
})
export type IntentAnswer = z.infer<typeof intentAnswer>
export type IntentChange = IntentAnswer['changes'][number]

export const endpointState = endpointConfig.extend({
  tenant: z.string(),
  networkName: z.string(),
  containerName: z.string(),
  /** Host and container that it is limited to; empty: any. */
  host: z.string(),
  attachUUID: z.string(),
  /** Second id, given when it was made by hand. */
  alias: z.string(),
  origin: z.enum(['runtime', 'intent', 'host']),
})
export type EndpointState = z.infer<typeof endpointState>

export function endpointStateOf(record: EndpointRecord, vtep: string): EndpointState {
  const { alias = '', host = '', attachUuid = '' } = record.binding ?? {}
  return {
    ...endpointConfigOf(record, vtep),
    tenant: record.tenantName,
    networkName: record.networkName,
    containerName: record.containerName,
    host,
    attachUUID: attachUuid,
    alias,
    origin: record.origin ?? 'runtime',
  }
}

export const networkState = z.object({
  id: z.string(),
  tenant: z.string(),
  networkName: z.string(),
  nwType: z.string(),
  pktTagType: z.string(),
  pktTag: z.int(),
  extPktTag: z.int(),
  subnetIP: z.string(),
  subnetLen: z.int(),
  gateway: z.string(),
  epCount: z.int(),
  networkTag: z.string(),
  origin: z.enum(['runtime', 'intent']),
})
export type NetworkState = z.infer<typeof networkState>

export function networkStateOf(record: NetworkRecord, epCount: number): NetworkState {
  const id = `${record.networkName}.${record.tenantName}`
  const [subnetIP = ''] = record.subnet.split('/')
  const tag = encapTag(record.encap)
  return {
    id,
    tenant: record.tenantName,
    networkName: record.networkName,
    nwType: record.nwType,
    pktTagType: record.encap.kind,
    pktTag: tag,
    extPktTag: tag,
    subnetIP,
    subnetLen: Number(record.subnet.split('/')[1] ?? 0),
    gateway: record.gateway,
    epCount,
    networkTag: record.cfgdTag === '' ? id : record.cfgdTag,
    origin: record.origin ?? 'runtime',
  }
}

/** Pools of a tenant: what there is, and what is in use of it. */
export const resourceState = z.object({
  id: z.string(),
  tenant: z.string(),
  resource: z.enum(['global', 'vlan-rsrc', 'vxlan-rsrc', 'subnet-rsrc']),
  values: z.record(z.string(), z.union([z.string(), z.number()])),
})
export type ResourceState = z.infer<typeof resourceState>

export const attachBody = z.object({
  Container: z.string().max(256).default(''),
  AttachUUID: z.string().max(256).default(''),
  Host: z.string().max(256).default(''),
})
export type AttachBody = z.output<typeof attachBody>
