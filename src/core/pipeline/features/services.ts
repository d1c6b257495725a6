// Load balanced services (docs/services.md). On the client's host a new connection to a service gets a provider, and
// connection tracking translates: the service's address and port become the provider's on the way there, and back again in
// the answers. All else, policy among it, sees client and provider.

import { parseIpv4 } from '../../../lib/address.ts'
import type { ServicePort } from '../../../model/service-lb.ts'
import type { Action, Flow } from '../../../protocols/openflow/index.ts'
import type { ServiceProvider, ServiceView } from '../../compile/node-services.ts'
import { agentControllerId } from '../advertisements.ts'
import { answerArp, answerEcho } from '../answers.ts'
import { routerMac } from '../facts.ts'
import { origin } from '../fields.ts'
import { flow, type TableMatch } from '../flow.ts'
import { is } from '../packets.ts'
import { priority } from '../priorities.ts'
import { probeMark, probePort } from '../probes.ts'
import { refusalMark } from '../refusals.ts'
import { probeMeter, refusalMeter } from './profile.ts'
import { ownAnswers } from './service-answers.ts'
import type { GroupNumbers } from './service-groups.ts'
import { fromPort, lookUp, scopeOf, toPort, translate } from './service-parts.ts'
import { datagramFlows, stickyFlows } from './slots.ts'

const dnsPort = 53

/** Flows of one service. `groups`: numbers by port; `here`: providers on this host; `limited`: there are meters. */
export function serviceFlows(
  service: ServiceView,
  groups: GroupNumbers,
  { here, limited }: { readonly here: ReadonlySet<string>; readonly limited: boolean },
): Flow[] {
  const { network, address, mac, ports } = service
  const scope = scopeOf(network)
  const to = { ...scope, Origin: origin.endpoint, ...is.ipv4, ipv4_dst: address }
  const shownMac = network.routed ? routerMac : mac
  const flows = [
    flow(
      'service',
      'Neighbour',
      priority.exact,
      { ...is.arpRequest, Network: network.networkId, arp_tpa: address },
      answerArp(address, shownMac),
    ),
    flow('service', 'Service', priority.exact, { ...to, ...is.echo }, answerEcho(address, shownMac)),
    flow('service', 'Service', priority.rest, to, refuse(limited)),
  ]
  // Its own questions are not for the host's resolver.
  for (const { protocol, servicePort } of ports) {
    if (servicePort !== dnsPort) continue
    const question = { ...to, ...toPort(protocol, servicePort) }
    flows.push(flow('service', 'Names', priority.self, question, [{ goto: 'Service' }]))
  }
  for (const provider of service.probed?.candidates ?? []) {
    if (here.has(provider.endpointId)) flows.push(...probeAnswers(service, provider, limited))
  }
  const reached = [...service.providers, ...service.draining]
  if (reached.length === 0) return flows
  for (const port of ports) {
    flows.push(
      flow('service', 'Service', priority.self, { ...to, ...toPort(port.protocol, port.servicePort) }, [
        { set: { Served: 1, Service: parseIpv4(address) ?? 0 } },
        lookUp,
      ]),
      ...pickFlows(service, port, { groups: groups.get(port) ?? [], limited }),
    )
  }
  for (const provider of reached) flows.push(...countingFlows(service, provider))
  for (const provider of reached) {
    if (here.has(provider.endpointId)) flows.push(...ownAnswers(service, provider))
  }
  return flows
}

function refuse(limited: boolean) {
  return [
    ...(limited ? [{ meter: refusalMeter }] : []),
    { type: 'controller', controllerId: agentControllerId, userdata: refusalMark } as const,
  ]
}

/** What a provider here answers to the agent's question whether its program does. */
function probeAnswers({ network, address, ports }: ServiceView, { ipv4 }: ServiceProvider, limited: boolean): Flow[] {
  const to = { ...scopeOf(network), Origin: origin.endpoint, ipv4_src: ipv4, ipv4_dst: address }
  const asked = new Set(ports.filter(({ protocol }) => protocol === 'tcp').map(({ providerPort }) => providerPort))
  return [...asked].map((port) =>
    flow('service', 'Service', priority.guarded, { ...to, ...fromPort('tcp', port), tcp_dst: probePort }, [
      ...(limited ? [{ meter: probeMeter }] : []),
      { type: 'controller', controllerId: agentControllerId, userdata: probeMark },
    ]),
  )
}

interface Picking {
  readonly groups: readonly number[]
  readonly limited: boolean
}

function pickFlows(service: ServiceView, port: ServicePort, { groups, limited }: Picking): Flow[] {
  const match = {
    ...scopeOf(service.network),
    ...is.ipv4,
    ipv4_dst: service.address,
    ...toPort(port.protocol, port.servicePort),
  }
  const to = (provider: ServiceProvider) => translate(provider, port)
  if (service.providers.length === 0) return [flow('service', 'ServicePick', priority.exact, match, refuse(limited))]
  if (service.affinity) return stickyFlows(match, service.providers, to)
  if (port.protocol === 'udp') return datagramFlows(match, service.providers, to)
  return groups.map((group, index) =>
    flow('service', 'ServicePick', priority.exact, { ...match, ...sharePort(index, groups.length) }, [
      { type: 'group', group },
    ]),
  )
}

/** A share of the ports from which clients connect. Linux takes each second one, so that the last bit says nothing. */
function sharePort(index: number, of: number): TableMatch<'ServicePick'> {
  return of === 1 ? {} : { tcp_src: { value: index << 1, mask: (of - 1) << 1 } }
}

/** What goes to a provider, and what comes from it. */
export function countingFlows({ network, address, mac }: ServiceView, provider: ServiceProvider): Flow[] {
  const scope = { ...scopeOf(network), ...is.ipv4 }
  const number = (text: string) => parseIpv4(text) ?? 0
  const named = (field: 'eth_dst' | 'eth_src', value: string): Action[] =>
    network.routed ? [] : [{ type: 'set_field', field, value }]
  return [
    flow('service', 'Provider', priority.exact, { ...scope, Service: number(address), ipv4_dst: provider.ipv4 }, [
      ...named('eth_dst', provider.mac),
      { goto: 'Route' },
    ]),
    flow('service', 'Provider', priority.exact, { ...scope, Service: number(provider.ipv4), ipv4_src: address }, [
      ...named('eth_src', mac),
      { goto: 'Route' },
    ]),
  ]
}
