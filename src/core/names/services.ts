// Services among the names of a host: each leads to the address of the service, SRV to the ports it has.

import { parseServicePort, serviceKey } from '../../model/service-lb.ts'
import type { ClusterState, ServiceRecord } from '../../model/state.ts'
import type { Member } from './members.ts'

const made = new WeakMap<ClusterState['objects']['service'], readonly Member[]>()

/** The same array for the same services. */
export function serviceMembers(services: ClusterState['objects']['service']): readonly Member[] {
  const known = made.get(services) ?? [...services.values()].map(memberOfService)
  made.set(services, known)
  return known
}

function memberOfService({ tenantName, serviceName, networkName, vip, ports }: ServiceRecord): Member {
  const parsed = ports.flatMap((text) => parseServicePort(text) ?? [])
  return {
    key: `service ${serviceKey(tenantName, serviceName)}`,
    tenant: tenantName,
    network: networkName,
    ipv4: vip,
    ipv6: '',
    service: serviceName,
    ports: parsed.map(({ protocol, servicePort }) => `${protocol}/${servicePort}`),
    group: '',
    names: [],
  }
}
