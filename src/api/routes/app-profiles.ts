import { objectRoutes } from './object.ts'

export const appProfileRoutes = objectRoutes('appProfiles', 'app profile', async () => {
  const { appProfileBody, appProfileView, appProfileInspect } = await import('../../model/app-profile.ts')
  return { body: appProfileBody, view: appProfileView, inspect: appProfileInspect }
})
