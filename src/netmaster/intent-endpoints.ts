// Endpoints of intents over their life: made without a container, claimed by the node where the container starts, let
// go when it dies. Only an intent removes them, so that the container finds its address again. Decisions are pure.

import type { Problem } from '../lib/errors.ts'
import { problem } from '../model/body.ts'
import { intentEndpointId } from '../model/intent.ts'
import type { EndpointBinding } from '../model/intent-records.ts'
import type { CreateEndpointBody, UpdateEndpointBody } from '../model/plugin.ts'
import type { EndpointRecord } from '../model/state.ts'
import { type Decision, unchanged } from './decision.ts'
import { withSilentPorts } from './silent-ports.ts'

export function isOfIntent(record: EndpointRecord): boolean {
  return record.origin === 'intent'
}

/** Whether a node's request means an intent's endpoint, by what it calls it. */
export function namesIntentEndpoint(body: CreateEndpointBody, network: string, tenant: string): boolean {
  const container = body.ConfigEP.Container
  return container !== '' && body.EndpointID === intentEndpointId(network, tenant, container)
}

/** Its intent was taken back since the node heard of it: nothing must be made in its place. */
export function goneEndpoint(id: string): Problem {
  const message = `endpoint ${id} is in no intent any more; the container stays without this interface`
  return problem('not-found', 'INTENT_GONE', message, { endpoint: id })
}

/** Attaches a container; the same one again changes nothing. */
export function claimEndpoint(
  record: EndpointRecord,
  node: string,
  body: CreateEndpointBody,
): Decision<EndpointRecord> | Problem {
  const { host, attachUuid } = record.binding ?? noBinding
  const containerId = body.ContainerID === '' ? body.ConfigEP.AttachUUID : body.ContainerID
  const id = record.endpointId
  if (containerId === '') {
    const message = `endpoint ${id} is an intent's: give ContainerID (or ConfigEP.AttachUUID), the container to attach`
    return problem('invalid', 'CONTAINER_MISSING', message, { endpoint: id })
  }
  if (host !== '' && host !== node) {
    const message = `endpoint ${id} is bound to host ${host}, not to ${node}; start the container there, or bind it anew with netdcli -host-bindings-cfg`
    return problem('conflict', 'ENDPOINT_ELSEWHERE', message, { node: host })
  }
  if (record.containerId !== '' && record.node !== node) {
    const message = `endpoint ${id} is attached to a container on ${record.node}; stop that container before one on ${node} can have it`
    return problem('conflict', 'ENDPOINT_ELSEWHERE', message, { node: record.node })
  }
  if (!isContainer(containerId, attachUuid)) {
    const message = `endpoint ${id} is kept for container ${attachUuid}, which this one (${containerId.slice(0, 12)}) is not; change AttachUUID in the intent if it shall be`
    return problem('conflict', 'ENDPOINT_OF_OTHER_CONTAINER', message, { attachUuid })
  }
  return changed(record, { ...record, node, containerId, aliases: body.Aliases, labels: body.Labels })
}

/** Lets the container go; address, MAC and binding stay. */
export function detachedEndpoint(record: EndpointRecord): EndpointRecord {
  const bare = { ...record, node: (record.binding ?? noBinding).host, containerId: '', aliases: [], labels: {} }
  return withSilentPorts(bare, { SilentPorts: [] })
}

/** The container died, or its node forgot it. Of another container than the attached one it is no news. */
export function releaseEndpoint(
  record: EndpointRecord,
  from: { readonly node: string; readonly containerId: string },
): Decision<EndpointRecord> {
  const another = from.containerId !== '' && from.containerId !== record.containerId
  if (another || (from.node !== '' && from.node !== record.node)) return unchanged(record)
  return changed(record, detachedEndpoint(record))
}

/** What a node tells of the container; its name is the intent's to say, its id told by claiming. */
export function updateIntentEndpoint(
  record: EndpointRecord,
  body: UpdateEndpointBody,
): Decision<EndpointRecord> | Problem {
  const containerId = body.ContainerID ?? ''
  if (body.Event === 'die') return releaseEndpoint(record, { node: body.Node, containerId })
  if (body.Node !== '' && body.Node !== record.node) {
    const message = `endpoint ${record.endpointId} is not attached on ${body.Node}; claim it with createEndpoint first`
    return problem('conflict', 'ENDPOINT_ELSEWHERE', message, { node: record.node })
  }
  const { aliases, labels } = record
  const told = { ...record, aliases: body.Aliases ?? aliases, labels: body.Labels ?? labels }
  return changed(record, withSilentPorts(told, body))
}

/** The endpoint for another container or host. One that is attached elsewhere than it may be is let go. */
export function boundEndpoint(record: EndpointRecord, container: string, binding: EndpointBinding): EndpointRecord {
  const { host, attachUuid } = binding
  const bound: EndpointRecord = { ...record, containerName: container, binding }
  const attached = record.containerId !== '' && record.containerName === container
  const stays = attached && (host === '' || host === record.node) && isContainer(record.containerId, attachUuid)
  return stays ? bound : detachedEndpoint(bound)
}

const noBinding = { alias: '', host: '', attachUuid: '' }

/** Ids may be given shortened on either side. */
function isContainer(containerId: string, attachUuid: string): boolean {
  return attachUuid === '' || containerId.startsWith(attachUuid) || attachUuid.startsWith(containerId)
}

function changed(before: EndpointRecord, after: EndpointRecord): Decision<EndpointRecord> {
  if (JSON.stringify(before) === JSON.stringify(after)) return unchanged(before)
  return { records: [{ kind: 'endpoint', key: after.endpointId, value: after }], grants: [], result: after }
}
