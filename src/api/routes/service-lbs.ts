import { queryRoute } from '../route.ts'
import { objectRoutes } from './object.ts'

export const serviceLbRoutes = {
  ...objectRoutes('serviceLBs', 'service', async () => {
    const { serviceLbBody, serviceLbView, serviceLbInspect } = await import('../../model/service-lb.ts')
    return { body: serviceLbBody, view: serviceLbView, inspect: serviceLbInspect }
  }),
  stats: queryRoute(
    'GET',
    '/api/v1/inspect/serviceLBs/:key/stats/',
    'packets and bytes that went to each provider of a service, and came back',
    async () => (await import('../../model/counts.ts')).serviceStatsAnswer,
  ),
} as const
