import { objectRoutes } from './object.ts'

export const aciGwRoutes = objectRoutes('aciGws', 'ACI gateway', async () => {
  const { aciGwBody, aciGwView, aciGwInspect } = await import('../../model/aci-gw.ts')
  return { body: aciGwBody, view: aciGwView, inspect: aciGwInspect }
})
