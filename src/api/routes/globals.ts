import { objectRoutes } from './object.ts'

export const globalRoutes = objectRoutes('globals', 'global', async () => {
  const { globalBody, globalView, globalInspect } = await import('../../model/global.ts')
  return { body: globalBody, view: globalView, inspect: globalInspect }
})
