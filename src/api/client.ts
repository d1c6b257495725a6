// The typed client of netmaster's public API: what netctl and other programs call. Errors are NetpluginErrors as the
// server meant them; a server that cannot be reached is `unavailable`, code NETMASTER_UNREACHABLE.

import { asNetpluginError, NetpluginError } from '../lib/errors.ts'
import type { AciGwInput, AciGwInspect, AciGwView } from '../model/aci-gw.ts'
import type { AppProfileInput, AppProfileInspect, AppProfileView } from '../model/app-profile.ts'
import type { BgpInput, BgpInspect, BgpView } from '../model/bgp.ts'
import type { PolicyStatsAnswer, ServiceStatsAnswer } from '../model/counts.ts'
import type { EndpointInspect, EndpointOper } from '../model/endpoint.ts'
import type { EndpointGroupInput, EndpointGroupInspect, EndpointGroupView } from '../model/endpoint-group.ts'
import type {
  ExtContractsGroupInput,
  ExtContractsGroupInspect,
  ExtContractsGroupView,
} from '../model/ext-contracts-group.ts'
import type { GlobalInput, GlobalInspect, GlobalView } from '../model/global.ts'
import type { HandOverAnswer } from '../model/masters.ts'
import type { NetworkMulticast } from '../model/multicast.ts'
import type { NetprofileInput, NetprofileInspect, NetprofileView } from '../model/netprofile.ts'
import type { NetworkInput, NetworkInspect, NetworkView } from '../model/network.ts'
import type { NodeRemoved, NodeView } from '../model/node.ts'
import type { CleanAnswer } from '../model/plugin.ts'
import type { PolicyInput, PolicyInspect, PolicyView } from '../model/policy.ts'
import type { PolicyCostAnswer, RuleCostAnswer } from '../model/policy-cost.ts'
import type { RuleInput, RuleInspect, RuleView } from '../model/rule.ts'
import type { HealthView, InfoView, VersionView } from '../model/service.ts'
import type { ServiceLbInput, ServiceLbInspect, ServiceLbView } from '../model/service-lb.ts'
import type { TenantInput, TenantInspect, TenantView } from '../model/tenant.ts'
import type { VolumeInput, VolumeInspect, VolumeView } from '../model/volume.ts'
import type { VolumeProfileInput, VolumeProfileInspect, VolumeProfileView } from '../model/volume-profile.ts'
import type { WhyAnswer } from '../model/why.ts'
import { aciGwRoutes } from './routes/aci-gws.ts'
import { appProfileRoutes } from './routes/app-profiles.ts'
import { bgpRoutes } from './routes/bgps.ts'
import { endpointGroupRoutes } from './routes/endpoint-groups.ts'
import { endpointRoutes } from './routes/endpoints.ts'
import { extContractsGroupRoutes } from './routes/ext-contracts-groups.ts'
import { globalRoutes } from './routes/globals.ts'
import { masterRoutes } from './routes/masters.ts'
import { netprofileRoutes } from './routes/netprofiles.ts'
import { networkRoutes } from './routes/networks.ts'
import { nodeRoutes } from './routes/nodes.ts'
import type { ObjectRoutes } from './routes/object.ts'
import { policyRoutes } from './routes/policies.ts'
import { ruleRoutes } from './routes/rules.ts'
import { serviceRoutes } from './routes/service.ts'
import { serviceLbRoutes } from './routes/service-lbs.ts'
import { tenantRoutes } from './routes/tenants.ts'
import { volumeProfileRoutes } from './routes/volume-profiles.ts'
import { volumeRoutes } from './routes/volumes.ts'
import { whyRoutes } from './routes/why.ts'
import { Transport, type TransportOptions } from './transport.ts'

/** One kind of object; keys are `name`, `tenant:name`, of rules `tenant:policy:id`. */
export interface ObjectClient<Input, View, Inspect> {
  list(signal?: AbortSignal): Promise<readonly View[]>
  get(key: string, signal?: AbortSignal): Promise<View>
  /** Creates or changes; what is left out of the body counts as empty. Answers the stored object. */
  put(key: string, body: Input, signal?: AbortSignal): Promise<View>
  /** The same, for what must not be there yet: PRECONDITION_FAILED when it is. */
  create(key: string, body: Input, signal?: AbortSignal): Promise<View>
  /** Answers the key. */
  remove(key: string, signal?: AbortSignal): Promise<string>
  inspect(key: string, signal?: AbortSignal): Promise<Inspect>
}

export interface Client {
  readonly globals: ObjectClient<GlobalInput, GlobalView, GlobalInspect>
  readonly tenants: ObjectClient<TenantInput, TenantView, TenantInspect>
  readonly networks: ObjectClient<NetworkInput, NetworkView, NetworkInspect>
  readonly endpointGroups: ObjectClient<EndpointGroupInput, EndpointGroupView, EndpointGroupInspect>
  readonly policies: ObjectClient<PolicyInput, PolicyView, PolicyInspect>
  readonly rules: ObjectClient<RuleInput, RuleView, RuleInspect>
  readonly netprofiles: ObjectClient<NetprofileInput, NetprofileView, NetprofileInspect>
  readonly extContractsGroups: ObjectClient<ExtContractsGroupInput, ExtContractsGroupView, ExtContractsGroupInspect>
  readonly appProfiles: ObjectClient<AppProfileInput, AppProfileView, AppProfileInspect>
  readonly serviceLbs: ObjectClient<ServiceLbInput, ServiceLbView, ServiceLbInspect>
  readonly bgps: ObjectClient<BgpInput, BgpView, BgpInspect>
  readonly aciGws: ObjectClient<AciGwInput, AciGwView, AciGwInspect>
  readonly volumes: ObjectClient<VolumeInput, VolumeView, VolumeInspect>
  readonly volumeProfiles: ObjectClient<VolumeProfileInput, VolumeProfileView, VolumeProfileInspect>
  readonly endpoints: {
    list(signal?: AbortSignal): Promise<readonly EndpointOper[]>
    /** By endpoint id, container id or container name, or a part of one of them. */
    inspect(key: string, signal?: AbortSignal): Promise<EndpointInspect>
    /** Forgets endpoints whose containers are gone: those of a network, of a group, or one. */
    clean(
      what: { tenant: string; kind: 'net' | 'group' | 'ep'; id: string },
      signal?: AbortSignal,
    ): Promise<CleanAnswer>
  }
  /** Whether a connection may be opened, and why; the ends by container, `group:NAME` or address. */
  why(
    what: { tenant: string; source: string; destination: string; connection: string },
    signal?: AbortSignal,
  ): Promise<WhyAnswer>
  /** What the rules of a policy, `tenant:policy`, cost hosts in flows. */
  policyCost(key: string, signal?: AbortSignal): Promise<PolicyCostAnswer>
  /** What the rules of a policy have let through and stopped. */
  policyStats(key: string, signal?: AbortSignal): Promise<PolicyStatsAnswer>
  /** Who listens to multicast groups of a network, `tenant:network`. */
  networkMulticast(key: string, signal?: AbortSignal): Promise<NetworkMulticast>
  /** What the providers of a service have got and sent. */
  serviceStats(key: string, signal?: AbortSignal): Promise<ServiceStatsAnswer>
  /** What a rule would cost; refused like the rule itself, and nothing is stored. */
  ruleCost(key: string, body: RuleInput, signal?: AbortSignal): Promise<RuleCostAnswer>
  readonly nodes: {
    list(signal?: AbortSignal): Promise<readonly NodeView[]>
    /** As soon as those that live have the revision in force; after half a second in any case. */
    applied(revision: number, signal?: AbortSignal): Promise<readonly NodeView[]>
    /** Forgets a node that is gone, and its endpoints; refused while it lives. */
    remove(name: string, signal?: AbortSignal): Promise<NodeRemoved>
  }
  /** The leader gives its work in the background to another netmaster. */
  handOver(signal?: AbortSignal): Promise<HandOverAnswer>
  version(signal?: AbortSignal): Promise<VersionView>
  info(signal?: AbortSignal): Promise<InfoView>
  /** Whether requests can be served, and the revision of the cluster state. */
  health(signal?: AbortSignal): Promise<HealthView>
  /** Closes kept-alive connections. */
  close(): void
}

/** A client for the netmaster at `baseUrl`; `timeoutMs` bounds each request. */
export function createClient(options: TransportOptions): Client {
  const transport = new Transport(options)
  return {
    globals: objectClient(transport, globalRoutes),
    tenants: objectClient(transport, tenantRoutes),
    networks: objectClient(transport, networkRoutes),
    endpointGroups: objectClient(transport, endpointGroupRoutes),
    policies: objectClient(transport, policyRoutes),
    rules: objectClient(transport, ruleRoutes),
    netprofiles: objectClient(transport, netprofileRoutes),
    extContractsGroups: objectClient(transport, extContractsGroupRoutes),
    appProfiles: objectClient(transport, appProfileRoutes),
    serviceLbs: objectClient(transport, serviceLbRoutes),
    bgps: objectClient(transport, bgpRoutes),
    aciGws: objectClient(transport, aciGwRoutes),
    volumes: objectClient(transport, volumeRoutes),
    volumeProfiles: objectClient(transport, volumeProfileRoutes),
    endpoints: {
      list: (signal) => transport.call(endpointRoutes.list, {}, undefined, signal),
      inspect: (key, signal) => transport.call(endpointRoutes.inspect, { key }, undefined, signal),
      clean: (what, signal) => transport.call(endpointRoutes.clean, what, undefined, signal),
    },
    why: (what, signal) => transport.call(whyRoutes.ask, what, undefined, signal),
    policyCost: (key, signal) => transport.call(policyRoutes.cost, { key }, undefined, signal),
    policyStats: (key, signal) => transport.call(policyRoutes.stats, { key }, undefined, signal),
    networkMulticast: (key, signal) => transport.call(networkRoutes.multicast, { key }, undefined, signal),
    serviceStats: (key, signal) => transport.call(serviceLbRoutes.stats, { key }, undefined, signal),
    ruleCost: (key, body, signal) => transport.call(ruleRoutes.cost, { key }, body, signal),
    nodes: {
      list: (signal) => transport.call(nodeRoutes.list, {}, undefined, signal),
      applied: (revision, signal) =>
        transport.call(nodeRoutes.applied, { revision: String(revision) }, undefined, signal),
      remove: (node, signal) => transport.call(nodeRoutes.remove, { node }, undefined, signal),
    },
    handOver: (signal) => transport.call(masterRoutes.handOver, {}, undefined, signal),
    version: (signal) => transport.call(serviceRoutes.version, {}, undefined, signal),
    info: (signal) => transport.call(serviceRoutes.info, {}, undefined, signal),
    health: (signal) => transport.call(serviceRoutes.health, {}, undefined, signal),
    close: () => transport.close(),
  }
}

function objectClient<Input, Body, View, Inspect>(
  transport: Transport,
  routes: ObjectRoutes<Input, Body, View, Inspect>,
): ObjectClient<Input, View, Inspect> {
  return {
    list: (signal) => transport.call(routes.list, {}, undefined, signal),
    get: (key, signal) => transport.call(routes.get, { key }, undefined, signal),
    put: (key, body, signal) => transport.call(routes.put, { key }, body, signal),
    create: async (key, body, signal) => {
      try {
        return await transport.call(routes.put, { key }, body, signal, { 'if-none-match': '*' })
      } catch (error) {
        if (!wasResent(error, 'PRECONDITION_FAILED')) throw error
        const there = await transport.call(routes.get, { key }, undefined, signal)
        if (!isAsAsked(body, there)) throw error
        return there
      }
    },
    remove: async (key, signal) => {
      try {
        return await transport.call(routes.remove, { key }, undefined, signal)
      } catch (error) {
        // The netmaster that died before it answered has removed it.
        if (wasResent(error) && asNetpluginError(error).kind === 'not-found') return key
        throw error
      }
    },
    inspect: (key, signal) => transport.call(routes.inspect, { key }, undefined, signal),
  }
}

/** Whether an earlier request, which got no answer, may be why this one was refused. */
function wasResent(error: unknown, code?: string): boolean {
  return error instanceof NetpluginError && error.details.resent === true && (code ?? error.code) === error.code
}

/** Whether an object says what it was asked to say: then it is this client that made it. */
function isAsAsked(body: unknown, view: unknown): boolean {
  if (typeof body !== 'object' || body === null || typeof view !== 'object' || view === null) return false
  return Object.entries(body).every(([name, value]) => {
    const isEmpty = value === undefined || value === '' || (Array.isArray(value) && value.length === 0)
    return isEmpty || JSON.stringify(Reflect.get(view, name)) === JSON.stringify(value)
  })
}
