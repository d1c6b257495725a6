// The columns of each list. Titles and the number of dashes under them are part of the command's interface: scripts cut
// columns by them, so some stay wider or narrower than their title.

import type { Column } from '../lib/text-table.ts'
import type { EndpointGroupView } from '../model/endpoint-group.ts'
import type { NetworkView } from '../model/network.ts'
import type { NodeView } from '../model/node.ts'
import type { TenantView } from '../model/tenant.ts'

export interface ItemColumn<Item> extends Column {
  readonly cell: (item: Item) => string
}

function column<Item>(title: string, dashes: number, value: (item: Item) => string | number | undefined) {
  return { title, dashes, cell: (item: Item) => String(value(item) ?? '') }
}

/** The last column of a table is not padded; an empty one after it makes the one before it padded. */
const padded: ItemColumn<unknown> = column('', 0, () => '')

export const tenantColumns: readonly ItemColumn<TenantView>[] = [
  column('Name', 6, (tenant) => tenant.tenantName),
  padded,
]

export const networkColumns: readonly ItemColumn<NetworkView>[] = [
  column('Tenant', 6, (network) => network.tenantName),
  column('Network', 7, (network) => network.networkName),
  column('Nw Type', 7, (network) => network.nwType),
  column('Encap type', 10, (network) => network.encap),
  column('Packet tag', 10, (network) => network.pktTag ?? 0),
  column('Subnet', 7, (network) => network.subnet),
  column('Gateway', 6, (network) => network.gateway),
  column('IPv6Subnet', 10, (network) => network.ipv6Subnet),
  column('IPv6Gateway', 11, (network) => network.ipv6Gateway),
  column('Cfgd Tag', 9, (network) => network.cfgdTag),
]

export const groupColumns: readonly ItemColumn<EndpointGroupView>[] = [
  column('Tenant', 6, (group) => group.tenantName),
  column('Group', 5, (group) => group.groupName),
  column('Network', 7, (group) => group.networkName),
  column('IP Pool', 7, (group) => group.ipPool),
  column('CfgdTag', 7, (group) => group.cfgdTag),
  column('Policies', 8, (group) => group.policies?.join(',')),
  column('Network profile', 15, (group) => group.netProfile),
]

export const nodeColumns: readonly ItemColumn<NodeView>[] = [
  column('Node', 4, (node) => node.name),
  column('Address', 7, (node) => node.controlAddress),
  column('VTEP', 4, (node) => node.vtep),
  column('Alive', 5, (node) => (node.alive ? 'yes' : 'no')),
  column('Endpoints', 9, (node) => node.endpoints),
  column('Revision', 8, (node) => node.appliedRevision),
]
