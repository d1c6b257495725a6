// The way out of networks, and into them by published ports (docs/outside.md). On the link between switch and kernel each
// endpoint has an address of its own, which carries the number of its port: tenants may use the same addresses, and the kernel
// need not know of tenants. Connection tracking translates between that and the endpoint's address, in a zone beside
// the tenant's; the kernel translates once more, to its own address.

import { formatIpv4, ipv4Mask, parseIpv4Prefix } from '../../../lib/address.ts'
import { publishedProtocols } from '../../../model/published-port.ts'
import type { Conntrack, Flow } from '../../../protocols/openflow/index.ts'
import type { LocalEndpoint, NetworkView } from '../../compile/node-network.ts'
import { answerAnyArp } from '../answers.ts'
import { outsideMac, routerMac } from '../facts.ts'
import { origin } from '../fields.ts'
import { flow, type Step, type TableMatch, tableId } from '../flow.ts'
import { is, untagged } from '../packets.ts'
import { priority } from '../priorities.ts'

/** The kernel's own address on the link: last but one of the /16. */
export function outsideHostAddress(subnet: string): string {
  return formatIpv4(baseOf(subnet) + 0xfffe)
}

/** The address that stands for the endpoint at this port of the switch. Ports have numbers up to 0xfeff. */
export function outsideAddress(subnet: string, port: number): string {
  return formatIpv4(baseOf(subnet) + port)
}

/** Where the tenant's ways out are tracked: apart from what policy and services track. */
export function outsideZone(tenantId: number): number {
  return 0x8000 | tenantId
}

/** Whether a way leads out from here. A host has its own. */
export function leadsOut({ network, isHost }: LocalEndpoint): boolean {
  return network.nat && isHost === undefined
}

export function outsideFlows(subnet: string, outside: number): Flow[] {
  const from = { Origin: origin.outside }
  const range = prefix(subnet)
  return [
    flow('outside', 'Classify', priority.exact, { in_port: outside, vlan_vid: untagged }, [
      { set: from },
      { goto: 'Neighbour' },
    ]),
    flow('outside', 'Neighbour', priority.network, { ...is.arpRequest, ...from }, answerAnyArp(routerMac)),
    flow('outside', 'Neighbour', priority.network, { ...is.ipv4, ...from }, [{ goto: 'OutsideIn' }]),
    flow('outside', 'Neighbour', priority.rest, from, []),
    // What was not translated is of no connection.
    flow('outside', 'OutsideBack', priority.exact, { ...is.ipv4, ipv4_dst: range }, []),
    // What connection tracking found out there must not be taken for what policy will ask it.
    flow('outside', 'OutsideBack', priority.rest, is.ipv4, [{ type: 'ct_clear' }, { goto: 'Forward' }]),
    // Multicast and broadcast.
    flow('outside', 'Forward', priority.inner, { ...is.ipv4, ...byEndpoint, ipv4_dst: prefix('224.0.0.0/3') }, []),
    // Who has no address out there says nothing there.
    flow('outside', 'Output', priority.network, { OutPort: outside }, []),
    flow('outside', 'OutsideOut', priority.exact, { ...is.ipv4, ipv4_src: range }, [
      { type: 'set_field', field: 'eth_src', value: routerMac },
      { type: 'set_field', field: 'eth_dst', value: outsideMac },
      { type: 'output', port: outside },
    ]),
  ]
}

const byEndpoint = { Origin: origin.endpoint } as const

/** Addresses of a tenant's own networks are not outside, and nobody outside has them. */
export function innerFlows(tenantId: number, subnets: readonly string[]): Flow[] {
  return subnets.flatMap((subnet) => [
    flow(
      'outside',
      'Forward',
      priority.inner,
      { ...is.ipv4, ...byEndpoint, Tenant: tenantId, ipv4_dst: prefix(subnet) },
      [],
    ),
    flow('outside', 'OutsideBack', priority.exact, { ...is.ipv4, Tenant: tenantId, ipv4_src: prefix(subnet) }, []),
  ])
}

/** What nobody in the tenant has is outside. In bridged networks it is sent to the gateway. */
export function wayOutFlows({ networkId, routed }: NetworkView, outside: number): Flow[] {
  const to = routed ? {} : { eth_dst: routerMac }
  return [
    flow('outside', 'Forward', priority.rest, { ...is.ipv4, ...byEndpoint, Network: networkId, ...to }, [
      { set: { OutPort: outside } },
      { goto: 'Track' },
    ]),
  ]
}

export function outsideEndpointFlows(
  endpoint: LocalEndpoint,
  { port, subnet, outside }: { readonly port: number; readonly subnet: string; readonly outside: number },
): Flow[] {
  const { network, ipv4, published = [] } = endpoint
  const { tenantId, networkId, routed } = network
  const address = outsideAddress(subnet, port)
  const zone = outsideZone(tenantId)
  const out: Conntrack = {
    type: 'ct',
    commit: true,
    zone,
    table: tableId('OutsideOut'),
    nat: { kind: 'src', min: address },
  }
  const back: Conntrack = { type: 'ct', zone, table: tableId('OutsideBack'), nat: 'restore' }
  const enter = (track: Conntrack): Step<'OutsideIn'>[] => [
    { set: { Tenant: tenantId, Network: networkId, Routed: routed ? 1 : 0 } },
    { type: 'set_field', field: 'eth_src', value: routerMac },
    { type: 'set_field', field: 'eth_dst', value: endpoint.mac },
    track,
  ]
  const to = { ...is.ipv4, ipv4_dst: address }
  const opened = enter({ ...back, commit: true, nat: { kind: 'dst', min: ipv4 } })
  const ports = new Map(published.map((each) => [`${each.protocol} ${each.port}`, each]))
  return [
    flow('outside', 'Output', priority.exact, { ...is.ipv4, in_port: port, OutPort: outside }, [out]),
    flow('outside', 'OutsideIn', priority.exact, to, enter(back)),
    ...[...ports.values()].map((each) =>
      flow('outside', 'OutsideIn', priority.self, { ...to, ...toPort(each) }, opened),
    ),
  ]
}

function toPort({ protocol, port }: { readonly protocol: keyof typeof publishedProtocols; readonly port: number }) {
  const match: TableMatch<'OutsideIn'> = { ip_proto: publishedProtocols[protocol], [`${protocol}_dst`]: port }
  return match
}

function baseOf(subnet: string): number {
  return parseIpv4Prefix(subnet)?.base ?? 0
}

function prefix(text: string): { value: string; mask: string } {
  const { base = 0, length = 32 } = parseIpv4Prefix(text) ?? {}
  return { value: formatIpv4(base), mask: formatIpv4(ipv4Mask(length)) }
}
