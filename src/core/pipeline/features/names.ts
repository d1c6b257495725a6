// DNS. A query leaves its container for whatever server the container was told of; conntrack turns it to the host's
// resolver and remembers. Its source becomes an address of the private subnet that carries the number of the asking
// port, so the resolver knows who asks although tenants' addresses overlap; the answer finds its way back by it.

import { formatIpv4, formatIpv6, parseIpv4Prefix } from '../../../lib/address.ts'
import type { Action, Flow } from '../../../protocols/openflow/index.ts'
import type { LocalEndpoint } from '../../compile/node-network.ts'
import { linkLocalPrefix } from '../../policy/address-set.ts'
import { answerAnyArp, beginAnyAdvertisement } from '../answers.ts'
import { hostMac, routerMac } from '../facts.ts'
import { origin, range } from '../fields.ts'
import { flow, type Step, tableId } from '../flow.ts'
import { is, prefix6, untagged } from '../packets.ts'
import { priority } from '../priorities.ts'

interface Addresses {
  readonly ipv4: string
  readonly ipv6: string
}

const resolverNumber = 0xfffe
/** A unique local prefix (RFC 4193) of ours; the private subnet follows it, then 64 bits for those within. */
const privatePrefix6 = 0xfd6e_7000_0000n << 80n

/** The resolver's addresses: last but one of the private /16, and the same of its IPv6 counterpart. */
export function resolverAddresses(pvtSubnet: string): Addresses {
  return privateAddresses(pvtSubnet, resolverNumber)
}

/** The addresses a port's queries seem to come from. */
export function askerAddresses(pvtSubnet: string, inPort: number): Addresses {
  return privateAddresses(pvtSubnet, inPort)
}

function privateAddresses(pvtSubnet: string, number: number): Addresses {
  const base = privateBase(pvtSubnet)
  return {
    ipv4: formatIpv4(base + number),
    ipv6: formatIpv6(privatePrefix6 | (BigInt(base >>> 16) << 64n) | BigInt(number)),
  }
}

/** The port that asks from this address; undefined outside the private subnet. */
export function askerPort(pvtSubnet: string, address: number): number | undefined {
  const offset = address - privateBase(pvtSubnet)
  return offset > 0 && offset < 0xfffe ? offset : undefined
}

function privateBase(pvtSubnet: string): number {
  return parseIpv4Prefix(pvtSubnet)?.base ?? 0
}

export function namesFlows(pvtSubnet: string, hostPort: number): Flow[] {
  const resolver = resolverAddresses(pvtSubnet)
  const base = privateAddresses(pvtSubnet, 0)
  const turn = (min: string): Action => ({
    type: 'ct',
    commit: true,
    zone: range('Tenant'),
    table: tableId('NamesOut'),
    nat: { kind: 'dst', min },
  })
  const from = { Origin: origin.endpoint }
  const ofPort = (field: 'ipv4_src' | 'ipv6_src'): Action => ({
    type: 'move',
    from: { field: 'in_port', offset: 0, bits: 16 },
    to: { field, offset: 0, bits: 16 },
  })
  const out: Action[] = [
    { type: 'set_field', field: 'eth_src', value: routerMac },
    { type: 'set_field', field: 'eth_dst', value: hostMac },
    { type: 'output', port: hostPort },
  ]
  return [
    flow('names', 'Classify', priority.exact, { in_port: hostPort, vlan_vid: untagged }, [
      { set: { Origin: origin.host } },
      { goto: 'Neighbour' },
    ]),
    flow('names', 'Neighbour', priority.network, { ...is.arpRequest, Origin: origin.host }, answerAnyArp(routerMac)),
    flow('names', 'Neighbour', priority.network, { ...is.neighbourSolicitation, Origin: origin.host }, [
      ...beginAnyAdvertisement(routerMac),
      { goto: 'NeighbourAnswer' },
    ]),
    ...[is.dnsUdp, is.dnsTcp].map((dns) =>
      flow('names', 'Names', priority.exact, { ...dns, ...from }, [turn(resolver.ipv4)]),
    ),
    ...[is.dnsUdp6, is.dnsTcp6].map((dns) =>
      flow('names', 'Names', priority.exact, { ...dns, ...from }, [turn(resolver.ipv6)]),
    ),
    // The address to answer to is not of the network: the way back would not find it.
    flow('names', 'Names', priority.self, { ...is.ipv6, ...from, ipv6_src: prefix6(linkLocalPrefix) }, [
      { goto: 'Service' },
    ]),
    // The host's port is for names: nothing else from it goes anywhere.
    flow('names', 'Names', priority.network, { Origin: origin.host }, []),
    flow('names', 'NamesOut', priority.exact, is.ipv4, [
      { type: 'set_field', field: 'ipv4_src', value: base.ipv4, mask: '255.255.0.0' },
      ofPort('ipv4_src'),
      ...out,
    ]),
    flow('names', 'NamesOut', priority.exact, is.ipv6, [
      { type: 'set_field', field: 'ipv6_src', value: base.ipv6 },
      ofPort('ipv6_src'),
      ...out,
    ]),
  ]
}

/** The way back of answers to one endpoint. */
export function answerFlows(endpoint: LocalEndpoint, port: number, pvtSubnet: string): Flow[] {
  const { network, ipv4, ipv6 } = endpoint
  const [resolver, asker] = [resolverAddresses(pvtSubnet), askerAddresses(pvtSubnet, port)]
  const from = { Origin: origin.host }
  const back = (address: Action): Step<'Names'>[] => [
    { set: { Tenant: network.tenantId, Network: network.networkId, OutPort: port } },
    address,
    { type: 'set_field', field: 'eth_src', value: routerMac },
    { type: 'set_field', field: 'eth_dst', value: endpoint.mac },
    { type: 'ct', zone: range('Tenant'), table: tableId('Output'), nat: 'restore' },
  ]
  const match4 = { ...is.ipv4, ...from, ipv4_src: resolver.ipv4, ipv4_dst: asker.ipv4 }
  const flows = [
    flow('names', 'Names', priority.exact, match4, back({ type: 'set_field', field: 'ipv4_dst', value: ipv4 })),
  ]
  if (ipv6 === '') return flows
  const match6 = { ...is.ipv6, ...from, ipv6_src: resolver.ipv6, ipv6_dst: asker.ipv6 }
  return [
    ...flows,
    flow('names', 'Names', priority.exact, match6, back({ type: 'set_field', field: 'ipv6_dst', value: ipv6 })),
  ]
}
