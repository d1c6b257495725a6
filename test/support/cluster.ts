// Cluster states for tests, from a short form: what is left out gets the value a small cluster would have.

import { macOfIpv4 } from '../../src/lib/address.ts'
import {
  type ClusterState,
  defaultGlobal,
  type Encap,
  type EndpointRecord,
  emptyObjects,
  type GlobalRecord,
  type GroupRecord,
  type NetprofileRecord,
  type NetworkRecord,
  type NodeRecord,
  type PolicyRecord,
  type RuleRecord,
  type ServiceRecord,
  type TenantRecord,
} from '../../src/model/state.ts'

export interface Intent {
  readonly global?: Partial<GlobalRecord>
  /** Ids count from 1 in this order. */
  readonly tenants: readonly string[]
  /** Those of them that deny what no rule is about. */
  readonly denyingTenants?: readonly string[]
  readonly networks: readonly NetworkIntent[]
  /** Ids count from 1 in this order. */
  readonly groups?: readonly GroupIntent[]
  readonly netprofiles?: readonly NetprofileIntent[]
  /** Policies are there by being named. */
  readonly rules?: readonly RuleIntent[]
  readonly services?: readonly ServiceIntent[]
  readonly endpoints: readonly EndpointIntent[]
  readonly nodes: readonly { readonly node: string; readonly vtep?: string }[]
}

export interface NetworkIntent {
  /** `tenant:network`; ids count from 1 in order. */
  readonly key: string
  readonly encap: Encap
  readonly subnet: string
  readonly gateway?: string
  readonly ipv6Subnet?: string
  readonly ipv6Gateway?: string
  readonly nwType?: NetworkRecord['nwType']
  readonly nat?: 'off'
}

export interface GroupIntent {
  /** `tenant:group`. */
  readonly key: string
  /** Names within the tenant. */
  readonly network: string
  readonly policies?: readonly string[]
  /** Name within the tenant. */
  readonly netProfile?: string
  readonly defaultAction?: 'allow' | 'deny'
}

/** What is left out is not set. */
export type NetprofileIntent = Partial<Pick<NetprofileRecord, 'bandwidth' | 'dscp' | 'burst'>> & {
  /** `tenant:profile`. */
  readonly key: string
}

export type ServiceIntent = Pick<ServiceRecord, 'selectors' | 'ports' | 'affinity' | 'probe'> & {
  /** `tenant:service`. */
  readonly key: string
  /** Name within the tenant. */
  readonly network: string
  readonly address: string
}

/** `policy` is `tenant:policy`; priority 1 unless given. */
export type RuleIntent = Partial<RuleRecord> &
  Pick<RuleRecord, 'direction' | 'action'> & { readonly policy: string; readonly id: string }

export interface EndpointIntent {
  readonly id: string
  readonly network: string
  readonly node: string
  readonly ipv4: string
  readonly ipv6?: string
  readonly mac?: string
  readonly groupId?: number
  /** Name within the tenant. */
  readonly group?: string
  readonly labels?: Readonly<Record<string, string>>
  readonly published?: EndpointRecord['published']
  /** `host`: the node's own, in an infra network. */
  readonly origin?: 'host'
}

export function clusterState(intent: Intent): ClusterState {
  const groups = new Map((intent.groups ?? []).map((group, index) => [group.key, groupRecord(group, index + 1)]))
  const rules = (intent.rules ?? []).map(ruleRecord)
  return {
    revision: 1,
    global: { ...defaultGlobal, ...intent.global },
    tenants: new Map(
      intent.tenants.map((name, index) => [name, tenant(name, index + 1, intent.denyingTenants?.includes(name))]),
    ),
    networks: new Map(intent.networks.map((network, index) => [network.key, networkRecord(network, index + 1)])),
    groups,
    endpoints: new Map(intent.endpoints.map((endpoint) => [endpoint.id, inGroup(endpointRecord(endpoint), groups)])),
    nodes: new Map(intent.nodes.map(({ node, vtep = '' }) => [node, nodeRecord(node, vtep)])),
    objects: {
      ...emptyObjects,
      policy: new Map(
        [...rules.map(policyOf), ...[...groups.values()].flatMap(policiesOf)].map((policy) => [
          policyKeyOf(policy),
          policy,
        ]),
      ),
      netprofile: new Map((intent.netprofiles ?? []).map((profile) => [profile.key, netprofileRecord(profile)])),
      service: new Map((intent.services ?? []).map((service) => [service.key, serviceRecord(service)])),
      rule: new Map(rules.map((rule) => [`${policyKeyOf(rule)}:${rule.ruleId}`, rule])),
    },
  }
}

function policyKeyOf({ tenantName, policyName }: PolicyRecord): string {
  return `${tenantName}:${policyName}`
}

function policyOf({ tenantName, policyName }: RuleRecord): PolicyRecord {
  return { tenantName, policyName }
}

function policiesOf({ tenantName, policies }: GroupRecord): PolicyRecord[] {
  return policies.map((policyName) => ({ tenantName, policyName }))
}

export function groupRecord(intent: GroupIntent, groupId: number): GroupRecord {
  const [tenantName = '', groupName = ''] = intent.key.split(':')
  return {
    tenantName,
    groupName,
    groupId,
    networkName: intent.network,
    ipPool: '',
    policies: intent.policies ?? [],
    extContractsGrps: [],
    netProfile: intent.netProfile ?? '',
    cfgdTag: '',
    ...(intent.defaultAction === undefined ? {} : { defaultAction: intent.defaultAction }),
  }
}

export function netprofileRecord({ key, ...given }: NetprofileIntent): NetprofileRecord {
  const [tenantName = '', profileName = ''] = key.split(':')
  return { bandwidth: '', dscp: 0, burst: 0, ...given, tenantName, profileName }
}

export function serviceRecord({ key, network, address, ...given }: ServiceIntent): ServiceRecord {
  const [tenantName = '', serviceName = ''] = key.split(':')
  return { ...given, tenantName, serviceName, networkName: network, ipAddress: '', vip: address }
}

export function ruleRecord({ policy, id, ...given }: RuleIntent): RuleRecord {
  const [tenantName = '', policyName = ''] = policy.split(':')
  return {
    priority: 1,
    fromEndpointGroup: '',
    toEndpointGroup: '',
    fromNetwork: '',
    toNetwork: '',
    fromIpAddress: '',
    toIpAddress: '',
    protocol: '',
    port: 0,
    ...given,
    tenantName,
    policyName,
    ruleId: id,
  }
}

function inGroup(record: EndpointRecord, groups: ReadonlyMap<string, GroupRecord>): EndpointRecord {
  const group = groups.get(`${record.tenantName}:${record.groupName}`)
  return group === undefined ? record : { ...record, groupId: group.groupId }
}

export function tenant(tenantName: string, tenantId: number, denies = false): TenantRecord {
  return { tenantName, tenantId, defaultNetwork: '', ...(denies ? { defaultAction: 'deny' } : {}) }
}

export function networkRecord(intent: NetworkIntent, networkId: number): NetworkRecord {
  const [tenantName = '', networkName = ''] = intent.key.split(':')
  return {
    tenantName,
    networkName,
    networkId,
    nwType: intent.nwType ?? 'data',
    encap: intent.encap,
    subnet: intent.subnet,
    gateway: intent.gateway ?? '',
    ipv6Subnet: intent.ipv6Subnet ?? '',
    ipv6Gateway: intent.ipv6Gateway ?? '',
    cfgdTag: '',
    pktTag: 0,
    ...(intent.nat === undefined ? {} : { nat: intent.nat }),
  }
}

export function endpointRecord(intent: EndpointIntent): EndpointRecord {
  const [tenantName = '', networkName = ''] = intent.network.split(':')
  return {
    endpointId: intent.id,
    tenantName,
    networkName,
    groupName: intent.group ?? '',
    groupId: intent.groupId ?? 0,
    node: intent.node,
    ipv4: intent.ipv4,
    ipv6: intent.ipv6 ?? '',
    mac: intent.mac ?? macOfIpv4(intent.ipv4) ?? '',
    containerId: intent.origin === 'host' ? '' : intent.id,
    containerName: intent.origin === 'host' ? intent.node : intent.id,
    aliases: [],
    labels: intent.labels ?? {},
    ...(intent.published === undefined ? {} : { published: intent.published }),
    ...(intent.origin === undefined ? {} : { origin: intent.origin }),
  }
}

export function nodeRecord(node: string, vtep: string): NodeRecord {
  return { node, vtep, controlAddress: vtep, bootId: '', version: '' }
}

/** Who must be able to ping whom, said without flows: the same network, or routed networks with routers in one tenant. */
export function mayReach(state: ClusterState, from: string, to: string, isV6 = false): boolean {
  const [a, b] = [state.endpoints.get(from), state.endpoints.get(to)]
  if (a === undefined || b === undefined || a.tenantName !== b.tenantName) return false
  if (isV6 && (a.ipv6 === '' || b.ipv6 === '')) return false
  if (a.networkName === b.networkName) return true
  const isRouted = ({ tenantName, networkName }: EndpointRecord) => {
    const network = state.networks.get(`${tenantName}:${networkName}`)
    const gateway = isV6 ? network?.ipv6Gateway : network?.gateway
    return network?.encap.kind === 'vxlan' && state.global.fwdMode === 'routing' && gateway !== ''
  }
  return isRouted(a) && isRouted(b)
}
