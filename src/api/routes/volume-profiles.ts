import { objectRoutes } from './object.ts'

export const volumeProfileRoutes = objectRoutes('volumeProfiles', 'volume profile', async () => {
  const { volumeProfileBody, volumeProfileView, volumeProfileInspect } = await import('../../model/volume-profile.ts')
  return { body: volumeProfileBody, view: volumeProfileView, inspect: volumeProfileInspect }
})
