import { listRoute, queryRoute } from '../route.ts'

export const endpointRoutes = {
  list: listRoute(
    '/api/v1/endpoints/',
    'all endpoints',
    async () => (await import('../../model/endpoint.ts')).endpointOper,
  ),
  /** The key may be part of the endpoint's id, its container's id or its container's name. */
  inspect: queryRoute(
    'GET',
    '/api/v1/inspect/endpoints/:key/',
    'one endpoint',
    async () => (await import('../../model/endpoint.ts')).endpointInspect,
  ),
  clean: queryRoute(
    'DELETE',
    '/debug/epcleanup/tenant/:tenant/:kind/:id',
    'forget endpoints that are gone: `kind` is net, group or ep',
    async () => (await import('../../model/plugin.ts')).cleanAnswer,
  ),
} as const
