// Finding and showing endpoints.

import type { Problem } from '../../lib/errors.ts'
import { isProblem, problem } from '../../model/body.ts'
import { type EndpointInspect, type EndpointOper, renderEndpointOper } from '../../model/endpoint.ts'
import { isHosts } from '../../model/host-endpoint.ts'
import type { EndpointRecord } from '../../model/state.ts'
import type { View } from '../tables.ts'
import { count, nameSome, notFound, sortedValues } from './object.ts'

export function endpointOpers(view: View, endpoints: ReadonlyMap<string, EndpointRecord>): EndpointOper[] {
  return sortedValues(endpoints).map((record) => render(view, record))
}

/** One endpoint as lists show it; undefined when there is none of that id. */
export function endpointOper(view: View, id: string): EndpointOper | undefined {
  const record = view.endpoints.get(id)
  return record === undefined ? undefined : render(view, record)
}

/** By endpoint id, container id or container name; a part of one will do when it fits only one container. */
export function inspectEndpoint(view: View, key: string): EndpointInspect | Problem {
  const record = findEndpoint(view, key)
  return 'code' in record ? record : { Config: {}, Oper: render(view, record) }
}

function findEndpoint(view: View, key: string): EndpointRecord | Problem {
  const found = findInterfaces(view, key)
  // Interfaces of one container are all it can mean: the first of them stands for it.
  return isProblem(found) ? found : found[0]
}

/** The interfaces of the one container that the key means, at least one; of those of a tenant where one is named. */
export function findInterfaces(
  view: View,
  key: string,
  tenantName?: string,
): readonly [EndpointRecord, ...EndpointRecord[]] | Problem {
  const exact = view.endpoints.get(key)
  if (exact !== undefined) return [exact]
  const named: EndpointRecord[] = []
  const partial: EndpointRecord[] = []
  for (const record of view.endpoints.values()) {
    if (tenantName !== undefined && record.tenantName !== tenantName) continue
    const { endpointId, containerId, containerName } = record
    if (containerName === key || containerId === key) named.push(record)
    else if ([endpointId, containerId, containerName].some((text) => text.includes(key))) partial.push(record)
  }
  const found = named.length > 0 ? named : partial
  const [first, ...others] = found.sort((a, b) => (a.endpointId < b.endpointId ? -1 : 1))
  if (first === undefined || key === '') return notFound('endpoint', key)
  const likeFirst = ({ containerId, containerName, node }: EndpointRecord) =>
    node === first.node &&
    containerId === first.containerId &&
    (containerId !== '' || containerName === first.containerName)
  if (others.every(likeFirst)) return [first, ...others]
  const names = nameSome(found.map(describePlace))
  return problem(
    'conflict',
    'ENDPOINT_AMBIGUOUS',
    `${key} fits ${found.length} endpoints (${names}); give more of the id`,
  )
}

/** What a person calls an endpoint: its container's name, else its id in short. */
function describeHolder(endpoint: { readonly containerName: string; readonly endpointId: string }): string {
  return endpoint.containerName === '' ? `endpoint ${endpoint.endpointId.slice(0, 12)}` : endpoint.containerName
}

/** The same with its host; an intent's endpoint may have none yet. */
export function describePlace(endpoint: Pick<EndpointRecord, 'containerName' | 'endpointId' | 'node'>): string {
  return `${describeHolder(endpoint)} on ${endpoint.node === '' ? 'no host yet' : endpoint.node}`
}

/** Why something cannot be as long as there are endpoints: `what` is the beginning of the sentence. */
export function heldByEndpoints(
  code: string,
  what: string,
  endpoints: ReadonlyMap<string, EndpointRecord>,
): Problem | undefined {
  if (endpoints.size === 0) return undefined
  const all = [...endpoints.values()]
  const next = all.every(isHosts)
    ? 'these are the hosts themselves: delete it, and make it anew as it shall be'
    : all.some(({ origin }) => origin === 'intent')
      ? 'take those of intents out with netdcli -del-cfg, and remove the other containers, first'
      : 'remove those containers first'
  const names = nameSome(all.map(describePlace))
  const message = `${what} while it has ${count(endpoints.size, 'endpoint')} (${names}); ${next}`
  return problem('conflict', code, message, { endpoints: [...endpoints.keys()].sort().slice(0, 20) })
}

function render(view: View, record: EndpointRecord): EndpointOper {
  return renderEndpointOper(record, view.nodes.get(record.node)?.vtep ?? '')
}
