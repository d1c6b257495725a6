// The columns of each list. Titles and the number of dashes under them are part of the command's interface: scripts cut
// columns by them, so some stay wider or narrower than their title. What `-o wide` adds is ours.

import type { Column } from '../lib/text-table.ts'
import type { AppProfileView } from '../model/app-profile.ts'
import type { BgpView } from '../model/bgp.ts'
import type { EndpointOper } from '../model/endpoint.ts'
import type { EndpointGroupView } from '../model/endpoint-group.ts'
import type { ExtContractsGroupView } from '../model/ext-contracts-group.ts'
import type { NetprofileView } from '../model/netprofile.ts'
import type { NetworkView } from '../model/network.ts'
import type { NodeView } from '../model/node.ts'
import type { PolicyView } from '../model/policy.ts'
import type { RuleView } from '../model/rule.ts'
import type { ServiceLbView } from '../model/service-lb.ts'
import type { TenantView } from '../model/tenant.ts'

export interface ItemColumn<Item> extends Column {
  readonly cell: (item: Item) => string
}

type Columns<Item> = readonly ItemColumn<Item>[]
type Value = string | number | readonly string[] | undefined

function column<Item>(title: string, dashes: number, value: (item: Item) => Value): ItemColumn<Item> {
  return { title, dashes, cell: (item) => String(value(item) ?? '') }
}

/** A column with as many dashes as its title has characters. */
export function plain<Item>(title: string, value: (item: Item) => Value): ItemColumn<Item> {
  return column(title, title.length, value)
}

/** A column without title or cells: two more spaces. As the last one it makes the one before it padded. */
const gap: ItemColumn<unknown> = column('', 0, () => '')

interface Linked {
  readonly 'link-sets'?: Readonly<Record<string, Readonly<Record<string, unknown>>>>
}

/** Names of what a link set holds, without the tenant. */
function linked(set: string): (item: Linked) => string {
  return (item) => {
    const keys = Object.keys(item['link-sets']?.[set] ?? {})
    return keys.map((key) => key.slice(key.indexOf(':') + 1)).join(',')
  }
}

const countLinked = (set: string) => (item: Linked) => Object.keys(item['link-sets']?.[set] ?? {}).length

export const tenantColumns: Columns<TenantView> = [column('Name', 6, (tenant) => tenant.tenantName), gap]
export const tenantWide: Columns<TenantView> = [
  plain('Networks', countLinked('Networks')),
  plain('Groups', countLinked('EndpointGroups')),
  plain('Policies', countLinked('Policies')),
  plain('Default network', (tenant) => tenant.defaultNetwork),
  plain('Default', (tenant) => tenant.defaultAction ?? 'allow'),
]

export const networkColumns: Columns<NetworkView> = [
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
export const networkWide: Columns<NetworkView> = [
  plain('Groups', linked('EndpointGroups')),
  plain('Services', linked('Servicelbs')),
  plain('Multicast', (network) => network.multicast),
  plain('NAT', (network) => network.nat ?? 'off'),
]

export const groupColumns: Columns<EndpointGroupView> = [
  column('Tenant', 6, (group) => group.tenantName),
  column('Group', 5, (group) => group.groupName),
  column('Network', 7, (group) => group.networkName),
  column('IP Pool', 7, (group) => group.ipPool),
  column('CfgdTag', 7, (group) => group.cfgdTag),
  column('Policies', 8, (group) => group.policies),
  column('Network profile', 15, (group) => group.netProfile),
]
export const groupWide: Columns<EndpointGroupView> = [
  plain('Contracts', (group) => group.extContractsGrps),
  plain('Default', (group) => group.defaultAction),
  plain('App profile', (group) => group.links.AppProfile.key?.split(':')[1]),
]

export const policyColumns: Columns<PolicyView> = [
  column('Tenant', 6, (policy) => policy.tenantName),
  column('Policy', 6, (policy) => policy.policyName),
]
export const policyWide: Columns<PolicyView> = [
  plain('Rules', countLinked('Rules')),
  plain('Groups', linked('EndpointGroups')),
]

export const incomingRuleColumns: Columns<RuleView> = [
  column('Rule', 4, (rule) => rule.ruleId),
  column('Priority', 8, (rule) => rule.priority ?? 0),
  column('From EndpointGroup', 18, (rule) => rule.fromEndpointGroup),
  column('From Network', 12, (rule) => rule.fromNetwork),
  column('From IpAddress', 9, (rule) => rule.fromIpAddress),
  column('To IpAddress', 12, (rule) => rule.toIpAddress),
  column('Protocol', 8, (rule) => rule.protocol),
  column('Port', 4, (rule) => rule.ports ?? rule.port ?? 0),
  column('Action', 6, (rule) => rule.action),
]

export const outgoingRuleColumns: Columns<RuleView> = [
  column('Rule', 4, (rule) => rule.ruleId),
  column('Priority', 8, (rule) => rule.priority ?? 0),
  column('To EndpointGroup', 16, (rule) => rule.toEndpointGroup),
  column('To Network', 10, (rule) => rule.toNetwork),
  column('To IpAddress', 9, (rule) => rule.toIpAddress),
  column('Protocol', 8, (rule) => rule.protocol),
  column('Port', 4, (rule) => rule.ports ?? rule.port ?? 0),
  column('Action', 6, (rule) => rule.action),
]

export const ruleWide: Columns<RuleView> = [
  plain('Established', (rule) => rule.established),
  plain('Log', (rule) => (rule.log === true ? 'yes' : '')),
]

export const netprofileColumns: Columns<NetprofileView> = [
  column('Name', 6, (profile) => profile.profileName),
  column('Tenant', 6, (profile) => profile.tenantName),
  column('Bandwidth', 9, (profile) => bandwidthCell(profile.bandwidth)),
  column('DSCP', 8, (profile) => profile.DSCP ?? 0),
  column('burst size', 10, (profile) => profile.burst ?? 0),
]
export const netprofileWide: Columns<NetprofileView> = [plain('Groups', linked('EndpointGroups'))]

export const contractsColumns: Columns<ExtContractsGroupView> = [
  column('Tenant', 6, (contracts) => contracts.tenantName),
  column('Name', 6, (contracts) => contracts.contractsGroupName),
  gap,
  column('Type', 6, (contracts) => contracts.contractsType),
  gap,
  column('Contracts', 7, (contracts) => contracts.contracts),
]
export const contractsWide: Columns<ExtContractsGroupView> = [plain('Groups', linked('EndpointGroups'))]

export const appProfileColumns: Columns<AppProfileView> = [
  column('Tenant', 6, (profile) => profile.tenantName),
  column('AppProfile', 10, (profile) => profile.appProfileName),
  column('Groups', 6, (profile) => profile.endpointGroups),
]

export const serviceColumns: Columns<ServiceLbView> = [
  column('ServiceName', 9, (service) => service.serviceName),
  column('Tenant', 8, (service) => service.tenantName),
  column('Network', 7, (service) => service.networkName),
  column('Selectors', 9, (service) => service.selectors),
]
export const serviceWide: Columns<ServiceLbView> = [
  plain('Ports', (service) => service.ports),
  plain('Preferred IP', (service) => service.ipAddress),
  plain('Probe', (service) => service.probe),
]

export const bgpColumns: Columns<BgpView> = [
  column('HostName', 9, (bgp) => bgp.hostname),
  column('RouterIP', 8, (bgp) => bgp.routerip),
  column('AS', 7, (bgp) => bgp.as),
  column('Neighbor', 8, (bgp) => bgp.neighbor),
  column('NeighborAS', 7, (bgp) => bgp['neighbor-as']),
]

export const endpointColumns: Columns<EndpointOper> = [
  plain('Endpoint', (endpoint) => endpoint.endpointID.slice(0, 12)),
  plain('Container', (endpoint) => endpoint.containerName ?? endpoint.containerID?.slice(0, 12)),
  plain('Network', (endpoint) => endpoint.network),
  plain('Group', (endpoint) => endpoint.serviceName),
  plain('Address', (endpoint) => endpoint.ipAddress),
  plain('Node', (endpoint) => endpoint.homingHost),
]
export const endpointWide: Columns<EndpointOper> = [
  plain('MAC', (endpoint) => endpoint.macAddress),
  plain('VTEP', (endpoint) => endpoint.vtepIP),
  plain('Labels', (endpoint) => endpoint.labels),
  plain('Ports', (endpoint) => endpoint.publishedPorts),
]

export const nodeColumns: Columns<NodeView> = [
  plain('Node', (node) => node.name),
  plain('Address', (node) => node.controlAddress),
  plain('VTEP', (node) => node.vtep),
  plain('Alive', aliveCell),
  plain('Endpoints', (node) => node.endpoints),
  plain('Revision', (node) => node.appliedRevision),
]
function aliveCell({ alive, state }: NodeView): string {
  if (alive) return 'yes'
  return state === 'lost' || state === 'dead' ? state : 'no'
}

export const nodeWide: Columns<NodeView> = [
  plain('Version', (node) => node.version),
  plain('MTU', (node) => node.mtu),
  plain('Uplinks', (node) => node.uplinks),
  plain('Problems', (node) => node.problems),
]

const bandwidthPattern = /^(\d+) ?([kmg])(?:b|bps)?$/i

/** Number and unit as `10Mbps`, however it was written. */
export function bandwidthCell(text: string | undefined): string {
  const [, amount = '', unit = ''] = bandwidthPattern.exec(text ?? '') ?? []
  return amount === '' ? (text ?? '') : `${amount}${unit.toUpperCase()}bps`
}
