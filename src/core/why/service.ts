// Why a connection to a service may be opened, or not: which containers may get it, and what becomes of it at each of them.

import { formatConnection } from '../../model/connection.ts'
import { encapTag, networkKey } from '../../model/network.ts'
import { parseServicePort, type ServicePort } from '../../model/service-lb.ts'
import type { ClusterState, EndpointRecord, ServiceRecord } from '../../model/state.ts'
import type { WhyAnswer, WhyEnd, WhyProvider, WhyWay } from '../../model/why.ts'
import { candidatesOf, isAway, isFailing, reaches } from '../services/providers.ts'
import { type End, networkOf } from './ends.ts'
import { type Asked, endText, explain } from './why.ts'

export type AskedService = Omit<Asked, 'destination'> & { readonly service: ServiceRecord }

const protocols: Readonly<Record<number, ServicePort['protocol']>> = { 6: 'tcp', 17: 'udp' }
const icmp = 1
/** More are counted, and not told one by one. */
const mostTold = 100

export function explainService(state: ClusterState, asked: AskedService): WhyAnswer {
  const { service, source } = asked
  const about = {
    connection: formatConnection(asked),
    family: asked.family,
    source: endText(state, source, source.kind === 'address' ? source.address : ''),
    destination: serviceEnd(state, service),
    exceptions: [],
  }
  const noWay = stranger(state, asked)
  if (noWay !== undefined) return { verdict: 'no way', ...about, way: noWay }
  if (asked.protocol === icmp) {
    const text = 'the switch of its host answers for the service, whatever rules say'
    return { verdict: 'allowed', ...about, way: { leads: 'yes', code: 'SERVICE', text } }
  }
  const port = portOf(asked)
  if (port === undefined) {
    const text = `service ${service.serviceName} has no port ${formatConnection(asked)}, only ${service.ports.join(', ')}: the switch of the client refuses`
    return { verdict: 'no way', ...about, way: { leads: 'no', code: 'SERVICE_PORT', text } }
  }
  const told = candidatesOf(state, service).map((candidate) => atProvider(state, asked, { port, candidate }))
  const providers = told.slice(0, mostTold)
  const open = told.filter(({ verdict }) => verdict !== 'failing')
  if (open.length === 0) return { verdict: 'no way', ...about, way: nobody(service, told.length), providers }
  const verdicts = new Set(open.map(({ verdict }) => verdict))
  const [only = 'no way'] = verdicts
  const verdict = verdicts.size > 1 ? 'depends' : only === 'failing' ? 'no way' : only
  return { verdict, ...about, way: led(service, port, open.length), providers }
}

function stranger(state: ClusterState, { service, source, tenantName, family }: AskedService): WhyWay | undefined {
  const no = (code: WhyWay['code'], text: string): WhyWay => ({ leads: 'no', code, text })
  if (source.kind === 'address') return no('NO_ENTRY', 'machines outside of the cluster are no clients of services')
  if (source.record.tenantName !== tenantName) {
    return no(
      'OTHER_TENANT',
      `the source is in tenant ${source.record.tenantName}, not in ${tenantName}: nothing passes between tenants`,
    )
  }
  if (family === 'ipv6') return no('NO_IPV6', 'services have IPv4 addresses only')
  const [from, to] = [networkOf(state, source), state.networks.get(networkKey(tenantName, service.networkName))]
  if (from === undefined || to === undefined) return no('NOBODY_THERE', 'a network of theirs is gone')
  if (reaches(to, from, state.global)) return undefined
  const names = `${from.networkName} and ${to.networkName}, which has the service's address`
  return no('NOT_ROUTED', `nothing routes between networks ${names}`)
}

function portOf({ service, protocol, port }: AskedService): ServicePort | undefined {
  const parsed = service.ports.flatMap((text) => parseServicePort(text) ?? [])
  return parsed.find((one) => one.protocol === protocols[protocol] && one.servicePort === port)
}

function atProvider(
  state: ClusterState,
  { service, ...asked }: AskedService,
  { port, candidate }: { readonly port: ServicePort; readonly candidate: EndpointRecord },
): WhyProvider {
  const { endpointId, containerName, ipv4, node } = candidate
  const about = {
    name: containerName === '' ? endpointId.slice(0, 12) : containerName,
    address: ipv4,
    port: port.providerPort,
    host: node,
    endpointID: endpointId,
  }
  if (isFailing(service, candidate)) {
    const text = `gets no connections: nothing answers at TCP port ${candidate.silentPorts?.join(', ')}`
    return { ...about, verdict: 'failing', text }
  }
  const isElsewhere = asked.source.kind !== 'endpoint' || asked.source.record.node !== node
  if (isElsewhere && isAway(state, candidate)) {
    return { ...about, verdict: 'failing', text: `gets no connections from other hosts: its host ${node} is lost` }
  }
  const destination: End = { kind: 'endpoint', record: candidate }
  const { verdict, way, sender, receiver } = explain(state, { ...asked, destination, port: port.providerPort })
  const judged = sender?.action === 'deny' ? sender : receiver
  return { ...about, verdict, text: way.leads === 'no' || judged === undefined ? way.text : judged.text }
}

function nobody({ serviceName, selectors }: ServiceRecord, failing: number): WhyWay {
  const why =
    failing === 0 ? `no container of the tenant has ${selectors.join(' and ')}` : 'none of its containers answers'
  return {
    leads: 'no',
    code: 'NO_PROVIDER',
    text: `nobody serves ${serviceName}: ${why}; the switch of the client refuses`,
  }
}

function led({ serviceName }: ServiceRecord, { servicePort, providerPort }: ServicePort, count: number): WhyWay {
  const whom = count === 1 ? 'its provider' : `one of ${count} providers`
  const text = `service ${serviceName} leads port ${servicePort} to port ${providerPort} of ${whom}`
  return { leads: 'yes', code: 'SERVICE', text }
}

function serviceEnd(state: ClusterState, { tenantName, networkName, serviceName, vip }: ServiceRecord): WhyEnd {
  const network = state.networks.get(networkKey(tenantName, networkName))
  return {
    kind: 'service',
    name: serviceName,
    address: vip,
    group: '',
    network: `${networkName}.${tenantName}`,
    encap: network === undefined ? '' : `${network.encap.kind} ${encapTag(network.encap)}`,
    hosts: [],
    endpointID: '',
  }
}
