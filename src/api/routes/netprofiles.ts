import { objectRoutes } from './object.ts'

export const netprofileRoutes = objectRoutes('netprofiles', 'network profile', async () => {
  const { netprofileBody, netprofileView, netprofileInspect } = await import('../../model/netprofile.ts')
  return { body: netprofileBody, view: netprofileView, inspect: netprofileInspect }
})
