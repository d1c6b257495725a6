import { objectRoutes } from './object.ts'

export const networkRoutes = objectRoutes('networks', 'network', async () => {
  const { networkBody, networkView, networkInspect } = await import('../../model/network.ts')
  return { body: networkBody, view: networkView, inspect: networkInspect }
})
