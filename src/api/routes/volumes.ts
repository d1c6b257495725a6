import { objectRoutes } from './object.ts'

export const volumeRoutes = objectRoutes('volumes', 'volume', async () => {
  const { volumeBody, volumeView, volumeInspect } = await import('../../model/volume.ts')
  return { body: volumeBody, view: volumeView, inspect: volumeInspect }
})
