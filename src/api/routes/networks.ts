import { queryRoute } from '../route.ts'
import { objectRoutes } from './object.ts'

export const networkRoutes = {
  ...objectRoutes('networks', 'network', async () => {
    const { networkBody, networkView, networkInspect } = await import('../../model/network.ts')
    return { body: networkBody, view: networkView, inspect: networkInspect }
  }),
  multicast: queryRoute(
    'GET',
    '/api/v1/inspect/networks/:key/multicast/',
    'multicast groups of a network, and the hosts that have members of them',
    async () => (await import('../../model/multicast.ts')).networkMulticast,
  ),
} as const
