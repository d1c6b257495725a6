// Which host, and which container of a name, an endpoint is for. Bindings come with the endpoints or by themselves, after
// a scheduler has decided; what a document leaves out stays as it was bound.

import type { Problem } from '../../lib/errors.ts'
import { problem } from '../../model/body.ts'
import type { Intent, IntentBinding, IntentEndpoint } from '../../model/intent.ts'
import type { EndpointBinding } from '../../model/intent-records.ts'
import type { EndpointRecord } from '../../model/state.ts'
import type { Cluster, Plan, Step } from './plan.ts'

/** Binds all endpoints of the named containers. */
export function planBindings(cluster: Cluster, bindings: readonly IntentBinding[]): Plan | Problem {
  const steps: Step[] = []
  for (const binding of bindings) {
    const found = endpointsOf(cluster, binding.container)
    if (found.length === 0) {
      const message = `no intent names a container ${binding.container}; correct the name, or load its intent with netdcli -add-cfg first`
      return problem('not-found', 'CONTAINER_NOT_IN_INTENT', message, { container: binding.container })
    }
    for (const record of found) if (!sameBinding(record, binding)) steps.push(bindingStep(record, binding))
  }
  return { steps, kept: [], notes: [] }
}

export function endpointsOf(cluster: Cluster, container: string): EndpointRecord[] {
  return [...cluster.endpoints.values()].filter(
    ({ origin, containerName }) => origin === 'intent' && containerName === container,
  )
}

type Bound = Pick<IntentEndpoint, 'container' | 'host' | 'attachUuid'> & { readonly alias?: string }

/** The binding after what is given has been laid over what was. */
export function bindingAfter(before: EndpointBinding | undefined, given: Bound): EndpointBinding {
  const { alias = '', host, attachUuid } = given
  return {
    alias: alias || (before?.alias ?? ''),
    host: host || (before?.host ?? ''),
    attachUuid: attachUuid || (before?.attachUuid ?? ''),
  }
}

export function sameBinding(record: EndpointRecord, given: Bound): boolean {
  const before = record.binding
  const after = bindingAfter(before, given)
  return (
    record.containerName === given.container &&
    before?.alias === after.alias &&
    before.host === after.host &&
    before.attachUuid === after.attachUuid
  )
}

export function bindingStep(record: EndpointRecord, given: Bound): Step {
  const binding = bindingAfter(record.binding, given)
  return { kind: 'bind-endpoint', id: record.endpointId, container: given.container, binding }
}

/** The document with its host bindings laid over its endpoints, and those bindings that fit none of them. */
export function mergeBindings(intent: Intent): { readonly intent: Intent; readonly rest: readonly IntentBinding[] } {
  if (intent.bindings.length === 0) return { intent, rest: [] }
  const byContainer = new Map(intent.bindings.map((binding) => [binding.container, binding]))
  const used = new Set<string>()
  const bind = (endpoint: IntentEndpoint): IntentEndpoint => {
    const binding = byContainer.get(endpoint.container)
    if (binding === undefined) return endpoint
    used.add(endpoint.container)
    return {
      ...endpoint,
      host: binding.host || endpoint.host,
      attachUuid: binding.attachUuid || endpoint.attachUuid,
    }
  }
  const tenants = intent.tenants.map((tenant) => ({
    ...tenant,
    networks: tenant.networks.map((network) => ({ ...network, endpoints: network.endpoints.map(bind) })),
  }))
  const rest = intent.bindings.filter(({ container }) => !used.has(container))
  return { intent: { ...intent, tenants, bindings: [] }, rest }
}

export function notInDocument(container: string): Problem {
  const message = `HostBindings names container ${container}, which is on none of the document's networks; correct the name, or add its endpoint`
  return problem('invalid', 'CONTAINER_NOT_IN_INTENT', message, { container })
}
