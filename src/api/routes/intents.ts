// Intents (specification 3.4): desired state as a document, and the endpoints and networks that come of it.

import { bodyRoute, queryRoute } from '../route.ts'

const load = () => import('../../model/intent-answer.ts')

const loads = (path: string, summary: string) =>
  bodyRoute('POST', path, summary, async () => {
    const { intentBody, intentAnswer } = await load()
    return { body: intentBody, answer: intentAnswer }
  })

const attaches = (path: string, summary: string) =>
  bodyRoute('POST', path, summary, async () => {
    const { attachBody, endpointState } = await load()
    return { body: attachBody, answer: endpointState }
  })

export const intentRoutes = {
  desired: loads('/desired-config', 'make what intents made equal to the document: what it does not name goes'),
  add: loads('/add-config', 'add what the document names; what is there already must agree with it'),
  remove: loads('/del-config', 'remove the endpoints the document lists, and its networks and tenants left empty'),
  bind: loads('/host-bindings-config', 'bind the endpoints of containers to hosts'),
  endpoints: queryRoute('GET', '/endpoints', 'all endpoints', async () => (await load()).endpointState.array()),
  /** The key: an endpoint's id, its second id, or the name of a container that has only one endpoint. */
  endpoint: queryRoute('GET', '/endpoint/:key', 'one endpoint', async () => (await load()).endpointState),
  removeEndpoint: queryRoute(
    'DELETE',
    '/endpoint/:key',
    'take an endpoint out of its intent',
    async () => (await load()).endpointState,
  ),
  attach: attaches('/endpoint/:key/attach', 'say which container an endpoint of an intent is for'),
  detach: attaches('/endpoint/:key/detach', 'take an endpoint of an intent from its container'),
  networks: queryRoute('GET', '/networks', 'all networks', async () => (await load()).networkState.array()),
  /** The key: `network.tenant`, or the name of a network of tenant `default`. */
  network: queryRoute('GET', '/network/:key', 'one network', async () => (await load()).networkState),
  /** `kind`: global, vlan-rsrc, vxlan-rsrc or subnet-rsrc. */
  resource: queryRoute('GET', '/resource/:kind/:tenant', 'pools of a tenant, and what is in use of them', async () => {
    return (await load()).resourceState
  }),
} as const
