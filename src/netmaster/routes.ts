// Every path of netmaster and what answers it. An object of the public API is one line here, its definition in
// api/routes, and its decisions in objects.

import type { FastifyInstance } from 'fastify'
import { aciGwRoutes } from '../api/routes/aci-gws.ts'
import { appProfileRoutes } from '../api/routes/app-profiles.ts'
import { bgpRoutes } from '../api/routes/bgps.ts'
import { endpointGroupRoutes } from '../api/routes/endpoint-groups.ts'
import { endpointRoutes } from '../api/routes/endpoints.ts'
import { extContractsGroupRoutes } from '../api/routes/ext-contracts-groups.ts'
import { globalRoutes } from '../api/routes/globals.ts'
import { masterRoutes } from '../api/routes/masters.ts'
import { netprofileRoutes } from '../api/routes/netprofiles.ts'
import { networkRoutes } from '../api/routes/networks.ts'
import { nodeRoutes } from '../api/routes/nodes.ts'
import { pluginRoutes } from '../api/routes/plugin.ts'
import { policyRoutes } from '../api/routes/policies.ts'
import { ruleRoutes } from '../api/routes/rules.ts'
import { serviceRoutes } from '../api/routes/service.ts'
import { serviceLbRoutes } from '../api/routes/service-lbs.ts'
import { tenantRoutes } from '../api/routes/tenants.ts'
import { volumeProfileRoutes } from '../api/routes/volume-profiles.ts'
import { volumeRoutes } from '../api/routes/volumes.ts'
import { whyRoutes } from '../api/routes/why.ts'
import type { Clock } from '../lib/clock.ts'
import { heartbeatMs } from '../model/node.ts'
import { type EndpointAnswer, endpointConfigOf } from '../model/plugin.ts'
import type { FlowLimits } from '../model/policy-cost.ts'
import type { InfoView, VersionView } from '../model/service.ts'
import type { EndpointRecord } from '../model/state.ts'
import { nodeProtocol } from '../model/versions.ts'
import { allocAddress, releaseAddress } from './addresses.ts'
import type { Cluster } from './cluster.ts'
import { type Counts, policyStats } from './counts.ts'
import { cleanEndpoints, createEndpoint, deleteEndpoint, updateEndpoint } from './endpoints.ts'
import type { Exchange } from './exchange.ts'
import { serve } from './http.ts'
import { serveList } from './http-list.ts'
import { addIntents } from './intent-routes.ts'
import { type Masters, noOtherMaster } from './masters.ts'
import type { Members } from './members.ts'
import type { Nodes } from './nodes.ts'
import { addObject } from './object-routes.ts'
import { aciGwObject } from './objects/aci-gws.ts'
import { appProfileObject } from './objects/app-profiles.ts'
import { bgpObject } from './objects/bgps.ts'
import { endpointGroupObject } from './objects/endpoint-groups.ts'
import { endpointOper, inspectEndpoint } from './objects/endpoints.ts'
import { extContractsGroupObject } from './objects/ext-contracts-groups.ts'
import { type GlobalOptions, globalObject } from './objects/globals.ts'
import { netprofileObject } from './objects/netprofiles.ts'
import { type NetworkOptions, networkObject } from './objects/networks.ts'
import { policyObject } from './objects/policies.ts'
import { ruleObject } from './objects/rules.ts'
import { serviceLbObject } from './objects/service-lbs.ts'
import { tenantObject } from './objects/tenants.ts'
import { volumeProfileObject } from './objects/volume-profiles.ts'
import { volumeObject } from './objects/volumes.ts'
import { policyCost, ruleCost } from './policy-cost.ts'
import { serviceStats } from './service-counts.ts'
import { transactInSession } from './sessions.ts'
import { explainWhy } from './why.ts'

export interface RoutesOptions {
  readonly global: GlobalOptions
  readonly network: NetworkOptions
  /** Beyond which rules are refused. */
  readonly flows: FlowLimits
  readonly version: VersionView
  /** Called per request: addresses are known only when the server listens. */
  readonly info: () => Omit<InfoView, 'netplugin-nodes'>
}

export interface RoutesDeps {
  readonly cluster: Cluster
  readonly nodes: Nodes
  readonly clock: Clock
  readonly counts: Counts
  readonly members: Members
  readonly stopping: AbortSignal
  /** What this master tells the others, and what it knows of them; left out: there are none. */
  readonly masters?: {
    readonly exchange: Exchange
    readonly all: Masters
    /** URLs of all masters. */
    readonly urls: () => string[]
  }
}

export async function addRoutes(app: FastifyInstance, options: RoutesOptions, deps: RoutesDeps): Promise<void> {
  const { cluster } = deps
  await addObject(app, cluster, globalRoutes, globalObject(options.global))
  await addObject(app, cluster, tenantRoutes, tenantObject)
  await addObject(app, cluster, networkRoutes, networkObject(options.network))
  await addObject(app, cluster, endpointGroupRoutes, endpointGroupObject)
  await addObject(app, cluster, policyRoutes, policyObject)
  await addRules(app, cluster, options.flows)
  await addObject(app, cluster, netprofileRoutes, netprofileObject)
  await addObject(app, cluster, extContractsGroupRoutes, extContractsGroupObject)
  await addObject(app, cluster, appProfileRoutes, appProfileObject)
  await addObject(app, cluster, serviceLbRoutes, serviceLbObject)
  await addObject(app, cluster, bgpRoutes, bgpObject)
  await addObject(app, cluster, aciGwRoutes, aciGwObject)
  await addObject(app, cluster, volumeRoutes, volumeObject)
  await addObject(app, cluster, volumeProfileRoutes, volumeProfileObject)
  await addEndpoints(app, cluster)
  await addWhy(app, cluster)
  await addCounts(app, deps)
  await addIntents(app, cluster, options.network)
  await addPlugin(app, deps)
  await addNodes(app, deps)
  await addMasters(app, deps)
  await addService(app, options, deps)
}

async function addEndpoints(app: FastifyInstance, cluster: Cluster): Promise<void> {
  await serveList(app, endpointRoutes.list, () => ({
    keys: cluster.view.endpoints.keys(),
    get: (id) => endpointOper(cluster.view, id),
  }))
  await serve(app, endpointRoutes.inspect, ({ parameters }) => inspectEndpoint(cluster.view, parameters.key ?? ''))
  await serve(app, endpointRoutes.clean, async ({ parameters: { tenant = '', kind = '', id = '' } }) => {
    return (await cluster.transact((view) => cleanEndpoints(view, { tenant, kind, id }))).result
  })
}

async function addRules(app: FastifyInstance, cluster: Cluster, limits: FlowLimits): Promise<void> {
  const kind = ruleObject(limits)
  await addObject(app, cluster, ruleRoutes, kind)
  await serve(app, policyRoutes.cost, ({ parameters: { key = '' } }) => policyCost(cluster, key, limits))
  await serve(app, ruleRoutes.cost, ({ parameters: { key = '' }, body }) =>
    ruleCost(cluster, kind, { key, body, limits }),
  )
}

async function addWhy(app: FastifyInstance, cluster: Cluster): Promise<void> {
  await serve(app, whyRoutes.ask, ({ parameters: { tenant = '', source = '', destination = '', connection = '' } }) =>
    explainWhy(cluster.view, cluster.revision, { tenant, source, destination, connection }),
  )
}

async function addCounts(app: FastifyInstance, { cluster, counts }: RoutesDeps): Promise<void> {
  await serve(app, policyRoutes.stats, ({ parameters: { key = '' } }) => policyStats(cluster, counts, key))
  await serve(app, serviceLbRoutes.stats, ({ parameters: { key = '' } }) => serviceStats(cluster, counts, key))
  await serve(app, nodeRoutes.counts, ({ parameters: { node = '' }, body }) => ({ taken: counts.answered(node, body) }))
}

async function addPlugin(app: FastifyInstance, { cluster, clock }: RoutesDeps): Promise<void> {
  const answer = (record: EndpointRecord | null, revision: number, kept: boolean): EndpointAnswer => {
    const vtep = record === null ? '' : (cluster.view.nodes.get(record.node)?.vtep ?? '')
    const EndpointConfig = record === null ? null : endpointConfigOf(record, vtep)
    return { EndpointConfig, endpoint: kept ? record : null, revision }
  }
  await serve(app, pluginRoutes.allocAddress, async ({ body }) => {
    return (await transactInSession(cluster, body, (view) => allocAddress(view, body, clock.now()))).result
  })
  await serve(app, pluginRoutes.releaseAddress, async ({ body }) => {
    return (await transactInSession(cluster, body, (view) => releaseAddress(view, body))).result
  })
  await serve(app, pluginRoutes.createEndpoint, async ({ body }) => {
    const { result, revision } = await transactInSession(cluster, body, (view) => createEndpoint(view, body))
    return answer(result, revision, true)
  })
  await serve(app, pluginRoutes.deleteEndpoint, async ({ body }) => {
    const { result, revision } = await transactInSession(cluster, body, (view) =>
      deleteEndpoint(view, body, clock.now()),
    )
    return answer(result, revision, false)
  })
  await serve(app, pluginRoutes.updateEndpoint, async ({ body }) => {
    const { result, revision } = await transactInSession(cluster, body, (view) => updateEndpoint(view, body))
    return { ...answer(result, revision, true), status: 'success' as const, IPAddress: result.ipv4 }
  })
}

async function addNodes(app: FastifyInstance, { cluster, nodes, members, masters }: RoutesDeps): Promise<void> {
  const urls = () => (masters === undefined ? {} : { masters: masters.urls() })
  await serve(app, nodeRoutes.list, () => nodes.list())
  await serve(app, nodeRoutes.applied, ({ parameters }) => nodes.applied(parameters.revision ?? ''))
  await serve(app, nodeRoutes.register, async ({ parameters, body }) => {
    const revision = await nodes.register(parameters.node ?? '', body)
    return { protocol: nodeProtocol, epoch: cluster.epoch, revision, heartbeatMs, ...urls() }
  })
  await serve(app, nodeRoutes.members, ({ parameters: { node = '' }, body }) => {
    const taken = members.report(node, body)
    masters?.exchange.membersReported({ node, body })
    return { taken }
  })
  await serve(app, networkRoutes.multicast, ({ parameters: { key = '' } }) => members.describe(key))
  await serve(app, nodeRoutes.remove, ({ parameters: { node = '' } }) => nodes.remove(node))
  await serve(app, nodeRoutes.heartbeat, async ({ parameters, body }) => {
    await nodes.heartbeat(parameters.node ?? '', body)
    return { epoch: cluster.epoch, revision: cluster.revision, ...urls() }
  })
}

async function addMasters(app: FastifyInstance, deps: RoutesDeps): Promise<void> {
  const { cluster, nodes, members, counts, masters } = deps
  const resign = () => {
    if (masters === undefined) throw noOtherMaster()
    return masters.all.resign(deps.stopping)
  }
  await serve(app, masterRoutes.resign, resign)
  await serve(app, masterRoutes.handOver, () => masters?.exchange.askLeader(masters.all.leader) ?? resign())
  await serve(app, masterRoutes.news, async ({ body }) => {
    for (const presence of body.presence) nodes.hearNews(presence)
    // They may name nodes and networks that are not heard of here yet.
    if (body.members.length > 0) await cluster.fresh()
    for (const { node, body: said } of body.members) members.report(node, said, 'elsewhere')
    return { status: 'ok' as const }
  })
  await serve(app, masterRoutes.counts, async ({ body: { nodes: asked, about, key } }) => {
    const found = await counts.askHere(asked, about, key)
    return [...found].flatMap(([node, said]) => (said === undefined ? [] : [{ node, counts: [...said] }]))
  })
}

async function addService(app: FastifyInstance, options: RoutesOptions, { cluster }: RoutesDeps): Promise<void> {
  await serve(app, serviceRoutes.version, () => options.version)
  await serve(app, serviceRoutes.info, () => ({
    ...options.info(),
    'netplugin-nodes': [...cluster.view.nodes.keys()].sort(),
  }))
  await serve(
    app,
    serviceRoutes.health,
    () => ({ status: 'ok', revision: cluster.revision, epoch: cluster.epoch }) as const,
  )
}
