// What providers of services send: their answers are translated back on the client's host, and a provider may be its own client.

import { parseIpv4 } from '../../../lib/address.ts'
import type { ServicePort } from '../../../model/service-lb.ts'
import type { Flow } from '../../../protocols/openflow/index.ts'
import type { NetworkView } from '../../compile/node-network.ts'
import type { ServiceProvider, ServiceView } from '../../compile/node-services.ts'
import { origin, range } from '../fields.ts'
import { flow, type Step } from '../flow.ts'
import { is } from '../packets.ts'
import { priority } from '../priorities.ts'
import { fromPort, lookUp, scopeOf } from './service-parts.ts'

type Serving = Pick<ServicePort, 'protocol' | 'providerPort'>

/** What a provider answers with, whatever its services. */
export interface Served {
  readonly provider: ServiceProvider
  readonly network: NetworkView
  readonly ports: readonly Serving[]
  /** The same for the same ports. */
  readonly portsText: string
}

/** By service; services do not change, and are looked at again and again. */
const servedByOne = new WeakMap<ServiceView, ReadonlyMap<string, Served>>()

/** Providers of all services, by scope and address. */
export function servedBy(services: Iterable<ServiceView>): ReadonlyMap<string, Served> {
  const served = new Map<string, Served>()
  for (const service of services) {
    const own = servedByOne.get(service) ?? servedThrough(service)
    servedByOne.set(service, own)
    for (const [key, one] of own) {
      const known = served.get(key)
      if (known === undefined) served.set(key, one)
      else if (known.portsText !== one.portsText) served.set(key, servedAt(one, [...known.ports, ...one.ports]))
    }
  }
  return served
}

function servedThrough({ network, ports, providers, draining }: ServiceView): ReadonlyMap<string, Served> {
  const scope = Object.values(scopeOf(network)).join(' ')
  const first = servedAt({ network }, ports)
  return new Map([...providers, ...draining].map((provider) => [`${scope} ${provider.ipv4}`, { ...first, provider }]))
}

function servedAt<T>(of: T, ports: readonly Serving[]): T & Pick<Served, 'ports' | 'portsText'> {
  const all = distinct(ports)
  const portsText = all.map(({ protocol, providerPort }) => `${protocol}:${providerPort}`).join(' ')
  return { ...of, ports: all, portsText }
}

/** Sorted. */
function distinct(ports: readonly Serving[]): readonly Serving[] {
  const byName = new Map(ports.map((port) => [`${port.protocol} ${port.providerPort}`, port]))
  return [...byName].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, port]) => port)
}

/** Answers of a provider, and its complaints, may be of a connection to a service. */
export function answeringFlows({ provider, network, ports }: Served): Flow[] {
  const from = { ...scopeOf(network), ipv4_src: provider.ipv4 }
  const steps: Step<'Service'>[] = [{ set: { Service: parseIpv4(provider.ipv4) ?? 0 } }, lookUp]
  return [
    ...ports.map(({ protocol, providerPort }) =>
      flow('service', 'Service', priority.network, { ...is.ipv4, ...from, ...fromPort(protocol, providerPort) }, steps),
    ),
    flow('service', 'Service', priority.network, { ...is.unreachable, ...from }, steps),
  ]
}

/**
 * A provider that is its own client hears from the service's address: nobody takes packets from himself. What it answers is made
 * what it would be without that, so that connection tracking knows it.
 */
export function ownAnswers(service: ServiceView, { ipv4 }: ServiceProvider): Flow[] {
  const from = { ...scopeOf(service.network), Origin: origin.endpoint, ...is.ipv4, ipv4_src: ipv4 }
  return distinct(service.ports).map(({ protocol, providerPort }) =>
    flow(
      'service',
      'Service',
      priority.exact,
      { ...from, ipv4_dst: service.address, ...fromPort(protocol, providerPort) },
      [
        { set: { Served: 1, Service: parseIpv4(service.address) ?? 0 } },
        { type: 'set_field', field: 'ipv4_dst', value: ipv4 },
        lookUp,
      ],
    ),
  )
}

/** Back to the provider that is its own client, from the service. */
export function returningFlows(port: number): Flow[] {
  return [
    flow('service', 'Output', priority.self, { ...is.ipv4, in_port: port, OutPort: port, Served: 1, Flood: 0 }, [
      { type: 'move', from: range('Service'), to: { field: 'ipv4_src', offset: 0, bits: 32 } },
      // `macOfIpv4` of the service's address.
      { type: 'set_field', field: 'eth_src', value: '02:02:00:00:00:00' },
      { type: 'move', from: range('Service'), to: { field: 'eth_src', offset: 0, bits: 32 } },
      { type: 'output', port: 'in_port' },
    ]),
  ]
}
