// DNS. A query leaves its container for whatever server the container was told of; conntrack turns it to the host's
// resolver and remembers. Its source becomes an address of the private subnet that carries the number of the asking
// port, so the resolver knows who asks although tenants' addresses overlap; the answer finds its way back by it.

import { formatIpv4, parseIpv4Prefix } from '../../../lib/address.ts'
import type { Action, Flow } from '../../../protocols/openflow/index.ts'
import type { LocalEndpoint } from '../../compile/node-network.ts'
import { answerAnyArp } from '../answers.ts'
import { hostMac, routerMac } from '../facts.ts'
import { origin, range } from '../fields.ts'
import { flow, tableId } from '../flow.ts'
import { is, untagged } from '../packets.ts'
import { priority } from '../priorities.ts'

/** The resolver's address: last but one of the private /16. */
export function resolverAddress(pvtSubnet: string): string {
  return formatIpv4(privateBase(pvtSubnet) + 0xfffe)
}

/** The address a port's queries seem to come from. */
export function askerAddress(pvtSubnet: string, inPort: number): string {
  return formatIpv4(privateBase(pvtSubnet) + inPort)
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
  const resolver = resolverAddress(pvtSubnet)
  const turn: Action = {
    type: 'ct',
    commit: true,
    zone: range('Tenant'),
    table: tableId('NamesOut'),
    nat: { kind: 'dst', min: resolver },
  }
  const from = { Origin: origin.endpoint }
  return [
    flow('names', 'Classify', priority.exact, { in_port: hostPort, vlan_vid: untagged }, [
      { set: { Origin: origin.host } },
      { goto: 'Neighbour' },
    ]),
    flow('names', 'Neighbour', priority.network, { ...is.arpRequest, Origin: origin.host }, answerAnyArp(routerMac)),
    flow('names', 'Names', priority.exact, { ...is.dnsUdp, ...from }, [turn]),
    flow('names', 'Names', priority.exact, { ...is.dnsTcp, ...from }, [turn]),
    // The host's port is for names: nothing else from it goes anywhere.
    flow('names', 'Names', priority.network, { Origin: origin.host }, []),
    flow('names', 'NamesOut', priority.exact, is.ipv4, [
      { type: 'set_field', field: 'ipv4_src', value: formatIpv4(privateBase(pvtSubnet)), mask: '255.255.0.0' },
      {
        type: 'move',
        from: { field: 'in_port', offset: 0, bits: 16 },
        to: { field: 'ipv4_src', offset: 0, bits: 16 },
      },
      { type: 'set_field', field: 'eth_src', value: routerMac },
      { type: 'set_field', field: 'eth_dst', value: hostMac },
      { type: 'output', port: hostPort },
    ]),
  ]
}

/** The way back of answers to one endpoint. */
export function answerFlows(endpoint: LocalEndpoint, port: number, pvtSubnet: string): Flow[] {
  const { network } = endpoint
  const back = {
    ...is.ipv4,
    Origin: origin.host,
    ipv4_src: resolverAddress(pvtSubnet),
    ipv4_dst: askerAddress(pvtSubnet, port),
  }
  return [
    flow('names', 'Names', priority.exact, back, [
      { set: { Tenant: network.tenantId, Network: network.networkId, OutPort: port } },
      { type: 'set_field', field: 'ipv4_dst', value: endpoint.ipv4 },
      { type: 'set_field', field: 'eth_src', value: routerMac },
      { type: 'set_field', field: 'eth_dst', value: endpoint.mac },
      { type: 'ct', zone: range('Tenant'), table: tableId('Output'), nat: 'restore' },
    ]),
  ]
}
