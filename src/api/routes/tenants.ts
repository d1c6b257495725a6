import { objectRoutes } from './object.ts'

export const tenantRoutes = objectRoutes('tenants', 'tenant', async () => {
  const { tenantBody, tenantView, tenantInspect } = await import('../../model/tenant.ts')
  return { body: tenantBody, view: tenantView, inspect: tenantInspect }
})
