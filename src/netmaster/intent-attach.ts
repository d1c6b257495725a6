// Endpoints of intents by hand: finding one, saying which container it is for, and taking that back.

import type { Problem } from '../lib/errors.ts'
import { isProblem, problem } from '../model/body.ts'
import { type AttachBody, type EndpointState, endpointStateOf } from '../model/intent-answer.ts'
import { networkKey } from '../model/network.ts'
import type { EndpointRecord } from '../model/state.ts'
import { type Decision, unchanged } from './decision.ts'
import { removeEndpoints } from './endpoints.ts'
import { boundEndpoint, isOfIntent } from './intent-endpoints.ts'
import { nameSome, notFound } from './objects/object.ts'
import type { View } from './tables.ts'

/** By id, in short or in full, by second id, or by the name of a container that has no other endpoint. */
export function findEndpointState(view: View, key: string): EndpointRecord | Problem {
  const exact = view.endpoints.get(key)
  if (exact !== undefined) return exact
  const named: EndpointRecord[] = []
  const ofContainer: EndpointRecord[] = []
  for (const record of view.endpoints.values()) {
    const { binding, tenantName, networkName, endpointId, containerName } = record
    if (binding?.alias === key || `${networkName}.${tenantName}-${endpointId}` === key) named.push(record)
    else if (containerName === key) ofContainer.push(record)
  }
  const found = named.length > 0 ? named : ofContainer
  const [only, another] = found
  if (only === undefined || key === '') return notFound('endpoint', key)
  if (another === undefined) return only
  const ids = nameSome(found.map(({ endpointId }) => endpointId))
  return problem('conflict', 'ENDPOINT_AMBIGUOUS', `${key} fits ${found.length} endpoints (${ids}); give the id of one`)
}

export function renderEndpointState(view: View, record: EndpointRecord): EndpointState {
  return endpointStateOf(record, view.nodes.get(record.node)?.vtep ?? '')
}

/** Binds an endpoint to a container, by name, by id, or both. Who has a living container keeps it. */
export function attachEndpoint(view: View, key: string, body: AttachBody): Decision<EndpointState> | Problem {
  const record = findOfIntent(view, key)
  if (isProblem(record)) return record
  const { endpointId, containerName, containerId } = record
  const { Container, AttachUUID, Host } = body
  if (Container === '' && AttachUUID === '') {
    return problem('invalid', 'CONTAINER_MISSING', 'name the container to attach: Container, AttachUUID or both')
  }
  const container = Container === '' ? containerName : Container
  if (containerId !== '' && containerName !== container) {
    const message = `endpoint ${endpointId} is attached to container ${containerName} on ${record.node}; detach it first`
    return problem('conflict', 'ENDPOINT_ATTACHED', message, { container: containerName })
  }
  const taken = [...view.endpointsIn(networkKey(record.tenantName, record.networkName)).values()].find(
    (other) => isOfIntent(other) && other !== record && container !== '' && other.containerName === container,
  )
  if (taken !== undefined) {
    const message = `container ${container} has endpoint ${taken.endpointId} on this network already; detach it from there first`
    return problem('conflict', 'CONTAINER_HAS_ENDPOINT', message, { endpoint: taken.endpointId })
  }
  const { alias = '', host = '', attachUuid = '' } = record.binding ?? {}
  return rebind(view, record, container, { alias, host: Host || host, attachUuid: AttachUUID || attachUuid })
}

/** The endpoint waits for no container until one is attached anew; its address stays. */
export function detachEndpoint(view: View, key: string, body: AttachBody): Decision<EndpointState> | Problem {
  const record = findOfIntent(view, key)
  if (isProblem(record)) return record
  const { alias = '', host = '', attachUuid = '' } = record.binding ?? {}
  for (const given of [body.Container, body.AttachUUID]) {
    const known = [record.containerName, record.containerId, attachUuid]
    if (given === '' || known.includes(given)) continue
    const holder = record.containerName === '' ? 'no container' : `container ${record.containerName}`
    const message = `endpoint ${record.endpointId} is for ${holder}, not for ${given}; nothing was detached`
    return problem('conflict', 'ENDPOINT_OF_OTHER_CONTAINER', message, { container: record.containerName })
  }
  return rebind(view, record, '', { alias, host, attachUuid: '' })
}

/** Takes an endpoint out of its intent: the container's interface goes, the address is free. Answers it as it was. */
export function removeIntentEndpoint(view: View, key: string): Decision<EndpointState> | Problem {
  const record = findOfIntent(view, key)
  if (isProblem(record)) return record
  return { ...removeEndpoints([record], null), result: renderEndpointState(view, record) }
}

function findOfIntent(view: View, key: string): EndpointRecord | Problem {
  const record = findEndpointState(view, key)
  if (isProblem(record) || isOfIntent(record)) return record
  const message = `endpoint ${record.endpointId} is its runtime's to attach; only those of intents can be changed by hand`
  return problem('conflict', 'NOT_OF_INTENT', message, { endpoint: record.endpointId })
}

function rebind(
  view: View,
  record: EndpointRecord,
  container: string,
  binding: NonNullable<EndpointRecord['binding']>,
): Decision<EndpointState> {
  const value = boundEndpoint(record, container, binding)
  const result = renderEndpointState(view, value)
  if (JSON.stringify(value) === JSON.stringify(record)) return unchanged(result)
  return { records: [{ kind: 'endpoint', key: record.endpointId, value }], grants: [], result }
}
