// Load balanced services (specification 2.3, 5.8): each takes its virtual address of its network in the transaction that
// makes it, and keeps it when it changes.

import { candidatesOf, isAway, isFailing } from '../../core/services/providers.ts'
import type { Problem } from '../../lib/errors.ts'
import { isProblem } from '../../model/body.ts'
import { type EndpointOper, renderEndpointOper } from '../../model/endpoint.ts'
import type { GrantChange } from '../../model/grant.ts'
import { networkKey } from '../../model/network.ts'
import {
  checkServiceTexts,
  renderServiceLb,
  renderServiceLbOper,
  type ServiceLbBody,
  type ServiceLbInspect,
  type ServiceLbOper,
  type ServiceLbView,
  serviceKey,
} from '../../model/service-lb.ts'
import { formatProbe, parseProbe } from '../../model/service-probe.ts'
import type { ServiceRecord } from '../../model/state.ts'
import { chooseAddress } from '../addresses.ts'
import type { View } from '../tables.ts'
import { checkTenant, notFound, type ObjectKind } from './object.ts'
import { recordObject } from './record-object.ts'

export const serviceLbObject: ObjectKind<ServiceLbBody, ServiceLbView, ServiceLbInspect> = recordObject({
  kind: 'service',
  noun: 'service',
  keyOf: (body: ServiceLbBody) => serviceKey(body.tenantName, body.serviceName),
  recordOf: serviceOf,
  putAlongside: (_, record, existing, key) => ({ grants: grantsOf(key, existing, record) }),
  removeAlongside: (_, record, key) => ({ grants: grantsOf(key, record, null) }),
  render: (_, record) => renderServiceLb(record),
  inspect: (view, record) => ({ Config: renderServiceLb(record), Oper: inspectServiceOper(view, record) }),
})

export function inspectServiceOper(view: View, record: ServiceRecord): ServiceLbOper {
  const vtepOf = (node: string) => view.nodes.get(node)?.vtep ?? ''
  const providers: EndpointOper[] = []
  const failing: EndpointOper[] = []
  for (const candidate of candidatesOf(view, record)) {
    const list = isFailing(record, candidate) || isAway(view, candidate) ? failing : providers
    list.push(renderEndpointOper(candidate, vtepOf(candidate.node)))
  }
  return renderServiceLbOper(record, { providers, failing })
}

function serviceOf(view: View, body: ServiceLbBody, existing: ServiceRecord | undefined): ServiceRecord | Problem {
  const { tenantName, serviceName, networkName, ipAddress, selectors, ports, affinity, probe } = body
  const network = networkKey(tenantName, networkName)
  const known = view.networks.has(network) ? undefined : notFound('network', network)
  const wrong = checkTenant(view, tenantName) ?? known ?? checkServiceTexts(body)
  if (wrong !== undefined) return wrong
  const vip = chooseVip(view, network, ipAddress, existing)
  if (isProblem(vip)) return vip
  const sticky = affinity === '' ? {} : { affinity }
  const asked = parseProbe(probe)
  const probed = asked === undefined ? {} : { probe: formatProbe(asked) }
  return { tenantName, serviceName, networkName, ipAddress, vip, selectors, ports, ...sticky, ...probed }
}

/** The address it has, as long as it stays in its network and no other is asked for. */
function chooseVip(view: View, network: string, wanted: string, existing: ServiceRecord | undefined): string | Problem {
  const stays = existing !== undefined && network === networkKey(existing.tenantName, existing.networkName)
  if (stays && (wanted === '' || wanted === existing.vip)) return existing.vip
  return chooseAddress(view, { networkKey: network, groupKey: '', family: 'ipv4', wanted }, () => false)
}

function grantsOf(key: string, old: ServiceRecord | undefined, next: ServiceRecord | null): GrantChange[] {
  if (old !== undefined && next !== null && old.vip === next.vip && old.networkName === next.networkName) return []
  const grants: GrantChange[] = []
  const grant = ({ tenantName, networkName, vip: address }: ServiceRecord, owner: 'this' | 'nobody') =>
    grants.push({
      kind: 'address',
      network: networkKey(tenantName, networkName),
      address,
      owner: owner === 'this' ? { type: 'service', key } : null,
    })
  if (old !== undefined) grant(old, 'nobody')
  if (next !== null) grant(next, 'this')
  return grants
}
