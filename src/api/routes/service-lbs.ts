import { objectRoutes } from './object.ts'

export const serviceLbRoutes = objectRoutes('serviceLBs', 'service', async () => {
  const { serviceLbBody, serviceLbView, serviceLbInspect } = await import('../../model/service-lb.ts')
  return { body: serviceLbBody, view: serviceLbView, inspect: serviceLbInspect }
})
