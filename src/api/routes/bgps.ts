import { objectRoutes } from './object.ts'

export const bgpRoutes = objectRoutes('Bgps', 'BGP speaker', async () => {
  const { bgpBody, bgpView, bgpInspect } = await import('../../model/bgp.ts')
  return { body: bgpBody, view: bgpView, inspect: bgpInspect }
})
