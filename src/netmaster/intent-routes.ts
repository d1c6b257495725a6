// The paths of intents (specification 3.4) and what answers them.

import type { FastifyInstance } from 'fastify'
import { intentRoutes } from '../api/routes/intents.ts'
import type { Purpose } from '../core/intent/parse.ts'
import { isProblem } from '../model/body.ts'
import { networkStateOf } from '../model/intent-answer.ts'
import { networkKey } from '../model/network.ts'
import type { NetworkRecord } from '../model/state.ts'
import type { Cluster } from './cluster.ts'
import { serve } from './http.ts'
import {
  attachEndpoint,
  detachEndpoint,
  findEndpointState,
  removeIntentEndpoint,
  renderEndpointState,
} from './intent-attach.ts'
import { tenantResource } from './intent-resources.ts'
import { type IntentOptions, loadIntent } from './intents.ts'
import { resolveNetwork } from './network-reference.ts'
import { sortedValues } from './objects/object.ts'

const { desired, add, remove, bind } = intentRoutes
const documentRoutes = { desired, add, delete: remove, bindings: bind } as const satisfies Record<Purpose, unknown>

export async function addIntents(app: FastifyInstance, cluster: Cluster, options: IntentOptions): Promise<void> {
  const serveDocument = (server: FastifyInstance, route: (typeof documentRoutes)[Purpose], purpose: Purpose) =>
    serve(server, route, async ({ body }) => {
      const { result, revision } = await cluster.transact((view) => loadIntent(view, body, purpose, options))
      return { ...result, revision }
    })
  for (const purpose of ['desired', 'add', 'delete'] as const) {
    await serveDocument(app, documentRoutes[purpose], purpose)
  }
  // Host bindings may come as a bare list, which no other body may.
  await app.register(async (lists) => {
    lists.addHook('preHandler', async (request) => {
      if (Array.isArray(request.body)) request.body = { HostBindings: request.body }
    })
    await serveDocument(lists, documentRoutes.bindings, 'bindings')
  })
  await addEndpoints(app, cluster)
  await addNetworks(app, cluster)
  await serve(app, intentRoutes.resource, ({ parameters: { kind = '', tenant = '' } }) =>
    tenantResource(cluster.view, kind, tenant),
  )
}

async function addEndpoints(app: FastifyInstance, cluster: Cluster): Promise<void> {
  await serve(app, intentRoutes.endpoints, () =>
    sortedValues(cluster.view.endpoints).map((record) => renderEndpointState(cluster.view, record)),
  )
  await serve(app, intentRoutes.endpoint, ({ parameters: { key = '' } }) => {
    const record = findEndpointState(cluster.view, key)
    return isProblem(record) ? record : renderEndpointState(cluster.view, record)
  })
  await serve(app, intentRoutes.removeEndpoint, async ({ parameters: { key = '' } }) => {
    return (await cluster.transact((view) => removeIntentEndpoint(view, key))).result
  })
  await serve(app, intentRoutes.attach, async ({ parameters: { key = '' }, body }) => {
    return (await cluster.transact((view) => attachEndpoint(view, key, body))).result
  })
  await serve(app, intentRoutes.detach, async ({ parameters: { key = '' }, body }) => {
    return (await cluster.transact((view) => detachEndpoint(view, key, body))).result
  })
}

async function addNetworks(app: FastifyInstance, cluster: Cluster): Promise<void> {
  const render = (record: NetworkRecord) =>
    networkStateOf(record, cluster.view.endpointsIn(networkKey(record.tenantName, record.networkName)).size)
  await serve(app, intentRoutes.networks, () => sortedValues(cluster.view.networks).map(render))
  await serve(app, intentRoutes.network, ({ parameters: { key = '' } }) => {
    const plain = cluster.view.networks.get(networkKey('default', key)) ?? cluster.view.networks.get(key)
    if (plain !== undefined) return render(plain)
    const referred = resolveNetwork(cluster.view, { NetworkID: key, TenantName: '', NetworkName: '', ServiceName: '' })
    return isProblem(referred) ? referred : render(referred.network)
  })
}
